/**
 * A server that notes the CPU time of each look at a Rollout: deciding, without writing. Told to end, it prints them as
 * JSON.
 *
 *     deno run -A bench/rollouts/timed_server.ts DATA-FOLDER SUBNET
 */
import type { ControllerDefinition, ControllerOnDemand } from "../../core/controllers/mod.ts";
import type { Loop } from "../../core/controllers/runtime/controller.ts";
import { startServer } from "../../server/coracle_server.ts";
import { REGISTRY } from "../../server/registry.ts";

const TIMED = "rollouts-controller";

const [data, subnet] = Deno.args as [string, string];
const took: { cpuMs: number; wallMs: number }[] = [];
const server = await startServer(
  {
    ...{ data, runtime: "process", node: "bench-node", gatewayAddress: "127.0.0.1" },
    ...{
      logLevel: "warn",
      listen: { host: "127.0.0.1", port: 0 },
      stopPods: true,
      temporary: true,
    },
    podCidr: `10.143.${subnet}.0/24`,
    serviceCidr: `10.197.${subnet}.0/24`,
  },
  { out: () => {}, err: say, interactive: false, signal: new AbortController().signal },
  { ...REGISTRY, controllers: REGISTRY.controllers.map(timed) },
);
Deno.addSignalListener("SIGTERM", async () => {
  await server!.stop();
  say(JSON.stringify(took));
  Deno.exit(0);
});
say(`Coracle is ready: ${server!.built.url}`);

/** The same controllers; those of Rollouts note their times. */
function timed(
  definition: ControllerDefinition | ControllerOnDemand,
): ControllerDefinition | ControllerOnDemand {
  if (typeof definition === "function") return definition;
  if (definition.name !== TIMED) return definition;
  return {
    ...definition,
    load: async () => {
      const create = await definition.load();
      return (options) => timedLoop(create(options));
    },
  };
}

function timedLoop(loop: Loop): Loop {
  return {
    ...loop,
    start: (view, add) => {
      const run = loop.start(view, add);
      const priorityOf = run.priorityOf?.bind(run);
      return {
        ...(priorityOf && { priorityOf }),
        stop: () => run.stop(),
        reconcile: (key, moment) => {
          const startedMs = threadMs(), since = performance.now();
          try {
            return run.reconcile(key, moment);
          } finally {
            took.push({ cpuMs: threadMs() - startedMs, wallMs: performance.now() - since });
          }
        },
      };
    },
  };
}

/** How long this thread has been on a processor: others may take it away in the middle of a look. In ticks. */
function threadMs(): number {
  const [onProcessorNanos] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
  return Number(onProcessorNanos) / 1e6;
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

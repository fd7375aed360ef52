import type { Command } from "commander";
import { readAccess } from "../server/kubeconfig.ts";
import { RuntimeMissing } from "../agent/runtimes/runtime_type.ts";
import { applyFiles } from "./apply.ts";
import { CommandError } from "../server/command_error.ts";
import { type Terminal } from "../server/terminal.ts";
import type { CoracleServer } from "../server/coracle_server.ts";
import { PodWatch } from "./pod_watch.ts";
import { runtimeOption } from "./node_flags.ts";
import { sendTraffic } from "./traffic.ts";

const REQUESTS = 1_000;
const CONNECTIONS = 8;
const PODS = 3;
/** Images are small and local: what takes longer than this has failed. */
const READY_MS_MAX = 120_000;
const GATEWAY_MS_MAX = 10_000;
const GATEWAY_PORT = 8080;
const BAR_WIDTH = 50;

interface DemoFlags {
  once: boolean;
  runtime: string;
}

export function demoCommand(program: Command, terminal: Terminal): void {
  program.command("demo")
    .description(
      "start a temporary server, apply examples/canary.yaml, show how requests are split, keep running",
    )
    .option("--once", "stop after the count and leave nothing behind", false)
    .addOption(runtimeOption())
    .action((flags: DemoFlags) => runDemo(flags, terminal));
}

async function runDemo(flags: DemoFlags, terminal: Terminal): Promise<void> {
  const { startServer } = await import("../server/coracle_server.ts");
  const dataFolder = await Deno.makeTempDir({ prefix: "coracle-demo-" });
  try {
    terminal.out("Starting Coracle\n");
    const server = await startServer(serverFlags(dataFolder, flags.runtime), terminal);
    if (server === undefined) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([terminal.signal, stop.signal]);
    try {
      const show = showSplit(server, { ...terminal, signal }, flags);
      await Promise.race([show, server.ended(terminal.signal).then(throwIfFailed)]);
    } finally {
      stop.abort();
      terminal.out("Cleaning up\n");
      await server.stop();
    }
  } finally {
    await Deno.remove(dataFolder, { recursive: true });
  }
}

function serverFlags(data: string, runtime: string) {
  return {
    data,
    runtime,
    node: "demo",
    gatewayAddress: "127.0.0.1",
    logLevel: "error" as const,
    listen: { host: "127.0.0.1", port: 0 },
    stopPods: true,
    temporary: true,
  };
}

function throwIfFailed(why: unknown): void {
  if (why !== undefined) throw why;
}

async function showSplit(
  server: CoracleServer,
  terminal: Terminal,
  { once }: DemoFlags,
): Promise<void> {
  const { url, kubeconfig, platform: { title, notice } } = server.built;
  terminal.out(`  ready at ${url}, containers by ${title}\n`);
  if (notice !== undefined) terminal.out(`  ${notice}\n`);
  terminal.out(`Making the image: ${await makeImage(server)}\n`);
  const port = freePort(GATEWAY_PORT);
  await applyExample(kubeconfig, port, terminal);
  await awaitPods(kubeconfig, terminal);
  const gateway = `http://127.0.0.1:${port}/`;
  await awaitGateway(gateway, terminal.signal);
  await count(gateway, terminal);
  if (once || terminal.signal.aborted) return;
  terminal.out(nextSteps(kubeconfig, gateway));
  await new Promise((resolve) => terminal.signal.addEventListener("abort", resolve));
}

async function makeImage(server: CoracleServer): Promise<string> {
  const { demoImage } = await import("./demo_image.ts");
  const { makeImage } = server.built.platform;
  if (makeImage === undefined) {
    throw new CommandError("Cannot make the demo's image with this runtime");
  }
  return await makeImage(demoImage()).catch((error) => {
    throw error instanceof RuntimeMissing ? new CommandError(error.message) : error;
  });
}

/** The wanted port, or another when somebody has it. */
function freePort(wanted: number): number {
  for (const port of [wanted, 0]) {
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port });
      return listener.addr.port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new CommandError("Cannot find a free port on 127.0.0.1");
}

async function applyExample(kubeconfig: string, port: number, terminal: Terminal): Promise<void> {
  const file = new URL("../examples/canary.yaml", import.meta.url);
  const text = (await Deno.readTextFile(file)).replace(
    `port: ${GATEWAY_PORT}\n`,
    `port: ${port}\n`,
  );
  terminal.out("Applying examples/canary.yaml\n");
  await applyFiles([{ name: "examples/canary.yaml", text }], await readAccess(kubeconfig), {}, {
    out: (line) => terminal.out(`  ${line}`),
    err: (line) => terminal.err(`  ${line}`),
  });
}

async function awaitPods(kubeconfig: string, { out, signal }: Terminal): Promise<void> {
  out("Waiting for the pods\n");
  const startedMs = performance.now();
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(READY_MS_MAX)]);
  const watch = new PodWatch(await readAccess(kubeconfig));
  const ready = new Set<string>();
  for await (const { name, isReady } of watch.changes(deadline)) {
    if (!isReady || ready.has(name)) continue;
    ready.add(name);
    out(`  ${name} is ready after ${((performance.now() - startedMs) / 1000).toFixed(2)} s\n`);
    if (ready.size === PODS) return;
  }
  if (signal.aborted) return;
  throw new CommandError(
    `Only ${ready.size} of ${PODS} pods became ready in ${
      READY_MS_MAX / 1000
    } s: ${watch.reasons()}`,
  );
}

/** The route table follows the pods within milliseconds; a listener may take a little longer. */
async function awaitGateway(url: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + GATEWAY_MS_MAX;
  while (!signal.aborted && performance.now() < deadline) {
    const { failed } = await sendTraffic({ url, requests: 1, connections: 1, signal });
    if (failed === 0) return;
  }
  if (!signal.aborted) throw new CommandError(`The gateway at ${url} does not answer`);
}

async function count(url: string, { out, interactive, signal }: Terminal): Promise<void> {
  out(`Sending ${REQUESTS} requests through the gateway at ${url}\n`);
  const { answers, failed } = await sendTraffic({
    url,
    requests: REQUESTS,
    connections: CONNECTIONS,
    signal,
    onProgress: (done) => {
      if (interactive && done % 50 === 0) out(`\r  ${done} of ${REQUESTS}`);
    },
  });
  if (interactive) out("\r\x1b[K");
  for (const [version, requests] of [...answers].sort(([, a], [, b]) => b - a)) {
    const bar = "█".repeat(Math.round(requests / REQUESTS * BAR_WIDTH));
    out(`  ${version.padEnd(8)} ${String(requests).padStart(5)}  ${bar}\n`);
  }
  if (failed > 0 && !signal.aborted) {
    throw new CommandError(`${failed} of ${REQUESTS} requests got no answer`);
  }
}

function nextSteps(kubeconfig: string, gateway: string): string {
  return `
Try next, in another terminal:
  export KUBECONFIG=${kubeconfig}
  kubectl get pods -o wide
  kubectl patch httproute web --type=json -p \\
    '[{"op":"replace","path":"/spec/rules/0/backendRefs/1/weight","value":90}]'
  for i in $(seq 100); do curl -s ${gateway}; done | sort | uniq -c
  kubectl scale deployment web-canary --replicas=3

Ctrl-C ends it and cleans up.
`;
}

import type { Command } from "commander";
import { readAccess } from "../server/kubeconfig.ts";
import { RuntimeMissing } from "../agent/runtimes/runtime_type.ts";
import { applyFiles } from "./apply.ts";
import { CommandError } from "../server/command_error.ts";
import { type Terminal } from "../server/terminal.ts";
import type { CoracleServer } from "../server/coracle_server.ts";
import { runtimeOption } from "./node_flags.ts";
import { sendTraffic } from "./traffic.ts";

const EXAMPLE = "examples/rollouts/analysis_on_proxy.yaml";
/** Images are small and local: what takes longer than this has failed. */
const GATEWAY_MS_MAX = 120_000;
const GATEWAY_PORT = 8080;

interface DemoFlags {
  once: boolean;
  runtime: string;
}

export function demoCommand(program: Command, terminal: Terminal): void {
  program.command("demo")
    .description(
      "start a temporary server, roll out a good version and a bad one under load, keep running",
    )
    .option("--once", "stop after that and leave nothing behind", false)
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
      const show = play(server, { ...terminal, signal }, flags);
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

async function play(
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
  const gateway = `http://127.0.0.1:${port}/`;
  await awaitGateway(gateway, terminal.signal);
  const { tellStory } = await import("./demo/story.ts");
  await tellStory(await readAccess(kubeconfig), gateway, terminal);
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
  const file = new URL(`../${EXAMPLE}`, import.meta.url);
  const text = (await Deno.readTextFile(file)).replace(
    `port: ${GATEWAY_PORT}\n`,
    `port: ${port}\n`,
  );
  terminal.out(`Applying ${EXAMPLE}\n`);
  await applyFiles([{ name: EXAMPLE, text }], await readAccess(kubeconfig), {}, {
    out: (line) => terminal.out(`  ${line}`),
    err: (line) => terminal.err(`  ${line}`),
  });
}

/** Until the first pods are ready. */
async function awaitGateway(url: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + GATEWAY_MS_MAX;
  while (!signal.aborted && performance.now() < deadline) {
    const { failed } = await sendTraffic({ url, requests: 1, connections: 1, signal });
    if (failed === 0) return;
  }
  if (!signal.aborted) throw new CommandError(`The gateway at ${url} does not answer`);
}

function nextSteps(kubeconfig: string, gateway: string): string {
  return `
Try next, in another terminal:
  export KUBECONFIG=${kubeconfig}
  coracle rollout get web --watch          # or: kubectl argo rollouts get rollout web --watch
  kubectl set env --list rollout/web; kubectl get rollouts,analysisruns,pods
  coracle rollout undo web
  for i in $(seq 100); do curl -s ${gateway}; done | sort | uniq -c

Ctrl-C ends it and cleans up.
`;
}

import { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { type RuntimeName, RUNTIMES, temporaryFolder } from "./server.ts";
import { spread } from "./statistics.ts";

const ROUNDS = 10;
const STORE_SIZES = [1_000, 10_000];
const OBJECT_BYTES = 2_000;
const FILL_CONNECTIONS = 32;
const SUBNET = 199;
/** Time for the server to end, which is not measured. */
const LEAVE_NOTHING = ["--stop-pods", "--temporary"];

interface Sample {
  /** Until it logs that it is ready. */
  lineMs: number;
  /** Until `/readyz` has answered 200. */
  readyMs: number;
  cpuSeconds: number;
}

/** From the start of the process until the API is ready. */
export const start: Measurement = {
  name: "start",
  title: "Process start until the API is ready",
  needs: [],
  async run(bench) {
    const stores = new Map<string, string>();
    for (const size of STORE_SIZES) {
      const folder = await temporaryFolder(bench);
      stores.set(`${size.toLocaleString("en")} objects`, folder);
      await fill(folder, size, bench);
      bench.defer(async () => void await startOnce(folder, "process", LEAVE_NOTHING));
    }
    const runtimes = Deno.uid() === 0 ? RUNTIMES : RUNTIMES.slice(0, 1);
    const contestants: Record<string, () => Promise<Sample>> = {};
    for (const runtime of runtimes) {
      const known = await temporaryFolder(bench);
      contestants[`${runtime}, first start`] = async () =>
        startOnce(await temporaryFolder(bench), runtime, LEAVE_NOTHING);
      await startOnce(known, runtime);
      bench.defer(async () => void await startOnce(known, runtime, LEAVE_NOTHING));
      contestants[`${runtime}, second start`] = () => startOnce(known, runtime);
    }
    for (const [name, folder] of stores) {
      contestants[`process, ${name}`] = () => startOnce(folder, "process");
    }
    contestants["an empty Deno program"] = emptyProgram;
    const rounds = bench.rounds(ROUNDS);
    return reportOf(await bench.interleave(rounds, contestants), rounds);
  },
};

function reportOf(samples: Record<string, Sample[]>, rounds: number): Report {
  const rows = Object.entries(samples).map(([name, own]) => [
    name,
    spread(own.map(({ lineMs }) => lineMs)),
    spread(own.map(({ readyMs }) => readyMs)),
    spread(own.map(({ cpuSeconds }) => cpuSeconds), 2),
  ]);
  return {
    columns: ["store", "line printed, ms", "/readyz is 200, ms", "CPU s until then"],
    rows,
    notes: [
      `Median of ${rounds} (range). An object is a ConfigMap of 2 KB. To hold: 600 ms.`,
    ],
  };
}

async function startOnce(
  dataFolder: string,
  runtime: RuntimeName,
  args: readonly string[] = [],
): Promise<Sample> {
  const startMs = performance.now();
  const server = await ServerProcess.start({ runtime, dataFolder, subnet: SUBNET, args });
  const connection = await ApiConnection.open(server);
  const { status } = await connection.send("GET", "/readyz");
  const readyMs = performance.now() - startMs;
  const cpuSeconds = cpuSecondsOf([server.pid]);
  connection.close();
  await server.stop();
  if (status !== 200) throw new Error(`/readyz answers ${status}`);
  return { lineMs: server.readyMs, readyMs, cpuSeconds };
}

/** The lower bound for any program on Deno. */
async function emptyProgram(): Promise<Sample> {
  const startMs = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "Deno.stdout.writeSync(new Uint8Array([10])); setTimeout(() => {}, 1e6)"],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const readyMs = performance.now() - startMs;
  const cpuSeconds = cpuSecondsOf([child.pid]);
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
  return { lineMs: readyMs, readyMs, cpuSeconds };
}

async function fill(dataFolder: string, objects: number, bench: Bench): Promise<void> {
  bench.say(`Filling a store with ${objects} objects`);
  const server = await ServerProcess.start({ runtime: "process", dataFolder, subnet: SUBNET });
  let next = 0;
  const write = async () => {
    const connection = await ApiConnection.open(server);
    while (next < objects) {
      const body = configMap(`filler-${next++}`);
      await connection.send("POST", "/api/v1/namespaces/default/configmaps", body);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: FILL_CONNECTIONS }, write));
  await server.stop();
}

/** A ConfigMap of 2 KB, as JSON. */
export function configMap(name: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels: { app: "bench" } },
    data: { text: "x".repeat(OBJECT_BYTES) },
  });
}

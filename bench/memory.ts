import { configMaps } from "../core/resources/core/config_maps.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import type { KubeObject } from "../core/resources/resource.ts";
import { KvJournal } from "../core/store/kv/kv_journal.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { Change } from "../core/store/store.ts";
import { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { cpuSecondsOf, usageOf } from "./processes.ts";
import { temporaryFolder } from "./server.ts";
import { spread } from "./statistics.ts";

const ROUNDS = 3;
const STORE_SIZES = [1_000, 10_000, 100_000];
const OBJECT_BYTES = 2_000;
const NAMESPACES = 100;
const APPS = 1_000;
const COMMIT_OBJECTS = 100;
const PAGE_OBJECTS = 500;
/** The first garbage collections after the start are over by then. */
const SETTLE_MS = 3_000;
const SUBNET = 198;
const MIB = 1024 * 1024;
/** Time for the server to end, which is not measured. */
const LEAVE_NOTHING = ["--stop-pods", "--temporary"];

interface Sample {
  /** Until `/readyz` has answered 200. */
  readyMs: number;
  readyCpuSeconds: number;
  /** RSS of the server's process: when it is ready, when it has settled, after the list. */
  readyMib: number;
  settledMib: number;
  listedMib: number;
  listMs: number;
}

/** How long a server with many objects takes to start, and how much memory it uses. */
export const memory: Measurement = {
  name: "memory",
  title: "Start and memory with many objects",
  needs: [],
  async run(bench) {
    const contestants: Record<string, () => Promise<Sample>> = {};
    for (const size of STORE_SIZES) {
      const folder = await filled(bench, size);
      contestants[size.toLocaleString("en")] = () => measure(folder, size);
    }
    const rounds = bench.rounds(ROUNDS);
    return reportOf(await bench.interleave(rounds, contestants), rounds);
  },
};

function reportOf(samples: Record<string, Sample[]>, rounds: number): Report {
  const rows = Object.entries(samples).map(([name, own]) => {
    const of = (key: keyof Sample, digits = 0) => spread(own.map((each) => each[key]), digits);
    const memories = [of("readyMib"), of("settledMib"), of("listedMib")];
    return [name, of("readyMs"), of("readyCpuSeconds", 2), ...memories, of("listMs")];
  });
  return {
    columns: [
      "objects",
      "/readyz is 200, ms",
      "CPU s until then",
      "RSS then, MiB",
      `RSS ${SETTLE_MS / 1000} s later, MiB`,
      "RSS after a list of all, MiB",
      "the list, ms",
    ],
    rows,
    notes: [
      `Median of ${rounds} (range). An object is a ConfigMap of 2 KB, as JSON; they are in ${NAMESPACES} namespaces`,
      `and have ${APPS} values of a label. The list is in pages of ${PAGE_OBJECTS}.`,
      "To hold with 100,000: 5,000 ms and 450 MiB.",
    ],
  };
}

async function measure(dataFolder: string, size: number): Promise<Sample> {
  const startMs = performance.now();
  const server = await ServerProcess.start({ runtime: "process", dataFolder, subnet: SUBNET });
  try {
    const connection = await ApiConnection.open(server);
    const { status } = await connection.send("GET", "/readyz");
    const readyMs = performance.now() - startMs;
    if (status !== 200) throw new Error(`/readyz answers ${status}`);
    const readyCpuSeconds = cpuSecondsOf([server.pid]);
    const readyMib = mibOf(server);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const settledMib = mibOf(server);
    const listMs = await listAll(connection, size);
    connection.close();
    return { readyMs, readyCpuSeconds, readyMib, settledMib, listMs, listedMib: mibOf(server) };
  } finally {
    await server.stop();
  }
}

async function listAll(connection: ApiConnection, size: number): Promise<number> {
  const startMs = performance.now();
  const decoder = new TextDecoder();
  let token = "";
  let bytes = 0;
  do {
    const path = `/api/v1/configmaps?limit=${PAGE_OBJECTS}&continue=${token}`;
    const { status, bodyBytes, body } = await connection.send("GET", path);
    if (status !== 200) throw new Error(`The list answers ${status}`);
    bytes += bodyBytes;
    token = /"continue":"([^"]+)"/.exec(decoder.decode(body.subarray(0, 1_000)))?.[1] ?? "";
  } while (token !== "");
  if (bytes < size * OBJECT_BYTES) throw new Error(`The list has ${bytes} bytes only`);
  return performance.now() - startMs;
}

function mibOf(server: ServerProcess): number {
  return usageOf([server.pid]).rssBytes / MIB;
}

/** A data folder of an earlier server, with this many objects added. */
async function filled(bench: Bench, size: number): Promise<string> {
  bench.say(`Filling a store with ${size.toLocaleString("en")} objects`);
  const dataFolder = await temporaryFolder(bench);
  const options = { runtime: "process", dataFolder, subnet: SUBNET } as const;
  await (await ServerProcess.start(options)).stop();
  bench.defer(async () => {
    await (await ServerProcess.start({ ...options, args: LEAVE_NOTHING })).stop();
  });
  const journal = await KvJournal.open(`${dataFolder}/store.kv`);
  const store = await MemoryStore.open(journal, { resources: RESOURCES, freezing: "none" });
  for (let from = 0; from < size; from += COMMIT_OBJECTS) {
    await store.commit(
      Array.from({ length: Math.min(COMMIT_OBJECTS, size - from) }, (_, i) => creation(from + i)),
    );
  }
  await store.close();
  return dataFolder;
}

function creation(number: number): Change {
  const namespace = `team-${number % NAMESPACES}`;
  const name = `settings-${number}`;
  const metadata = {
    name,
    namespace,
    uid: `0f3c9a52-6d1e-4b7a-8c25-${number.toString(16).padStart(12, "0")}`,
    creationTimestamp: "2026-01-01T00:00:00Z",
    resourceVersion: "",
    labels: { "app.kubernetes.io/name": `app-${number % APPS}` },
  };
  const values = Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [`key-${i}`, `${number}-${i} `.repeat(12)]),
  );
  const empty = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { ...values, rest: "" } };
  const rest = "x".repeat(Math.max(0, OBJECT_BYTES - JSON.stringify(empty).length));
  const value = { ...empty, data: { ...values, rest } } as KubeObject;
  return { key: [configMaps.plural, namespace, name], value, expected: 0 };
}

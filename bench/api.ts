import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Measurement } from "./harness.ts";
import { cpuSecondsOf, usageOf } from "./processes.ts";
import { startServer } from "./server.ts";
import { configMap } from "./start.ts";
import { median, quantile, spread } from "./statistics.ts";
import { fanOut } from "./watch_fan_out.ts";

const ROUNDS = 3;
const CONNECTIONS = 64;
const OPERATIONS = 6_000;
const LONE_OPERATIONS = 600;
const PODS = 10_000;
const LISTS = 30;
const MIB = 1024 * 1024;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

interface Sample {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU time of the server for each. */
  cpuMs: number;
}

interface Load {
  operations: number;
  connections: number;
  /** Sends the request of this number and resolves with the status. */
  send(connection: ApiConnection, number: number): Promise<{ status: number }>;
}

/** What the API does in a second, and what each request costs the server. */
export const api: Measurement = {
  name: "api",
  title: "The API over HTTPS, JSON, kept-alive connections",
  needs: [],
  async run(bench) {
    const rounds = bench.rounds(ROUNDS);
    const server = await startServer(bench, "process");
    const samples = new Map<string, Sample[]>();
    const measure = async (name: string, load: Load) => {
      bench.say(name);
      const sample = await bench.witnessed(() => run(server, load));
      samples.set(name, [...samples.get(name) ?? [], sample]);
    };
    for (let round = 0; round < rounds; round++) await writesAndReads(measure, round);
    await createPods(measure);
    for (let round = 0; round < rounds; round++) await lists(measure);
    const rows = [...samples].map(([name, own]) => rowOf(name, own));
    rows.push(...await fanOut(bench, server, rounds));
    const { rssBytes, pssBytes } = usageOf([server.pid]);
    return {
      columns: ["operation", "per second", "p50 ms", "p99 ms", "server CPU, ms each"],
      rows,
      notes: [
        `Median of ${rounds} (range); the client has ${CONNECTIONS} connections and runs on the same machine.`,
        "Writes are on disk when they are answered. A watcher's latency counts from the answer to the writer.",
        `The server's RSS after all of it: ${(rssBytes / MIB).toFixed(0)} MiB, PSS ${
          (pssBytes / MIB).toFixed(0)
        } MiB.`,
      ],
    };
  },
};

type Measure = (name: string, load: Load) => Promise<void>;

async function writesAndReads(measure: Measure, round: number): Promise<void> {
  const name = (number: number) => `map-${round}-${number}`;
  const many = { operations: OPERATIONS, connections: CONNECTIONS };
  await measure("create a ConfigMap of 2 KB", {
    ...many,
    send: (connection, number) => connection.send("POST", CONFIG_MAPS, configMap(name(number))),
  });
  await measure("get one of them", {
    ...many,
    send: (connection, number) =>
      connection.send("GET", `${CONFIG_MAPS}/${name(number * 7919 % OPERATIONS)}`),
  });
  await measure("replace one (PUT)", {
    ...many,
    send: (connection, number) =>
      connection.send("PUT", `${CONFIG_MAPS}/${name(number)}`, configMap(name(number))),
  });
  await measure("create, one connection", {
    operations: LONE_OPERATIONS,
    connections: 1,
    send: (connection, number) =>
      connection.send("POST", CONFIG_MAPS, configMap(`lone-${round}-${number}`)),
  });
  await measure("delete", {
    ...many,
    send: (connection, number) => connection.send("DELETE", `${CONFIG_MAPS}/${name(number)}`),
  });
}

async function createPods(measure: Measure): Promise<void> {
  await measure("create pods of 2.8 KB", {
    operations: PODS,
    connections: CONNECTIONS,
    send: (connection, number) =>
      connection.send("POST", "/api/v1/namespaces/default/pods", idlePod(`pod-${number}`)),
  });
}

async function lists(measure: Measure): Promise<void> {
  const list = (query: string): Load => ({
    operations: LISTS,
    connections: 1,
    send: (connection) => connection.send("GET", `/api/v1/namespaces/default/pods${query}`),
  });
  await measure("list 10,000 pods, one after another", list(""));
  await measure("list 500 of 10,000 pods (limit=500)", list("?limit=500"));
}

async function run(
  server: ServerProcess,
  { operations, connections, send }: Load,
): Promise<Sample> {
  const all = await Promise.all(
    Array.from({ length: connections }, () => ApiConnection.open(server)),
  );
  await Promise.all(all.map((connection) => connection.send("GET", "/version"))); // all are open now
  const latencies = new Float64Array(operations);
  let next = 0;
  const cpuBefore = cpuSecondsOf([server.pid]);
  const startMs = performance.now();
  await Promise.all(all.map(async (connection) => {
    while (next < operations) {
      const number = next++;
      const sentMs = performance.now();
      const { status } = await send(connection, number);
      if (status >= 300) throw new Error(`Request ${number} was answered with ${status}`);
      latencies[number] = performance.now() - sentMs;
    }
  }));
  const seconds = (performance.now() - startMs) / 1000;
  const cpuMs = (cpuSecondsOf([server.pid]) - cpuBefore) * 1000 / operations;
  for (const connection of all) connection.close();
  return {
    perSecond: operations / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuMs,
  };
}

function rowOf(name: string, samples: readonly Sample[]): string[] {
  const of = (key: keyof Sample) => samples.map((sample) => sample[key]);
  return [
    name,
    spread(of("perSecond"), median(of("perSecond")) < 100 ? 1 : 0),
    median(of("p50Ms")).toFixed(1),
    median(of("p99Ms")).toFixed(1),
    spread(of("cpuMs"), 2),
  ];
}

/** A pod of about 2.8 KB that no scheduler of ours takes. */
function idlePod(name: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: { app: "bench", tier: "front" },
      annotations: { "example.com/note": "x".repeat(900) },
    },
    spec: {
      schedulerName: "nobody",
      containers: [{
        name: "web",
        image: "example.com/web:1",
        env: Array.from({ length: 8 }, (_, i) => ({ name: `NAME_${i}`, value: `value ${i}` })),
        ports: [{ name: "http", containerPort: 8080 }],
        resources: { requests: { cpu: "100m", memory: "64Mi" } },
        readinessProbe: { httpGet: { path: "/", port: 8080 } },
      }],
    },
  });
}

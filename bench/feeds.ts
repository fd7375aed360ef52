import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { startServer } from "./server.ts";
import { quantile, spread } from "./statistics.ts";

const FOLLOWERS = 1_000;
const SERVICES = 100;
const CHANGES = 50;
const SERVICE = "/api/v1/namespaces/default/services";
const KINDS = ["namespaces", "services", "endpointslices.discovery.k8s.io", "pods", "secrets"];
const REST_MS = 10_000;

/** What it costs a server that many nodes follow it, and that one Service changes. */
export const feeds: Measurement = {
  name: "feeds",
  title: `${FOLLOWERS.toLocaleString("en")} nodes that follow one server`,
  needs: [],
  async run(bench) {
    const server = await startServer(bench, "process");
    const writer = await ApiConnection.open(server);
    bench.defer(() => Promise.resolve(writer.close()));
    for (let i = 0; i < SERVICES; i++) await writer.send("POST", SERVICE, service(`web-${i}`, "0"));
    const crowd = await Crowd.gather(bench, server);
    const rest = cpuSecondsOf([server.pid]);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const restShare = (cpuSecondsOf([server.pid]) - rest) / (REST_MS / 1000);
    const all = await bench.witnessed(() => changes(server, writer, crowd));
    const one = await bench.witnessed(() => secretChanges(server, writer));
    return {
      columns: [
        "",
        "server's CPU, ms",
        "until the last has heard, ms (p50, p99)",
        "bytes for each",
      ],
      rows: [
        [
          "one Service changes",
          spread(all.cpuMs, 2),
          `${quantile(Float64Array.from(all.ms), 0.5).toFixed(0)}, ${
            quantile(Float64Array.from(all.ms), 0.99).toFixed(0)
          }`,
          (all.bytes / CHANGES / FOLLOWERS).toFixed(0),
        ],
        ["a Secret that no pod refers to changes", spread(one, 2), "", "0"],
        [`at rest, % of a core`, (restShare * 100).toFixed(2), "", ""],
      ],
      notes: [
        "Over HTTPS, without tunnels; the followers share the machine's cores with the server. Each change is written,",
        "answered, encoded once and told to all; its CPU includes the writing.",
      ],
    };
  },
};

function service(name: string, number: string): string {
  const metadata = { name, labels: { number } };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { ports: [{ port: 80 }] },
  });
}

async function changes(server: ServerProcess, writer: ApiConnection, crowd: Crowd) {
  const cpuMs: number[] = [];
  const ms: number[] = [];
  const before = crowd.bytes;
  for (let number = 1; number <= CHANGES; number++) {
    const cpuBefore = cpuSecondsOf([server.pid]);
    const startMs = performance.now();
    const heard = crowd.heard();
    await writer.send(
      "PATCH",
      `${SERVICE}/web-7`,
      JSON.stringify({ metadata: { labels: { number: String(number) } } }),
      "application/merge-patch+json",
    );
    await heard;
    ms.push(performance.now() - startMs);
    cpuMs.push((cpuSecondsOf([server.pid]) - cpuBefore) * 1000);
  }
  return { cpuMs, ms, bytes: crowd.bytes - before };
}

async function secretChanges(server: ServerProcess, writer: ApiConnection): Promise<number[]> {
  const path = "/api/v1/namespaces/default/secrets";
  const body = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "foreign" } });
  await writer.send("POST", path, body);
  const cpuMs: number[] = [];
  for (let number = 0; number < CHANGES; number++) {
    const cpuBefore = cpuSecondsOf([server.pid]);
    const data = JSON.stringify({ stringData: { number: String(number) } });
    await writer.send("PATCH", `${path}/foreign`, data, "application/merge-patch+json");
    cpuMs.push((cpuSecondsOf([server.pid]) - cpuBefore) * 1000);
  }
  return cpuMs;
}

/** The nodes: each reads its feed. */
class Crowd {
  bytes = 0;
  #missing = 0;
  #all = Promise.withResolvers<void>();

  static async gather(bench: Bench, server: ServerProcess): Promise<Crowd> {
    const crowd = new Crowd();
    for (let i = 0; i < FOLLOWERS; i++) {
      const connection = await ApiConnection.open(server);
      bench.defer(() => Promise.resolve(connection.close()));
      const synced = Promise.withResolvers<void>();
      const path = `/api/v1/nodes/node-${i}/follow?kinds=${KINDS.join(",")}`;
      crowd.#read(connection.stream(path), synced.resolve).catch(synced.reject);
      await synced.promise;
    }
    return crowd;
  }

  /** Resolves when each has heard something from now on. */
  heard(): Promise<void> {
    this.#missing = FOLLOWERS;
    this.#all = Promise.withResolvers();
    return this.#all.promise;
  }

  async #read(stream: AsyncIterable<Uint8Array>, onSynced: () => void): Promise<void> {
    const decoder = new TextDecoder();
    let text: string | undefined = "";
    for await (const piece of stream) {
      if (text !== undefined) {
        text += decoder.decode(piece, { stream: true });
        if (!text.includes('"SYNCED"')) continue;
        text = undefined;
        onSynced();
        continue;
      }
      this.bytes += piece.length;
      if (piece.at(-1) === 10 && piece.length > 1 && --this.#missing === 0) this.#all.resolve();
    }
  }
}

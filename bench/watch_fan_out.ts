import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { configMap } from "./start.ts";
import { median, quantile, spread } from "./statistics.ts";

const WATCHERS = 100;
const STEADY_PER_SECOND = 100;
const STEADY_WRITES = 500;
const BURST_WRITES = 1_500;
const BURST_CONNECTIONS = 8;
const CONFIG_MAPS = "/api/v1/namespaces/watched/configmaps";
const NEWLINE = 10;
/** The name stands near the beginning of an event. */
const NAME_WITHIN_BYTES = 300;

interface Sample {
  perSecond: number;
  latenciesMs: Float64Array;
  cpuMs: number;
  /** Watchers that the server cut off. */
  lost: number;
}

/** Each write is told to 100 watchers: at a steady pace, and as fast as it goes. */
export async function fanOut(
  bench: Bench,
  server: ServerProcess,
  rounds: number,
): Promise<string[][]> {
  const setUp = await ApiConnection.open(server);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "watched" } };
  await setUp.send("POST", "/api/v1/namespaces", JSON.stringify(namespace));
  setUp.close();
  const paces = [
    { name: `${WATCHERS} watchers, ${STEADY_PER_SECOND} creates/s: an event`, steady: true },
    { name: `${WATCHERS} watchers, creates as fast as they go: an event`, steady: false },
  ];
  const rows: string[][] = [];
  for (const { name, steady } of paces) {
    bench.say(name);
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round++) {
      const prefix = `${steady ? "steady" : "burst"}-${round}`;
      samples.push(await bench.witnessed(() => tell(server, prefix, steady)));
    }
    const lost = samples.reduce((sum, sample) => sum + sample.lost, 0);
    rows.push([
      lost === 0 ? name : `${name} (${lost} watchers cut off)`,
      spread(samples.map(({ perSecond }) => perSecond)),
      median(samples.map(({ latenciesMs }) => quantile(latenciesMs, 0.5))).toFixed(1),
      median(samples.map(({ latenciesMs }) => quantile(latenciesMs, 0.99))).toFixed(1),
      spread(samples.map(({ cpuMs }) => cpuMs), 3),
    ]);
  }
  return rows;
}

async function tell(server: ServerProcess, prefix: string, steady: boolean): Promise<Sample> {
  const writes = steady ? STEADY_WRITES : BURST_WRITES;
  const answeredMs = new Float64Array(writes);
  const audience = await Audience.gather(server, prefix, writes);
  const cpuBefore = cpuSecondsOf([server.pid]);
  const startMs = performance.now();
  let next = 0;
  const write = async () => {
    const connection = await ApiConnection.open(server);
    while (next < writes) {
      const number = next++;
      if (steady) await sleep(startMs + number * 1000 / STEADY_PER_SECOND - performance.now());
      await connection.send("POST", CONFIG_MAPS, configMap(`${prefix}-${number}-x`));
      answeredMs[number] = performance.now();
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: steady ? 4 : BURST_CONNECTIONS }, write));
  await audience.told();
  const seconds = (performance.now() - startMs) / 1000;
  const events = audience.events;
  const cpuMs = (cpuSecondsOf([server.pid]) - cpuBefore) * 1000 / events;
  audience.close();
  const latenciesMs = audience.latencies(answeredMs);
  return { perSecond: events / seconds, latenciesMs, cpuMs, lost: audience.lost };
}

/** Watchers that note when they hear of each write. */
class Audience {
  events = 0;
  lost = 0;
  readonly #heardMs: Float64Array[] = [];
  readonly #connections: ApiConnection[] = [];
  readonly #done: Promise<void>[] = [];
  #isClosed = false;

  static async gather(server: ServerProcess, prefix: string, writes: number): Promise<Audience> {
    const audience = new Audience();
    const list = await ApiConnection.open(server);
    const { body } = await list.send("GET", `${CONFIG_MAPS}?limit=1`);
    list.close();
    const version = /"resourceVersion":"(\d+)"/.exec(new TextDecoder().decode(body))![1];
    const path = `${CONFIG_MAPS}?watch=true&resourceVersion=${version}`;
    for (let watcher = 0; watcher < WATCHERS; watcher++) {
      const connection = await ApiConnection.open(server);
      audience.#connections.push(connection);
      audience.#done.push(audience.#listen(connection.stream(path), prefix, writes));
    }
    return audience;
  }

  /** Resolves when each watcher has heard all or was cut off. */
  async told(): Promise<void> {
    await Promise.all(this.#done);
  }

  /** From the answer to the writer until each watcher heard it; not below 0. */
  latencies(answeredMs: Float64Array): Float64Array {
    const all = this.#heardMs.flatMap((heard) =>
      [...heard].flatMap((atMs, number) =>
        atMs > 0 ? [Math.max(0, atMs - answeredMs[number]!)] : []
      )
    );
    return Float64Array.from(all);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  async #listen(stream: AsyncIterable<Uint8Array>, prefix: string, writes: number): Promise<void> {
    const heardMs = new Float64Array(writes);
    this.#heardMs.push(heardMs);
    const decoder = new TextDecoder();
    const pattern = new RegExp(`"name":"${prefix}-(\\d+)-x`);
    let head = "";
    let heard = 0;
    try {
      for await (const piece of stream) {
        const nowMs = performance.now();
        for (let at = 0; at < piece.length;) {
          const end = piece.indexOf(NEWLINE, at);
          const lineEnd = end < 0 ? piece.length : end;
          if (head.length < NAME_WITHIN_BYTES) {
            const upTo = Math.min(lineEnd, at + NAME_WITHIN_BYTES - head.length);
            head += decoder.decode(piece.subarray(at, upTo));
          }
          if (end < 0) break;
          const number = pattern.exec(head)?.[1];
          head = "";
          at = end + 1;
          if (number === undefined) continue; // a bookmark
          heardMs[Number(number)] = nowMs;
          this.events++;
          if (++heard === writes) return;
        }
      }
    } catch {
      // counted below
    }
    if (!this.#isClosed) this.lost++;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

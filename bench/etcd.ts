import { GoProgram, spawned } from "./go_program.ts";
import type { Bench } from "./harness.ts";
import { temporaryFolder } from "./server.ts";

const READY_MS_MAX = 10_000;
/** etcd keeps every version until it is compacted; its default of 2 GiB is full after some rounds. */
const QUOTA_BYTES = 8 * 1024 ** 3;

/** The result of writing for a while. */
export interface EtcdSample {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  writes: number;
}

/** A separate etcd with its defaults: each write is on disk when it is answered. The client is etcd's own, in Go. */
export class Etcd {
  readonly pid: number;
  readonly #client: GoProgram;

  private constructor(pid: number, client: GoProgram) {
    this.pid = pid;
    this.#client = client;
  }

  /** `objects`: the number of objects to write to. */
  static async start(
    bench: Bench,
    { objects, valueBytes }: { objects: number; valueBytes: number },
  ): Promise<Etcd> {
    const folder = await temporaryFolder(bench);
    const [url, peer] = [freePort(), freePort()].map((port) => `http://127.0.0.1:${port}`);
    const server = spawned(bench, "etcd", [
      ...["--data-dir", folder, "--name", "bench", "--log-level", "error", "--logger", "zap"],
      ...["--listen-client-urls", url!, "--advertise-client-urls", url!],
      ...["--listen-peer-urls", peer!, "--initial-advertise-peer-urls", peer!],
      ...["--initial-cluster", `bench=${peer}`, "--quota-backend-bytes", String(QUOTA_BYTES)],
    ]);
    await untilHealthy(url!);
    const args = [url!, String(objects), String(valueBytes)];
    return new Etcd(server.pid, await GoProgram.start(bench, "etcd_client", args));
  }

  /** Writes each object once. */
  fill(): Promise<EtcdSample> {
    return this.#client.ask("fill");
  }

  /** Writes to the first `span` objects; each write is conditional on the version that its writer knows. */
  write(options: { writers: number; seconds: number; span: number }): Promise<EtcdSample> {
    return this.#client.ask(`${options.writers} ${options.seconds} ${options.span}`);
  }
}

async function untilHealthy(url: string): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (performance.now() < deadline) {
    const answer = await fetch(`${url}/health`).then((answer) => answer.text(), () => "");
    if (answer.includes("true")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`etcd is not ready after ${READY_MS_MAX} ms`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

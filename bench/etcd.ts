import { fileURLToPath } from "node:url";
import type { Bench } from "./harness.ts";
import { temporaryFolder } from "./server.ts";

const READY_MS_MAX = 10_000;
const CLIENT = fileURLToPath(new URL("./etcd_client/", import.meta.url));
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
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;

  private constructor(pid: number, client: Deno.ChildProcess) {
    this.pid = pid;
    this.#requests = client.stdin.getWriter();
    this.#answers = lines(client.stdout);
  }

  /** `objects`: the number of objects to write to. */
  static async start(
    bench: Bench,
    { objects, valueBytes }: { objects: number; valueBytes: number },
  ): Promise<Etcd> {
    const client = await builtClient(bench);
    const folder = await temporaryFolder(bench);
    const [url, peer] = [freePort(), freePort()].map((port) => `http://127.0.0.1:${port}`);
    const server = spawn(bench, "etcd", [
      ...["--data-dir", folder, "--name", "bench", "--log-level", "error", "--logger", "zap"],
      ...["--listen-client-urls", url!, "--advertise-client-urls", url!],
      ...["--listen-peer-urls", peer!, "--initial-advertise-peer-urls", peer!],
      ...["--initial-cluster", `bench=${peer}`, "--quota-backend-bytes", String(QUOTA_BYTES)],
    ]);
    await untilHealthy(url!);
    const writers = spawn(bench, client, [url!, String(objects), String(valueBytes)]);
    return new Etcd(server.pid, writers);
  }

  /** Writes each object once. */
  fill(): Promise<EtcdSample> {
    return this.#ask("fill");
  }

  /** Writes to the first `span` objects; each write is conditional on the version that its writer knows. */
  write(options: { writers: number; seconds: number; span: number }): Promise<EtcdSample> {
    return this.#ask(`${options.writers} ${options.seconds} ${options.span}`);
  }

  async #ask(request: string): Promise<EtcdSample> {
    await this.#requests.write(new TextEncoder().encode(`${request}\n`));
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the client of etcd has ended; its message is above");
    return JSON.parse(value) as EtcdSample;
  }
}

/** The first time, Go fetches etcd's client library. */
async function builtClient(bench: Bench): Promise<string> {
  const binary = `${await temporaryFolder(bench)}/etcd_client`;
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-o", binary, "."],
    cwd: CLIENT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot build ${CLIENT}: ${new TextDecoder().decode(stderr)}`);
  return binary;
}

function spawn(bench: Bench, program: string, args: string[]): Deno.ChildProcess {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  bench.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  return child;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return undefined;
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

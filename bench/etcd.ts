import { connect } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import type { Bench } from "./harness.ts";

const READY_MS_MAX = 10_000;
const SESSIONS = 4;
const GRPC_HEAD_BYTES = 5;
const PUT = "/etcdserverpb.KV/Put";

/** An etcd of its own, with its defaults: each write is on disk when it is answered. */
export class Etcd {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #sessions: ClientHttp2Session[];
  #turn = 0;

  private constructor(child: Deno.ChildProcess, sessions: ClientHttp2Session[]) {
    this.#child = child;
    this.pid = child.pid;
    this.#sessions = sessions;
  }

  static async start(folder: string, bench: Bench): Promise<Etcd> {
    const [client, peer] = [freePort(), freePort()].map((port) => `http://127.0.0.1:${port}`);
    const child = new Deno.Command("etcd", {
      args: [
        ...["--data-dir", folder, "--name", "bench", "--log-level", "error", "--logger", "zap"],
        ...["--listen-client-urls", client!, "--advertise-client-urls", client!],
        ...["--listen-peer-urls", peer!, "--initial-advertise-peer-urls", peer!],
        ...["--initial-cluster", `bench=${peer}`],
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    bench.defer(async () => {
      child.kill("SIGTERM");
      await child.status;
    });
    await untilHealthy(client!);
    const etcd = new Etcd(child, Array.from({ length: SESSIONS }, () => connect(client!)));
    bench.defer(() => Promise.resolve(etcd.close()));
    return etcd;
  }

  /** One write, by gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    const session = this.#sessions[this.#turn++ % SESSIONS]!;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stream = session.request({
      ...{ ":method": "POST", ":path": PUT, "content-type": "application/grpc", te: "trailers" },
    });
    stream.on("trailers", (trailers) => {
      if (trailers["grpc-status"] === "0") resolve();
      else reject(new Error(`etcd answers ${trailers["grpc-message"]}`));
    });
    stream.on("error", reject);
    stream.resume();
    stream.end(putRequest(key, value));
    return promise;
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}

/** `PutRequest {bytes key = 1; bytes value = 2;}` with gRPC's five bytes before it. */
function putRequest(key: Uint8Array, value: Uint8Array): Uint8Array {
  const body = [0x0a, ...varint(key.length), ...key, 0x12, ...varint(value.length)];
  const message = new Uint8Array(GRPC_HEAD_BYTES + body.length + value.length);
  new DataView(message.buffer).setUint32(1, body.length + value.length);
  message.set(body, GRPC_HEAD_BYTES);
  message.set(value, GRPC_HEAD_BYTES + body.length);
  return message;
}

function varint(number: number): number[] {
  return number < 0x80 ? [number] : [number & 0x7f | 0x80, ...varint(number >>> 7)];
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

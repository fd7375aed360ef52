import { connect, createServer, type Server, type Socket } from "node:net";

/** How much the queue in front of the line holds, as a home router's. */
const QUEUE_BYTES = 200 * 1024;
const TICK_MS = 2;

/** A line in front of a server on loopback: what clients send goes at so many bytes a second, answers go as they come. */
export class SlowUplink implements Disposable {
  readonly #server: Server;
  readonly #queue: { to: Socket; bytes: Uint8Array; from: Socket }[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #bytesPerSecond: number;
  readonly #paused = new Set<Socket>();
  #queued = 0;
  #allowed = 0;
  #atMs = performance.now();

  private constructor(bytesPerSecond: number, port: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, port));
    this.#timer = setInterval(() => this.#pass(), TICK_MS);
  }

  static async open(bytesPerSecond: number, port: number): Promise<SlowUplink> {
    const uplink = new SlowUplink(bytesPerSecond, port);
    await new Promise<void>((resolve) => uplink.#server.listen(0, "127.0.0.1", resolve));
    return uplink;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#server.close();
  }

  #join(client: Socket, port: number): void {
    const server = connect({ host: "127.0.0.1", port, noDelay: true });
    server.pipe(client);
    client.on("data", (bytes: Uint8Array) => {
      this.#queue.push({ to: server, bytes, from: client });
      this.#queued += bytes.length;
      if (this.#queued < QUEUE_BYTES) return;
      client.pause();
      this.#paused.add(client);
    });
    for (const socket of [client, server]) {
      socket.on("error", () => {});
      socket.on("close", () => [client, server].forEach((each) => each.destroy()));
    }
  }

  #pass(): void {
    const nowMs = performance.now();
    const more = (nowMs - this.#atMs) / 1000 * this.#bytesPerSecond;
    this.#atMs = nowMs;
    this.#allowed = Math.min(this.#allowed + more, more * 2);
    while (this.#allowed > 0 && this.#queue.length > 0) {
      const first = this.#queue[0]!;
      const part = first.bytes.subarray(0, Math.ceil(this.#allowed));
      first.to.write(part);
      this.#allowed -= part.length;
      this.#queued -= part.length;
      if (part.length === first.bytes.length) this.#queue.shift();
      else first.bytes = first.bytes.subarray(part.length);
    }
    if (this.#queued >= QUEUE_BYTES) return;
    for (const client of this.#paused) client.resume();
    this.#paused.clear();
  }
}

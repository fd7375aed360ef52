/** A way to one server that can be cut as a network is: connections stay, nothing gets through. */
export class Link {
  readonly #port: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  #passing = Promise.withResolvers<void>();

  /** `url`: of the server, e.g. `http://127.0.0.1:2379`. */
  constructor(url: string) {
    this.#port = Number(new URL(url).port);
    this.#passing.resolve();
    void this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  cut(): void {
    this.#passing = Promise.withResolvers<void>();
  }

  /** What was sent meanwhile arrives now. */
  mend(): void {
    this.#passing.resolve();
  }

  close(): void {
    this.mend();
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.#connections.add(near);
      void this.#join(near);
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    try {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.#connections.add(far);
      near.setNoDelay();
      far.setNoDelay();
      await Promise.race([this.#pass(near, far), this.#pass(far, near)]);
      closeQuietly(far);
    } catch {
      // one of the two is gone: so is the connection
    }
    closeQuietly(near);
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    for await (const bytes of from.readable) {
      await this.#passing.promise;
      for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
    }
  }
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // it is closed already
  }
}

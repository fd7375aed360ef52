import { closeQuietly, Gate } from "../gate.ts";

/** A TCP relay to one server that can be cut. */
export class Link {
  readonly #port: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #gate = new Gate();

  /** `url`: the server, e.g. `http://127.0.0.1:2379`. */
  constructor(url: string) {
    this.#port = Number(new URL(url).port);
    void this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  cut(): void {
    this.#gate.cut();
  }

  /** What was sent meanwhile arrives now. */
  mend(): void {
    this.#gate.mend();
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
      await this.#gate.join(near, far);
    } catch {
      closeQuietly(near); // the server is gone
    }
  }
}

/** A point in a network that can be blocked: connections stay open, but nothing gets through. */
export class Gate {
  #passing = Promise.withResolvers<void>();

  constructor() {
    this.#passing.resolve();
  }

  cut(): void {
    this.#passing = Promise.withResolvers<void>();
  }

  /** Lets through what was sent meanwhile. */
  mend(): void {
    this.#passing.resolve();
  }

  /** Copies bytes both ways until one side closes, then closes the other. Never rejects. */
  async join(near: Deno.TcpConn, far: Deno.TcpConn): Promise<void> {
    near.setNoDelay();
    far.setNoDelay();
    try {
      await Promise.race([this.#pass(near, far), this.#pass(far, near)]);
    } catch {
      // one side has closed: close the other
    }
    closeQuietly(far);
    closeQuietly(near);
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    for await (const bytes of from.readable) {
      await this.#passing.promise;
      for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
    }
  }
}

export function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}

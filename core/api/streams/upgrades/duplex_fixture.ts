import { Duplex } from "node:stream";

/** Two ends of a connection in memory. */
export function connectedPair(): [Duplex, Duplex] {
  const pair: [End, End] = [new End(), new End()];
  pair[0].peer = pair[1];
  pair[1].peer = pair[0];
  return pair;
}

class End extends Duplex {
  peer!: End;
  #wake: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, emitClose: true });
  }

  override _read(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    if (this.peer.destroyed) return done();
    if (this.peer.push(bytes)) done();
    else this.peer.#wake = done;
  }

  override _final(done: () => void): void {
    if (!this.peer.destroyed) this.peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.peer.destroyed) queueMicrotask(() => this.peer.destroy());
    done(error);
  }
}

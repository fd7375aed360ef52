/** Bytes that come at the pace of their only reader. */
export interface ByteSource {
  /** The next bytes; `undefined` after the last. */
  read(): Promise<Uint8Array | undefined>;
}

/** Takes bytes at its own pace. */
export interface ByteSink {
  /** Resolves when more may be written. Rejects when nobody takes them any more. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more will be written. Repeating it does nothing. */
  end(): Promise<void>;
}

/** What one part costs besides its bytes: many small ones are not cheaper than a few large ones. */
const PART_BYTES = 128;

/** Bytes between one writer, who must heed {@linkcode cost}, and one reader. */
export class ByteQueue implements ByteSource {
  #parts: Uint8Array[] = [];
  #next = 0;
  #cost = 0;
  #hasEnded = false;
  #isDiscarding = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Bytes of memory that wait for the reader. */
  get cost(): number {
    return this.#cost;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#hasEnded || this.#isDiscarding) return;
    // A small part must not keep a large buffer alive.
    const part = bytes.length * 4 < bytes.buffer.byteLength ? bytes.slice() : bytes;
    this.#parts.push(part);
    this.#cost += part.length + PART_BYTES;
    this.#wakeReader?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** Nobody will read: drops what waits and what comes. */
  discard(): void {
    this.#isDiscarding = true;
    this.#parts = [];
    this.#next = this.#cost = 0;
    this.#wakeWriter?.();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#next === this.#parts.length) {
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
      this.#wakeReader = undefined;
    }
    const part = this.#parts[this.#next++]!;
    if (this.#next === this.#parts.length) {
      this.#parts = [];
      this.#next = 0;
    }
    this.#cost -= part.length + PART_BYTES;
    this.#wakeWriter?.();
    return part;
  }

  /** Resolves when the queue costs at most `bytesMax`, or has ended. For its one writer. */
  async room(bytesMax: number): Promise<void> {
    while (this.#cost > bytesMax && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
      this.#wakeWriter = undefined;
    }
  }
}

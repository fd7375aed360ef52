/** Bytes that came too early or are not whole yet, kept in a copy. Its limit is its user's duty. */
export class HeldBytes {
  #bytes: Uint8Array | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (this.#bytes === undefined || this.#bytes.length < needed) {
      const larger = new Uint8Array(Math.max(512, needed * 2));
      if (this.#bytes !== undefined) larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  /** All of it; it holds nothing afterwards, and the bytes are the caller's. */
  take(): Uint8Array {
    const taken = this.#bytes === undefined
      ? new Uint8Array(0)
      : this.#bytes.subarray(0, this.#length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#bytes = undefined;
    this.#length = 0;
  }
}

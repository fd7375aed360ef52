/** Pieces shorter than this are gathered: a thousand pieces of one byte must not cost a thousand buffers. */
const GATHERED_BYTES = 2 * 1024;
/** In which they are gathered. */
const CHUNK_BYTES = 4 * 1024;

/** Bytes that have come and wait for their only reader. */
export class IncomingBytes {
  #parts: Uint8Array[] = [];
  #next = 0;
  /** Where short pieces go: the buffer of the last part, and how much of it is used. */
  #chunk: Uint8Array | undefined;
  #chunkFrom = 0;
  #chunkUsed = 0;
  #bytes = 0;

  /** How many wait. */
  get length(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (piece.length >= GATHERED_BYTES && piece.length * 4 >= piece.buffer.byteLength) {
      this.#closeChunk();
      this.#parts.push(piece);
    } else if (piece.length >= GATHERED_BYTES) {
      this.#closeChunk();
      this.#parts.push(piece.slice()); // it must not keep a large buffer alive
    } else this.#gather(piece);
  }

  /** The next bytes; `undefined` when none have come. */
  take(): Uint8Array | undefined {
    if (this.#next === this.#parts.length) this.#closeChunk();
    if (this.#next === this.#parts.length) return undefined;
    const part = this.#parts[this.#next++]!;
    if (this.#next === this.#parts.length) {
      this.#parts = [];
      this.#next = 0;
    }
    this.#bytes -= part.length;
    return part;
  }

  clear(): void {
    this.#parts = [];
    this.#chunk = undefined;
    this.#next =
      this.#bytes =
      this.#chunkFrom =
      this.#chunkUsed =
        0;
  }

  #gather(piece: Uint8Array): void {
    if (this.#chunk && this.#chunkUsed + piece.length > this.#chunk.length) {
      this.#closeChunk();
      this.#chunk = undefined;
    }
    if (!this.#chunk) {
      this.#chunk = new Uint8Array(CHUNK_BYTES);
      this.#chunkFrom = this.#chunkUsed = 0;
    }
    this.#chunk.set(piece, this.#chunkUsed);
    this.#chunkUsed += piece.length;
  }

  /** Makes what was gathered a part. */
  #closeChunk(): void {
    if (!this.#chunk || this.#chunkUsed === this.#chunkFrom) return;
    this.#parts.push(this.#chunk.subarray(this.#chunkFrom, this.#chunkUsed));
    this.#chunkFrom = this.#chunkUsed;
    if (this.#chunkUsed === CHUNK_BYTES) this.#chunk = undefined;
  }
}

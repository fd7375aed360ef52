import { Memory } from "../../lib/linux/memory.ts";

/** Of a piece that is kept for the next use. One read of a peer fits, with what was left of a TLS record before it. */
const SPARE_BYTES = 32 * 1024;
/** Those that are kept: 2 MiB. */
const SPARES_MAX = 64;

/** Bytes that a kernel has not taken. */
export interface Piece {
  readonly memory: Memory;
  start: number;
  readonly end: number;
}

/**
 * Copies bytes that have to wait, into memory that is used again: a peer who sends more than is read would leave as much
 * garbage behind, and a thread that waits for sockets has no moment to collect it.
 */
export class Pieces {
  readonly #spares: Memory[] = [];

  take(from: Memory, start: number, end: number): Piece {
    const length = end - start;
    const memory = (length <= SPARE_BYTES ? this.#spares.pop() : undefined) ??
      new Memory(Math.max(length, SPARE_BYTES));
    memory.bytes.set(from.bytes.subarray(start, end));
    return { memory, start: 0, end: length };
  }

  /** The pieces are not used any more. */
  give(pieces: readonly Piece[]): void {
    for (const { memory } of pieces) {
      if (memory.size === SPARE_BYTES && this.#spares.length < SPARES_MAX) {
        this.#spares.push(memory);
      }
    }
  }
}

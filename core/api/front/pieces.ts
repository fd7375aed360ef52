import { Memory } from "../../lib/linux/memory.ts";

/** Size of a reusable piece: one read from a peer, plus the rest of a TLS record before it. */
const SPARE_BYTES = 32 * 1024;
/** Reusable pieces kept: 2 MiB. */
const SPARES_MAX = 64;

/** Bytes that the kernel has not accepted yet. */
export interface Piece {
  readonly memory: Memory;
  start: number;
  readonly end: number;
}

/**
 * Copies bytes that have to wait into reusable memory: new memory each time would become garbage that a thread waiting for
 * sockets has no time to collect.
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

  /** Returns pieces for reuse. */
  give(pieces: readonly Piece[]): void {
    for (const { memory } of pieces) {
      if (memory.size === SPARE_BYTES && this.#spares.length < SPARES_MAX) {
        this.#spares.push(memory);
      }
    }
  }
}

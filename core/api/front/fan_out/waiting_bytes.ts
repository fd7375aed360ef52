import { addressOf, type Pointer, pointerAt } from "../../../lib/linux/memory.ts";
import { WATCH_QUEUE_BYTES_MAX } from "../../watch/watch_limits.ts";
import type { Loan } from "./loans.ts";

interface Waiting {
  /** Of the first byte. */
  address: bigint;
  length: number;
  /** Bytes that were passed on. */
  passed: number;
  /** Referenced, so that its memory stays; absent for a loan. */
  kept?: Uint8Array<ArrayBuffer>;
  loan?: number;
}

/** Plain bytes that wait for a peer, in order: broadcasts, shared with other connections, and loans of the main thread. */
export class WaitingBytes {
  readonly #queue: Waiting[] = [];
  readonly #onReturned: (loan: number) => void;
  #keptBytes = 0;

  constructor(onReturned: (loan: number) => void) {
    this.#onReturned = onReturned;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Whether the peer is too slow for what is kept for it. */
  get isTooMuch(): boolean {
    return this.#keptBytes > WATCH_QUEUE_BYTES_MAX;
  }

  keep(bytes: Uint8Array<ArrayBuffer>): void {
    this.#queue.push({ address: addressOf(bytes), length: bytes.length, passed: 0, kept: bytes });
    this.#keptBytes += bytes.length;
  }

  borrow({ id, address, length }: Loan): void {
    this.#queue.push({ address, length, passed: 0, loan: id });
  }

  /** The next bytes, of those that lie together. There must be some. */
  next(bytesMax: number): { pointer: Pointer; bytes: number } {
    const { address, length, passed } = this.#queue[0]!;
    return {
      pointer: pointerAt(address + BigInt(passed)),
      bytes: Math.min(length - passed, bytesMax),
    };
  }

  /** The first bytes were passed on. */
  passed(bytes: number): void {
    const first = this.#queue[0]!;
    first.passed += bytes;
    if (first.passed < first.length) return;
    this.#queue.shift();
    this.#drop(first);
  }

  clear(): void {
    for (const waiting of this.#queue.splice(0)) this.#drop(waiting);
  }

  #drop({ kept, loan }: Waiting): void {
    this.#keptBytes -= kept?.length ?? 0;
    if (loan !== undefined) this.#onReturned(loan);
  }
}

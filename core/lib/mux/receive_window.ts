import { WINDOW_BYTES, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN } from "./limits.ts";

/** A window grows when half of it was used within this time, and shrinks when that took so long. */
const BUSY_MS = 500;
const IDLE_MS = 10_000;

/** What the windows of a tunnel have in common. */
export interface WindowNeighbours {
  /** Takes up to `bytes` of what all windows together may have grown; returns how many. */
  grow(bytes: number): number;
  /** Gives back what was taken. */
  giveBack(bytes: number): void;
  /** Whether the queues on the way have filled. */
  isSlow(): boolean;
}

/** How much the other end may send on one stream: what is given is never taken back. */
export class ReceiveWindow {
  #size = WINDOW_BYTES;
  /** What the other end may still send. */
  #open = WINDOW_BYTES;
  #creditedMs = 0;
  readonly #neighbours: WindowNeighbours;

  constructor(neighbours: WindowNeighbours) {
    this.#neighbours = neighbours;
  }

  get size(): number {
    return this.#size;
  }

  /** False when more has come than was allowed. */
  took(bytes: number): boolean {
    this.#open -= bytes;
    return this.#open >= 0;
  }

  /** The credit to give now that some was read and `waiting` bytes still wait for the reader; 0: none yet. */
  creditFor(waiting: number, nowMs: number): number {
    const free = this.#size - this.#open - waiting;
    if (free * 2 < this.#size) return 0;
    this.#resize(waiting, nowMs - this.#creditedMs);
    this.#creditedMs = nowMs;
    const credit = Math.max(0, this.#size - this.#open - waiting);
    this.#open += credit;
    return credit;
  }

  /** It is needed no more. */
  close(): void {
    if (this.#size > WINDOW_BYTES) this.#neighbours.giveBack(this.#size - WINDOW_BYTES);
    this.#size = 0;
  }

  #resize(waiting: number, sinceMs: number): void {
    const size = this.#size;
    if (this.#neighbours.isSlow()) return this.#set(Math.max(WINDOW_BYTES_MIN, size / 2));
    if (sinceMs > IDLE_MS) return this.#set(Math.max(Math.min(size, WINDOW_BYTES), size / 2));
    const keepsUp = waiting * 4 <= size && sinceMs <= BUSY_MS;
    if (!keepsUp || size >= WINDOW_BYTES_MAX) return;
    const wanted = Math.max(0, size * 2 - Math.max(size, WINDOW_BYTES));
    this.#size = Math.max(size, size * 2 - wanted) + this.#neighbours.grow(wanted);
  }

  #set(size: number): void {
    const surplus = Math.max(0, this.#size - WINDOW_BYTES) - Math.max(0, size - WINDOW_BYTES);
    this.#neighbours.giveBack(surplus);
    this.#size = size;
  }
}

import { type Clock, sleepOn } from "./clock.ts";
import { PriorityQueue } from "./priority_queue.ts";

interface Timer {
  atMs: number;
  order: number;
  act: (() => void) | undefined;
}

/**
 * Time that moves only when told to: for tests and for the simulator.
 *
 * Timers fire in the order of their time; those of the same time in the order in which they were set.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  /** How far `now` is ahead of `elapsed`: the start, and all jumps since. */
  #aheadMs: number;
  #order = 0;
  #pending = 0;
  readonly #timers = new PriorityQueue<Timer>((a, b) =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  );

  constructor(startMs = 0) {
    this.#nowMs = startMs;
    this.#aheadMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs - this.#aheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  after(ms: number, act: () => void): () => void {
    const timer: Timer = {
      atMs: this.#nowMs + (ms > 0 ? ms : 0),
      order: this.#order++,
      act,
    };
    this.#timers.push(timer);
    this.#pending++;
    return () => {
      if (timer.act) this.#pending--;
      timer.act = undefined;
    };
  }

  /** How many timers are set. A test that ends with some has a leak. */
  get pending(): number {
    return this.#pending;
  }

  /** When the next timer is due; `undefined` when none is, or only at the end of time. */
  get nextMs(): number | undefined {
    while (this.#timers.size > 0 && !this.#timers.peek()!.act) this.#timers.pop();
    const next = this.#timers.peek();
    return next && next.atMs !== Infinity ? next.atMs : undefined;
  }

  /**
   * Settles all promises, goes to the next timer and fires it, and settles again. False, with the time unchanged, when no
   * timer is set.
   */
  async step(): Promise<boolean> {
    await settled();
    if (!this.#fireNext(Infinity)) return false;
    await settled();
    return true;
  }

  /**
   * Fires the next timer that is due by `untilMs`, and settles: the fastest way on when all promises have settled already.
   * False, with the time unchanged, when none is due.
   */
  async fireNext(untilMs: number): Promise<boolean> {
    if (!this.#fireNext(untilMs)) return false;
    await settled();
    return true;
  }

  /** Advances by `ms` and fires every timer that comes due, those set on the way included. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    while (this.#fireNext(endMs)) await settled();
    this.#nowMs = endMs;
  }

  /** Sets the time without firing anything, as when somebody sets a machine's clock. Timers keep their waits. */
  jump(toMs: number): void {
    const byMs = toMs - this.#nowMs;
    const timers: Timer[] = [];
    while (this.#timers.size > 0) timers.push(this.#timers.pop()!);
    for (const timer of timers) {
      timer.atMs += byMs;
      this.#timers.push(timer);
    }
    this.#nowMs = toMs;
    this.#aheadMs += byMs;
  }

  #fireNext(untilMs: number): boolean {
    const nextMs = this.nextMs;
    if (nextMs === undefined || nextMs > untilMs) return false;
    const timer = this.#timers.pop()!;
    const { act } = timer;
    timer.act = undefined; // too late to cancel
    this.#nowMs = nextMs;
    this.#pending--;
    act?.();
    return true;
  }
}

/** Resolves when every promise that needs no timer has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

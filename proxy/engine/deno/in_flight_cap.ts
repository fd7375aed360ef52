import type { Clock } from "../../../core/lib/clock.ts";

/** Requests that are served at once; others wait in order of arrival. */
const IN_FLIGHT_MAX = 48;
/** A request that takes longer gives its place back: slow endpoints must not hold up the fast ones. */
const HOLD_MS = 10;
/** Entries of the queue that are removed at once. */
const SWEEP_LENGTH = 1024;

/** A connection, as the cap sees it. */
export interface Turn {
  isHeld: boolean;
  /** The round of checks in which it was claimed. */
  round: number;
  /** Set while it waits. */
  go: (() => void) | undefined;
}

/**
 * Lets only so many requests go ahead at once, first come, first served.
 *
 * Why: Deno gives all sockets of a thread together a budget of work per turn, and what is over it is not served in the order in
 * which it came, so that above some 128 busy connections a few starve for seconds. A short queue of our own keeps the
 * busy set small and fair. A request older than 10 ms no longer counts.
 */
export class InFlightCap {
  readonly #clock: Clock;
  /** By age. */
  readonly #held = new Set<Turn>();
  #waiting: (Turn | undefined)[] = [];
  #first = 0;
  #timer: (() => void) | undefined;
  #round = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  newTurn(): Turn {
    return { isHeld: false, round: 0, go: undefined };
  }

  /** Claims a place if one is free. False: {@linkcode wait}. */
  claim(turn: Turn): boolean {
    if (turn.isHeld) return true;
    if (this.#held.size >= IN_FLIGHT_MAX) return false;
    this.#hold(turn);
    return true;
  }

  /** Waits for a place; resolves with it, or without when `release` was called meanwhile. */
  wait(turn: Turn): Promise<void> {
    return new Promise((resolve) => {
      turn.go = resolve;
      this.#waiting.push(turn);
      this.#watch();
    });
  }

  /** Doing it twice is doing it once. */
  release(turn: Turn): void {
    if (turn.go !== undefined) {
      turn.go();
      turn.go = undefined;
    }
    if (!turn.isHeld) return;
    turn.isHeld = false;
    this.#held.delete(turn);
    this.#admitNext();
  }

  #hold(turn: Turn): void {
    turn.isHeld = true;
    turn.round = this.#round;
    this.#held.add(turn);
  }

  #admitNext(): void {
    while (this.#first < this.#waiting.length) {
      const next = this.#waiting[this.#first]!;
      this.#waiting[this.#first++] = undefined;
      if (this.#first >= SWEEP_LENGTH) {
        this.#waiting = this.#waiting.slice(this.#first);
        this.#first = 0;
      }
      if (next.go === undefined) continue;
      this.#hold(next);
      next.go();
      next.go = undefined;
      return;
    }
  }

  /**
   * While someone waits, checks every 10 ms, and takes the places of those who had them at the check before: rounds are
   * counted, since reading the clock at each request would cost more than all the rest here.
   */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(HOLD_MS, () => {
      this.#timer = undefined;
      this.#round++;
      for (const turn of this.#held) {
        if (turn.round === this.#round) break;
        this.release(turn);
      }
      if (this.#first < this.#waiting.length) this.#watch();
    });
  }
}

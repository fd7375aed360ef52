import type { Clock } from "../../../core/lib/clock.ts";

/** Requests that are worked on at once; more wait in the order in which they came. */
const IN_FLIGHT_MAX = 48;
/** A request that takes longer gives its place back: slow endpoints must not hold up the fast ones. */
const HOLD_MS = 10;
/** Places in the queue that are cleared at once. */
const SWEEP_LENGTH = 1024;

/** A connection's place among those that are served. */
export interface Turn {
  isHeld: boolean;
  /** Of the looks at who holds a place, the last before it was taken. */
  look: number;
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
  #looks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  newTurn(): Turn {
    return { isHeld: false, look: 0, go: undefined };
  }

  /** Takes a place if one is free. False: {@linkcode wait}. */
  take(turn: Turn): boolean {
    if (turn.isHeld) return true;
    if (this.#held.size >= IN_FLIGHT_MAX) return false;
    this.#hold(turn);
    return true;
  }

  /** Waits for a place; resolves with it, or without when `giveBack` was called meanwhile. */
  wait(turn: Turn): Promise<void> {
    return new Promise((resolve) => {
      turn.go = resolve;
      this.#waiting.push(turn);
      this.#watch();
    });
  }

  /** Doing it twice is doing it once. */
  giveBack(turn: Turn): void {
    if (turn.go !== undefined) {
      turn.go();
      turn.go = undefined;
    }
    if (!turn.isHeld) return;
    turn.isHeld = false;
    this.#held.delete(turn);
    this.#letNextGo();
  }

  #hold(turn: Turn): void {
    turn.isHeld = true;
    turn.look = this.#looks;
    this.#held.add(turn);
  }

  #letNextGo(): void {
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
   * While someone waits, looks every 10 ms, and takes the places of those who had them at the look before: a count in the
   * place of a time, since to ask for the time at each request costs more than all the rest here.
   */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(HOLD_MS, () => {
      this.#timer = undefined;
      this.#looks++;
      for (const turn of this.#held) {
        if (turn.look === this.#looks) break;
        this.giveBack(turn);
      }
      if (this.#first < this.#waiting.length) this.#watch();
    });
  }
}

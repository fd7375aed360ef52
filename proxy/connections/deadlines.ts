import type { Clock } from "../../core/lib/clock.ts";

/** The precision of deadlines. */
const PRECISION_MS = 50;

/** Something that must have happened by a certain time. */
export interface Deadline {
  /** By `elapsed` of the clock of its {@linkcode Deadlines}. `Infinity`: none. */
  deadlineMs: number;
  onDeadline(nowMs: number): void;
}

/**
 * Many deadlines that move often and rarely pass. Moving one costs a comparison: one timer waits for the earliest known
 * deadline, checks all when it fires, and waits for the next. Without deadlines there is no timer.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #members = new Set<Deadline>();
  #armedMs = Infinity;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.elapsed();
  }

  add(member: Deadline): void {
    this.#members.add(member);
    this.set(member, member.deadlineMs);
  }

  remove(member: Deadline): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#wait(Infinity);
  }

  set(member: Deadline, deadlineMs: number): void {
    member.deadlineMs = deadlineMs;
    if (deadlineMs < this.#armedMs) this.#wait(deadlineMs);
  }

  #wait(untilMs: number): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedMs = untilMs;
    if (untilMs === Infinity) return;
    const waitMs = Math.max(PRECISION_MS, untilMs - this.#clock.elapsed());
    this.#disarm = this.#clock.after(waitMs, () => this.#check());
  }

  #check(): void {
    const nowMs = this.#clock.elapsed();
    this.#armedMs = Infinity;
    this.#disarm = undefined;
    let earliestMs = Infinity;
    for (const member of [...this.#members]) {
      if (member.deadlineMs <= nowMs) member.onDeadline(nowMs);
      if (this.#members.has(member)) earliestMs = Math.min(earliestMs, member.deadlineMs);
    }
    if (earliestMs < this.#armedMs) this.#wait(earliestMs);
  }
}

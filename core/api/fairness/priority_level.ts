import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Queuing } from "../../resources/flowcontrol/priority_level_spec.ts";
import { handOf } from "./shuffle_sharding.ts";

/** How long a request waits for a seat: a quarter of what it may take, as in kube-apiserver. */
export const WAIT_MS_MAX = 15_000;
/** Requests that wait at one level, whatever its queues could hold. */
export const WAITING_MAX = 8_192;

/** How a level is limited; without seats it is exempt. */
export interface LevelLimits {
  seats: number;
  /** How many of its seats others may use while it does not. */
  lendable: number;
  /** How many seats of others it may use. */
  borrowable: number;
  /** Absent: what finds no seat is refused. */
  queuing?: Queuing | undefined;
}

/** The levels of a server together. */
export interface LevelPool {
  /** Requests that wait at any level. */
  waiting: number;
  /** Whether a level may use one more seat than it has. */
  lendsTo(level: PriorityLevel): boolean;
  /** A level has a seat free again, while requests wait at some level. */
  offer(from: PriorityLevel): void;
}

/** A request that waits for a seat. */
interface Waiter {
  state: "waiting" | "seated" | "gone";
  seat(): void;
}

/**
 * The seats of a priority level, and the requests that wait for one.
 *
 * Every flow uses the shortest of its few queues, and queues take turns: who sends very many requests fills their own
 * queues and waits behind themselves.
 */
export class PriorityLevel {
  readonly #clock: Pick<Clock, "after">;
  readonly #pool: LevelPool;
  #limits: LevelLimits | "exempt";
  #seated = 0;
  #waiting = 0;
  readonly #queues = new Map<number, Waiter[]>();
  /** The queues that are not empty, in the order of their turns. */
  readonly #turns: number[] = [];

  constructor(limits: LevelLimits | "exempt", clock: Pick<Clock, "after">, pool: LevelPool) {
    this.#limits = limits;
    this.#clock = clock;
    this.#pool = pool;
  }

  /** Those who have a seat keep it. */
  limit(limits: LevelLimits | "exempt"): void {
    this.#limits = limits;
    this.seatWaiting();
  }

  /** Seats of its own that others may use now. */
  get spare(): number {
    if (this.#limits === "exempt") return 0;
    return Math.max(0, Math.min(this.#limits.lendable, this.#limits.seats - this.#seated));
  }

  /** Seats that it uses beyond its own. */
  get borrowed(): number {
    return this.#limits === "exempt" ? 0 : Math.max(0, this.#seated - this.#limits.seats);
  }

  /** Takes a seat, if there is one and nobody waits. It is to be given back by {@linkcode leave}. */
  enter(): boolean {
    if (this.#limits !== "exempt" && (this.#waiting > 0 || !this.#hasSeat(this.#limits))) {
      return false;
    }
    this.#seated++;
    return true;
  }

  /**
   * Waits for a seat among the requests of the flow. Throws TooManyRequests when its queues are full, or no seat has
   * become free in time. `onGone` is given what to call when nobody waits for the answer any more.
   */
  wait(flow: string, onGone: (leave: () => void) => void = () => {}): Promise<void> {
    const queue = this.#queueOf(flow);
    if (queue === undefined) return Promise.reject(tooManyRequests());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { state: "waiting", seat: resolve };
    const leave = () => {
      if (waiter.state !== "waiting") return;
      waiter.state = "gone";
      this.#remove(queue, waiter);
      reject(tooManyRequests());
    };
    const stopClock = this.#clock.after(WAIT_MS_MAX, leave);
    waiter.seat = () => {
      stopClock();
      resolve();
    };
    this.#add(queue, waiter);
    onGone(() => {
      stopClock();
      leave();
    });
    return promise;
  }

  /** Gives the seat back. */
  leave(): void {
    this.#seated--;
    if (this.#pool.waiting > 0) this.#pool.offer(this);
  }

  #hasSeat({ seats, borrowable }: LevelLimits): boolean {
    if (this.#seated < seats) return true;
    return this.#seated < seats + borrowable && this.#pool.lendsTo(this);
  }

  /** The shortest of the queues of the flow; `undefined`: all are full. */
  #queueOf(flow: string): number | undefined {
    const queuing = this.#limits === "exempt" ? undefined : this.#limits.queuing;
    if (!queuing || this.#waiting >= WAITING_MAX) return undefined;
    const lengthOf = (queue: number) => this.#queues.get(queue)?.length ?? 0;
    const [first, ...others] = handOf(flow, queuing.queues, queuing.handSize);
    const shortest = others.reduce((a, b) => lengthOf(b) < lengthOf(a) ? b : a, first!);
    return lengthOf(shortest) < queuing.queueLengthLimit ? shortest : undefined;
  }

  #add(queue: number, waiter: Waiter): void {
    const waiters = this.#queues.get(queue);
    if (waiters) waiters.push(waiter);
    else {
      this.#queues.set(queue, [waiter]);
      this.#turns.push(queue);
    }
    this.#waiting++;
    this.#pool.waiting++;
  }

  #remove(queue: number, waiter: Waiter): void {
    const waiters = this.#queues.get(queue)!;
    waiters.splice(waiters.indexOf(waiter), 1);
    this.#waiting--;
    this.#pool.waiting--;
    if (waiters.length > 0) return;
    this.#queues.delete(queue);
    this.#turns.splice(this.#turns.indexOf(queue), 1);
  }

  /** Seats as many as there are seats for. */
  seatWaiting(): void {
    while (this.#waiting > 0 && (this.#limits === "exempt" || this.#hasSeat(this.#limits))) {
      const queue = this.#turns[0]!;
      const waiter = this.#queues.get(queue)![0]!;
      this.#remove(queue, waiter);
      if (this.#queues.has(queue)) this.#turns.push(this.#turns.shift()!);
      waiter.state = "seated";
      this.#seated++;
      waiter.seat();
    }
  }
}

export function tooManyRequests(): ApiError {
  return new ApiError("TooManyRequests", "Too many requests, please try again later.", {
    retryAfterSeconds: 1,
  });
}

import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";

/** Requests under way to a pod end within this time after the last of them was sent. */
const REQUEST_MS_MAX = 2_000;

/** The requests of the cluster's users: always some to each endpoint, and for a while after it is none any more. */
export class Traffic {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #endings = new Map<string, Promise<void>>();
  #routed: ReadonlySet<string> = new Set();
  /** Since when there have been requests to a pod without a pause. */
  readonly #busySinceMs = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** From now on requests go where the table says. */
  route(table: RouteTable): void {
    const before = this.#routed;
    const endpoints = table.backends.flatMap(({ endpoints }) => endpoints);
    this.#routed = new Set(endpoints.map(({ podUid }) => podUid));
    for (const podUid of this.#routed) {
      if (!this.#busySinceMs.has(podUid)) this.#busySinceMs.set(podUid, this.#clock.elapsed());
    }
    for (const podUid of before) if (!this.#routed.has(podUid)) this.#end(podUid);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Whether a request is under way that the pod has to answer. */
  isBusy(podUid: string): boolean {
    return this.#routed.has(podUid) || this.#endings.has(podUid);
  }

  /** For how long there have been requests that the pod has to answer; 0 when there are none. */
  busyMs(podUid: string): number {
    return this.isBusy(podUid) ? this.#clock.elapsed() - this.#busySinceMs.get(podUid)! : 0;
  }

  /** Resolves when no request for the pod is under way any more; rejects when the signal aborts before. */
  async untilDrained(podUid: string, signal: AbortSignal): Promise<void> {
    while (this.isBusy(podUid)) {
      const change = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await (this.#endings.get(podUid) ?? change);
      signal.throwIfAborted();
    }
  }

  #end(podUid: string): void {
    const ending = this.#clock.sleep(this.#random.integer(REQUEST_MS_MAX))
      .then(() => {
        this.#endings.delete(podUid);
        if (!this.#routed.has(podUid)) this.#busySinceMs.delete(podUid);
      });
    this.#endings.set(podUid, ending);
  }
}

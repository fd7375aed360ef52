import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";

/** Requests in flight to a pod end within this time after the last of them was sent. */
const REQUEST_MS_MAX = 2_000;

/** The requests to the cluster's services: each endpoint always has some in flight, and for a while after its removal. */
export class Traffic {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #drains = new Map<string, Promise<void>>();
  #routed: ReadonlySet<string> = new Set();
  /** Since when each pod has had requests in flight without a pause. */
  readonly #busySinceMs = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Routes requests by the table from now on. */
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

  /** Whether the pod has requests in flight. */
  isBusy(podUid: string): boolean {
    return this.#routed.has(podUid) || this.#drains.has(podUid);
  }

  /** For how long the pod has had requests in flight; 0 when it has none. */
  busyMs(podUid: string): number {
    return this.isBusy(podUid) ? this.#clock.elapsed() - this.#busySinceMs.get(podUid)! : 0;
  }

  /** Resolves when the pod has no more requests in flight; rejects when the signal aborts first. */
  async untilDrained(podUid: string, signal: AbortSignal): Promise<void> {
    while (this.isBusy(podUid)) {
      const change = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await (this.#drains.get(podUid) ?? change);
      signal.throwIfAborted();
    }
  }

  #end(podUid: string): void {
    const ending = this.#clock.sleep(this.#random.integer(REQUEST_MS_MAX))
      .then(() => {
        this.#drains.delete(podUid);
        if (!this.#routed.has(podUid)) this.#busySinceMs.delete(podUid);
      });
    this.#drains.set(podUid, ending);
  }
}

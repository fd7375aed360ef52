import type { Forwarded } from "../backends/live_endpoint.ts";
import type { Deadline, Deadlines } from "../connections/deadlines.ts";
import type { SlotHolder } from "../connections/connection_slots.ts";

/** A connection that is passed on may stand still this long: as the kernel's own (`nf_conntrack_tcp_timeout_established`). */
export const TCP_IDLE_MS = 5 * 24 * 3_600_000;
/** The same when one side has ended: as kube-proxy's `--conntrack-tcp-timeout-close-wait`. */
export const HALF_CLOSED_IDLE_MS = 3_600_000;
/** How often it is checked. Without traffic for two checks it counts as idle. */
const CHECK_MS = 10_000;

/** A client's connection that is passed on as it is, with its two ends, from when it was accepted. */
export class TcpConnection implements SlotHolder, Forwarded, Deadline {
  deadlineMs: number;
  idleSinceMs: number | undefined;
  isClosed = false;
  /** Something was passed on since the last check. */
  hasTraffic = true;
  /** One side has sent its end. */
  isHalfClosed = false;
  readonly #deadlines: Deadlines;
  readonly #onClosed: () => void;
  readonly #ends: { close(): void }[];

  constructor(client: { close(): void }, deadlines: Deadlines, onClosed: () => void) {
    this.#ends = [client];
    this.#deadlines = deadlines;
    this.#onClosed = onClosed;
    this.deadlineMs = deadlines.now() + CHECK_MS;
    deadlines.add(this);
  }

  /** The other end. It is closed at once when this is closed already. */
  join(end: { close(): void }): void {
    this.#ends.push(end);
    if (this.isClosed) end.close();
  }

  onDeadline(nowMs: number): void {
    if (this.hasTraffic) this.idleSinceMs = undefined;
    else this.idleSinceMs ??= nowMs - CHECK_MS;
    this.hasTraffic = false;
    const maxMs = this.isHalfClosed ? HALF_CLOSED_IDLE_MS : TCP_IDLE_MS;
    if (this.idleSinceMs !== undefined && nowMs - this.idleSinceMs >= maxMs) return this.close();
    this.#deadlines.set(this, nowMs + CHECK_MS);
  }

  /** Doing it twice is doing it once. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#deadlines.remove(this);
    for (const end of this.#ends) end.close();
    this.#onClosed();
  }
}

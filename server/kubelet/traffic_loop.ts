import type { ServerLink } from "../../core/client/server_link.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { isJsonObject } from "../../core/lib/json/json_value.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { TrafficReport } from "../../core/traffic/served_traffic.ts";
import type { OwnCounts } from "../../core/traffic/traffic_reports.ts";

/** Whatever the server says. */
const REPORT_MS_MIN = 1_000;
const REPORT_MS_MAX = 300_000;

export interface TrafficLoopOptions {
  link: Pick<ServerLink, "ask" | "onRestored">;
  node: string;
  clock: Clock;
  counts(): Promise<readonly OwnCounts[]>;
}

/**
 * Tells a server elsewhere what this node's proxy serves: at each change, and from time to time what its sets have done.
 * Says nothing while the table has no set of a rollout.
 */
export class TrafficLoop {
  readonly #options: TrafficLoopOptions;
  readonly #wake = new Wake();
  #report: TrafficReport | undefined;
  #changed = new Set<string>();
  /** The server knows of sets: it has to learn when there are none any more. */
  #hasTold = false;

  constructor(options: TrafficLoopOptions) {
    this.#options = options;
  }

  take(report: TrafficReport): void {
    this.#report = report;
    for (const namespace of report.changed) this.#changed.add(namespace);
    if (this.#hasTold || hasSets(report)) this.#wake.set();
  }

  /** Sends what is new, until the signal aborts. What cannot be sent is sent again when the server answers. */
  async run(signal: AbortSignal): Promise<void> {
    const { link, clock } = this.#options;
    const stop = link.onRestored(() => this.#wake.set());
    try {
      while (!signal.aborted) {
        const nextMs = await this.#send(signal);
        await this.#wake.wait(signal, nextMs === undefined ? undefined : { clock, ms: nextMs });
      }
    } finally {
      stop();
    }
  }

  /** Returns when to send again, if nothing changes; `undefined`: not before. */
  async #send(signal: AbortSignal): Promise<number | undefined> {
    const { link, node, counts } = this.#options, report = this.#report;
    if (report === undefined || (!this.#hasTold && !hasSets(report))) return undefined;
    const changed = [...this.#changed];
    this.#changed = new Set();
    const body = { ...report, changed, counts: await counts() };
    try {
      const answer = await link.ask(
        { method: "PUT", path: `/traffic-reports/${node}`, body },
        signal,
      );
      this.#hasTold = hasSets(report);
      return this.#hasTold ? nextOf(answer) : undefined;
    } catch { // the link tells when the server is out of reach, and when it answers again
      for (const namespace of changed) this.#changed.add(namespace);
      return REPORT_MS_MAX;
    }
  }
}

function hasSets({ shared, addressed, busy }: TrafficReport): boolean {
  return shared.length + addressed.length + busy.length > 0;
}

function nextOf(answer: unknown): number {
  const nextMs = isJsonObject(answer) ? Number(answer["nextMs"]) : NaN;
  if (!Number.isFinite(nextMs)) return REPORT_MS_MAX;
  return Math.min(REPORT_MS_MAX, Math.max(REPORT_MS_MIN, nextMs));
}

import type { UsageReporter } from "../../agent/stats/usage_reporter.ts";
import type { ServerLink } from "../../core/client/server_link.ts";
import type { TunnelDialler } from "../../core/client/tunnel/tunnel_dialler.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Wake } from "../../core/lib/wake.ts";
import { isJsonObject } from "../../core/lib/json/json_value.ts";

/** How long after a report that was not taken the next one is sent. */
const RETRY_MS = 60_000;
/** Whatever the server says. */
const REPORT_MS_MIN = 10_000;
const REPORT_MS_MAX = 300_000;

export interface ReportLoopOptions {
  link: Pick<ServerLink, "ask">;
  usage: Pick<UsageReporter, "report">;
  node: string;
  clock: Clock;
  /** While it may have a tunnel, the server asks through that, and nothing is sent. */
  dialler?: Pick<TunnelDialler, "state" | "onChange">;
}

/**
 * Sends what a node uses to a server elsewhere, as often as that asks for, until the signal aborts. A report that cannot
 * be sent is lost: the next one tells more.
 */
export async function sendReports(
  { link, usage, node, clock, dialler }: ReportLoopOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (dialler) await untilUnsupported(dialler, signal);
    if (signal.aborted) return;
    const waitMs = await link.ask({
      method: "PUT",
      path: `/node-reports/${node}`,
      body: await usage.report(),
    }, signal).then(nextOf, () => RETRY_MS); // the link tells when the server is out of reach
    await clock.sleep(waitMs, signal).catch(() => {}); // rejects only when the signal aborts
  }
}

/** Resolves when the server is known to take no tunnels, or the signal aborts. */
async function untilUnsupported(
  dialler: Pick<TunnelDialler, "state" | "onChange">,
  signal: AbortSignal,
): Promise<void> {
  const wake = new Wake();
  const stop = dialler.onChange(() => wake.set());
  while (dialler.state !== "unsupported" && !signal.aborted) await wake.wait(signal);
  stop();
}

function nextOf(answer: unknown): number {
  const nextMs = isJsonObject(answer) ? Number(answer["nextMs"]) : NaN;
  if (!Number.isFinite(nextMs)) return RETRY_MS;
  return Math.min(REPORT_MS_MAX, Math.max(REPORT_MS_MIN, nextMs));
}

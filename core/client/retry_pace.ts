import { ENDED } from "../lib/abort.ts";
import { type Backoff, waitMsAfter } from "../lib/backoff.ts";
import type { Clock } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import type { ServerLink } from "./server_link.ts";

/** client-go's reflector: 0.8 s to 30 s. Each wait is drawn from half to one and a half of it. */
const RETRY: Backoff = { firstMs: 500, maxMs: 30_000, factor: 2 };
/** When the server is back, its clients reconnect spread over this time. */
const RETURN_SPREAD_MS = 1_000;

/**
 * Waits before what has failed so many times in a row is asked for again. Ends early when the server answers another request
 * again, or with the signal; never rejects.
 */
export async function restBeforeRetry(
  failures: number,
  { clock, random, link }: { clock: Clock; random: Random; link: ServerLink },
  signal: AbortSignal,
): Promise<void> {
  const restored = new AbortController();
  const stop = link.onRestored(() => restored.abort(ENDED));
  const either = AbortSignal.any([signal, restored.signal]);
  const waitMs = waitMsAfter(failures, RETRY) * (0.5 + random.next());
  await clock.sleep(waitMs, either).catch(() => {}); // rejects only when a signal aborts
  stop();
  if (!restored.signal.aborted) return;
  const spreadMs = Math.min(waitMs, RETURN_SPREAD_MS * random.next());
  await clock.sleep(spreadMs, signal).catch(() => {}); // as above
}

import { getQueryParam } from "hono/utils/url";
import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import { DurationError, durationMsOf } from "../../schema/durations.ts";
import type { ApiContext } from "./api_context.ts";

/** What a request gets that takes too long: as kube-apiserver's. What it does may still be done. */
export function timedOut(): ApiError {
  return new ApiError(
    "Timeout",
    "Timeout: request did not complete within the allotted timeout",
  );
}

/**
 * Answers in the time that the query allows with `timeout`, a duration as Go writes it, or else with 504. The front's
 * own limit, `REQUEST_MS`, holds in any case.
 *
 * Kubernetes: `WithRequestDeadline` in `pkg/endpoints/filters` of k8s.io/apiserver.
 */
export function inTime(
  c: ApiContext,
  clock: Pick<Clock, "sleep">,
  answer: () => Promise<Response>,
): Promise<Response> {
  const { url } = c.req;
  if (!url.includes("timeout=")) return answer(); // nearly all
  const text = getQueryParam(url, "timeout") as string | undefined;
  const timeoutMs = text ? timeoutMsOf(text) : 0;
  return timeoutMs > 0 ? raced(clock, timeoutMs, answer) : answer();
}

function timeoutMsOf(text: string): number {
  try {
    return durationMsOf(text);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new ApiError(
      "BadRequest",
      `invalid timeout specified in the request URL - ${error.message}`,
    );
  }
}

async function raced(
  clock: Pick<Clock, "sleep">,
  timeoutMs: number,
  answer: () => Promise<Response>,
): Promise<Response> {
  const stop = new AbortController();
  const late = clock.sleep(timeoutMs, stop.signal).then(() => {
    throw timedOut();
  });
  try {
    return await Promise.race([answer(), late]);
  } finally {
    late.catch(() => {}); // it has been raced
    stop.abort();
  }
}

import { ApiError } from "../../client/api_error.ts";
import type { LogOptions } from "../../client/node_streams.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { type Cause, forbidden, invalid } from "../../schema/causes.ts";
import { flag, type Query, wholeNumber } from "../http/query_parameters.ts";
import { containerOf } from "./container_choice.ts";

/** What a query asks of a log; the container is found later. */
export type AskedLog = Omit<LogOptions, "container"> & { container: string | undefined };

/**
 * Reads the query. Throws BadRequest for what cannot be read, and Invalid with all that is wrong, in the words of
 * kube-apiserver (`pkg/apis/core/validation`, ValidatePodLogOptions).
 */
export function askedLog(query: Query, clock: Clock, pod: string): AskedLog {
  const sinceSeconds = wholeNumber(query, "sinceSeconds");
  const tailLines = wholeNumber(query, "tailLines");
  const limitBytes = wholeNumber(query, "limitBytes");
  const sinceTime = query("sinceTime") || undefined;
  const sinceTimeMs = sinceTime === undefined ? undefined : timeMs(sinceTime);
  const causes: Cause[] = [];
  if (tailLines !== undefined && tailLines < 0) {
    causes.push(invalid("tailLines", tailLines, "must be greater than or equal to 0"));
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    causes.push(invalid("limitBytes", limitBytes, "must be greater than 0"));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    causes.push(forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    causes.push(invalid("sinceSeconds", sinceSeconds, "must be greater than 0"));
  }
  // As a server without the feature gate PodLogsQuerySplitStreams, which is off in 1.34.
  if (query("stream") !== undefined) causes.push(forbidden("stream", "may not be specified"));
  if (causes.length > 0) throw refusal(pod, causes);
  return {
    container: query("container") || undefined,
    follow: flag(query, "follow") ?? false,
    previous: flag(query, "previous") ?? false,
    timestamps: flag(query, "timestamps") ?? false,
    tailLines,
    limitBytes,
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : clock.now() - sinceSeconds * 1000,
  };
}

/** The same for a container of the pod. Throws BadRequest. */
export function logOptions(asked: AskedLog, pod: Pod): LogOptions {
  return { ...asked, container: containerOf(pod, asked.container) };
}

function timeMs(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new ApiError(
    "BadRequest",
    `parsing time "${text}" as "2006-01-02T15:04:05Z07:00": cannot parse "${text}" as "2006"`,
  );
}

function refusal(pod: string, causes: readonly Cause[]): ApiError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  const details = { name: pod, kind: "PodLogOptions", causes };
  return new ApiError("Invalid", `PodLogOptions "${pod}" is invalid: ${all}`, details);
}

import { ApiError } from "../../../client/api_error.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Event } from "../../../resources/events/events.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import type { AdmissionCheck, AdmissionRequest } from "../admission_rule.ts";

/** How many writes of Events are taken, in all or for each of something. */
export interface EventLimit {
  type: "Server" | "Namespace" | "User" | "SourceAndObject";
  /** Writes a second. */
  qps: number;
  /** Writes at once, after a time without any. */
  burst: number;
}

/** Of how many namespaces, users or objects it is known how many were taken. As in Kubernetes. */
const KNOWN_MAX = 4_096;

/**
 * Refuses Events beyond the limits.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#eventratelimit
 */
export function eventRateLimit(
  limits: readonly EventLimit[],
  clock: Pick<Clock, "elapsed">,
): AdmissionCheck {
  const enforced = limits.map((limit) => ({ limit, buckets: new Buckets(limit, clock) }));
  return (request) => {
    if (groupResourceOf(request.resource) !== "events" || request.options.dryRun) return;
    const faults = enforced.flatMap(({ limit: { type }, buckets }) => {
      const key = keyOf(type, request);
      return buckets.take(key) ? [] : [`limit reached on type ${type} for key ${key}`];
    });
    if (faults.length === 0) return;
    throw new ApiError(
      "TooManyRequests",
      faults.length === 1 ? faults[0]! : `[${faults.join(", ")}]`,
    );
  };
}

function keyOf(type: EventLimit["type"], { next, options }: AdmissionRequest): string {
  switch (type) {
    case "Server":
      return "";
    case "Namespace":
      return next.metadata.namespace ?? "";
    case "User":
      return options.user ?? "";
    case "SourceAndObject": {
      const { source = {}, involvedObject } = next as Event;
      const { kind, namespace, name, uid, apiVersion } = involvedObject;
      return [source.component, source.host, kind, namespace, name, uid, apiVersion].join("");
    }
  }
}

/** A bucket of tokens for each key: filled at the rate, up to the burst. The one that was used least recently goes. */
class Buckets {
  readonly #limit: EventLimit;
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #byKey = new Map<string, { tokens: number; sinceMs: number }>();

  constructor(limit: EventLimit, clock: Pick<Clock, "elapsed">) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Takes a token, if there is one. */
  take(key: string): boolean {
    const { qps, burst } = this.#limit;
    const nowMs = this.#clock.elapsed();
    const { tokens, sinceMs } = this.#byKey.get(key) ?? { tokens: burst, sinceMs: nowMs };
    const filled = Math.min(burst, tokens + (nowMs - sinceMs) * qps / 1000);
    this.#byKey.delete(key); // to the end of the line
    this.#byKey.set(key, { tokens: filled >= 1 ? filled - 1 : filled, sinceMs: nowMs });
    if (this.#byKey.size > KNOWN_MAX) this.#byKey.delete(this.#byKey.keys().next().value!);
    return filled >= 1;
  }
}

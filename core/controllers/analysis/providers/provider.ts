import type { MetricProvider } from "../../../resources/argoproj/mod.ts";
import type { Answer, Ask } from "../measuring.ts";
import type { OutgoingAnswer, OutgoingRequest } from "../requests/outgoing_requests.ts";
import type { ServedCounts } from "./proxy_counts.ts";

/** What providers may use. */
export interface ProviderParts {
  send(request: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer>;
  /** The present, in ms since 1970. */
  nowMs(): number;
  /** Variables of the server's environment. */
  environment(name: string): string | undefined;
  /** Text of a file in the home folder of the server's user; `undefined` when there is none. */
  homeFile(path: string): Promise<string | undefined>;
  /** What the proxies have counted; absent: there are none. */
  counts?: ServedCounts;
}

/** Measures one type of metric. */
export interface Provider {
  /** The field of `provider` that it is for. */
  type: keyof MetricProvider;
  /** Errors are answers; a rejection, too, counts as one of phase `Error`. */
  measure(ask: Ask, parts: ProviderParts, signal: AbortSignal): Promise<Answer>;
}

/** A measurement that failed to be made. */
export function failed(message: string): Answer {
  return { phase: "Error", message };
}

import type { View } from "../../../client/client.ts";
import type { ServedTraffic } from "../../../traffic/served_traffic.ts";
import type { MetricProvider } from "../../../resources/argoproj/mod.ts";
import type { Answer, Ask } from "../measuring.ts";
import type { OutgoingAnswer, OutgoingRequest } from "../requests/outgoing_requests.ts";
import type { TrafficSamples } from "./traffic_samples.ts";

/** What providers may use. */
export interface ProviderParts {
  view: View;
  send(request: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer>;
  /** The present, in ms since 1970. */
  nowMs(): number;
  /** The present on a clock that does not jump, in ms. */
  elapsedMs(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Variables of the server's environment. */
  environment(name: string): string | undefined;
  /** Text of a file in the home folder of the server's user; `undefined` when there is none. */
  homeFile(path: string): Promise<string | undefined>;
  /** What the proxies have counted in a namespace; absent: there are none. */
  counts?: ServedTraffic["counts"];
  samples: TrafficSamples;
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

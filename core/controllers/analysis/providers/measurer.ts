import type { Clock } from "../../../lib/clock.ts";
import { messageOf } from "../../../lib/error_message.ts";
import { Slots } from "../../../lib/slots.ts";
import type { Answer, Ask, Measure } from "../measuring.ts";
import { OutgoingRequests, type OutgoingRequestsOptions } from "../requests/outgoing_requests.ts";
import { PROVIDERS } from "./mod.ts";
import { failed, type ProviderParts } from "./provider.ts";
import { TrafficSamples } from "./traffic_samples.ts";

export interface MeasurerOptions
  extends
    Omit<OutgoingRequestsOptions, "clock">,
    Pick<ProviderParts, "environment" | "homeFile" | "counts"> {
  clock: Pick<Clock, "after" | "elapsed" | "now" | "sleep">;
}

/** Requests that are under way at once; the others wait for their turn. */
const REQUESTS_MAX = 16;

/** What makes the measurements of AnalysisRuns: each by the provider that its metric names. */
export function measurer(options: MeasurerOptions): Measure {
  const requests = new OutgoingRequests(options);
  const slots = new Slots(REQUESTS_MAX);
  const { view, clock, environment, homeFile, counts } = options;
  const parts: ProviderParts = {
    view,
    send: (request, signal) => slots.use(() => requests.send(request, signal), signal),
    nowMs: () => clock.now(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    elapsedMs: () => clock.elapsed(),
    samples: new TrafficSamples(),
    environment,
    homeFile,
    ...(counts && { counts }),
  };
  return (ask, signal) => measured(ask, parts, signal);
}

async function measured(ask: Ask, parts: ProviderParts, signal: AbortSignal): Promise<Answer> {
  const { name, provider } = ask.metric;
  const named = PROVIDERS.find(({ type }) => provider[type] !== undefined);
  if (named === undefined) {
    const [other] = Object.keys(provider);
    return failed(
      other === undefined
        ? `no valid provider in metric '${name}'`
        : `provider "${other}" of metric '${name}' is not supported; use web, job, prometheus or plugin`,
    );
  }
  try {
    return await named.measure(ask, parts, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return failed(messageOf(error));
  }
}

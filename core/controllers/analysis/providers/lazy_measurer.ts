import type { View } from "../../../client/client.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { ServedTraffic } from "../../../traffic/served_traffic.ts";
import type { Measure } from "../measuring.ts";
import { TargetPolicy } from "../requests/target_policy.ts";
import type { ProviderParts } from "./provider.ts";

/** What measurements are made of. */
export interface MeasurementParts {
  view: View;
  /** Certificate of the cluster's authority, as PEM. */
  authority: string;
  traffic: ServedTraffic;
}

/** What the machine gives. */
export interface MeasurementSettings extends Pick<ProviderParts, "environment" | "homeFile"> {
  clock: Clock;
  /** Names and addresses that metrics may ask beside those that are safe. */
  allowed: readonly string[];
}

/** What makes the measurements of analyses. It is loaded with the first of them: most servers never make one. */
export function lazyMeasurer(
  { allowed, traffic, ...options }: MeasurementParts & MeasurementSettings,
): Measure {
  const load = async () => {
    const { measurer } = await import("./measurer.ts");
    const counts: ServedTraffic["counts"] = (namespace) => traffic.counts(namespace);
    return measurer({ ...options, policy: new TargetPolicy(allowed), counts });
  };
  let loaded: Promise<Measure> | undefined;
  return async (ask, signal) => await (await (loaded ??= load()))(ask, signal);
}

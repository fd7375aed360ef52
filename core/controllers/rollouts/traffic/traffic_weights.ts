import { isEqual } from "../../../lib/equality.ts";
import type { TrafficWeights, WeightDestination } from "../../../resources/argoproj/mod.ts";
import { sumOf } from "./port/traffic_writer.ts";

/** Names of the two services that the traffic is shared between; absent ones are left out of the status. */
export interface ServicePair {
  readonly stable?: string | undefined;
  readonly canary?: string | undefined;
}

/** The weights of a pass, without a word on whether they are in use. */
export function trafficWeights({ max, weight, extra, hashes, services }: {
  max: number;
  weight: number;
  extra: readonly WeightDestination[];
  hashes: { canary: string; stable: string };
  services: ServicePair;
}): TrafficWeights {
  const rest = max - weight - sumOf(extra);
  return {
    canary: destination(weight, services.canary, hashes.canary),
    stable: destination(rest, services.stable, hashes.stable),
    ...(extra.length > 0 && { additional: [...extra] }),
  };
}

/** Absent where Go leaves out what is empty. */
function destination(weight: number, serviceName = "", podTemplateHash = "") {
  return {
    weight,
    ...(serviceName !== "" && { serviceName }),
    ...(podTemplateHash !== "" && { podTemplateHash }),
  };
}

/** The message of the event TrafficWeightUpdated; `undefined` when all weights are as they were. */
export function weightMessage(
  before: TrafficWeights | undefined,
  now: TrafficWeights,
): string | undefined {
  const changes = details(before, now);
  return changes.length > 0 ? `Traffic weight updated ${changes.join(", ")}` : undefined;
}

function details(before: TrafficWeights | undefined, now: TrafficWeights): string[] {
  if (before === undefined) return [`to ${now.canary.weight}`];
  const [from, to] = [before.canary.weight, now.canary.weight];
  return [
    ...(from === to ? [] : [`from ${from} to ${to}`]),
    ...(isEqual(before.additional ?? [], now.additional ?? [])
      ? []
      : [`additional: ${goText(now.additional ?? [])}`]),
  ];
}

/** A list of structs as Go prints it. */
function goText(extra: readonly WeightDestination[]): string {
  const each = extra.map(({ weight, serviceName = "", podTemplateHash = "" }) =>
    `{${weight} ${serviceName} ${podTemplateHash}}`
  );
  return `[${each.join(" ")}]`;
}

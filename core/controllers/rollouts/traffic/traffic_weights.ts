import { isEqual } from "../../../lib/equality.ts";
import type { WeightDestination } from "./desired_weight.ts";

/** `status.canary.weights`. `verified` is absent where nobody verifies. */
export interface TrafficWeights {
  readonly canary: WeightDestination;
  readonly stable: WeightDestination;
  readonly additional?: readonly WeightDestination[];
  readonly verified?: boolean;
}

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
    ...(extra.length > 0 && { additional: extra }),
  };
}

export function sumOf(extra: readonly WeightDestination[]): number {
  return extra.reduce((sum, { weight }) => sum + weight, 0);
}

/** Absent where Go leaves out what is empty. */
function destination(weight: number, serviceName = "", podTemplateHash = ""): WeightDestination {
  return {
    weight,
    ...(serviceName !== "" && { serviceName }),
    ...(podTemplateHash !== "" && { podTemplateHash }),
  };
}

/** Whether the weights are the same ones, verified or not. */
export function hasSameWeights(a: TrafficWeights | undefined, b: TrafficWeights): boolean {
  if (a === undefined) return false;
  const { verified: _, ...rest } = a;
  const { verified: __, ...others } = b;
  return isEqual(rest, others);
}

/** The message of the event TrafficWeightUpdated. */
export function weightMessage(before: TrafficWeights | undefined, now: TrafficWeights): string {
  return `Traffic weight updated ${details(before, now).join(", ")}`;
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

import type { View } from "../../core/client/client.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { findPorts, type ServicePortName } from "../../core/traffic/service_backends.ts";
import { sharesOf } from "../../core/traffic/service_shares.ts";

/** Least common multiples above this are rounded: weights of several split Services in one rule. */
const PARTS_MAX = 1_000_000;

/** A port that gets a part of what comes to another one. */
export interface PortShare {
  readonly weight: number;
  readonly port: ServicePortName;
}

/**
 * The ports among which a port of a Service is split by the Service's own shares; `undefined`: it is not. Each has the
 * number of the port that is split or, where its Service has no such port, its name.
 */
export function portSharesOf(view: View, split: ServicePortName): PortShare[] | undefined {
  const { namespace, port } = split;
  const service = view.get(services, split);
  const read = service && sharesOf(service);
  if (read === undefined || "fault" in read) return undefined;
  const found = findPorts(view, split);
  const portName = "fault" in found ? undefined : found.ports[0]!.name;
  return read.shares.map(({ service: name, weight }) => {
    const ports = view.get(services, { namespace, name })?.spec.ports ?? [];
    const isSame = ports.some((each) => each.port === port);
    const named = isSame ? undefined : ports.find((each) => each.name === portName);
    return { weight, port: { namespace, name, port: named?.port ?? port } };
  });
}

/** The weights that the shares of several parts have in the whole: each part is divided as its own shares say. */
export function combinedWeights(
  parts: readonly { weight: number; shares: readonly number[] }[],
): number[] {
  const [only] = parts;
  if (parts.length === 1) return only!.weight === 0 ? only!.shares.map(() => 0) : [...only!.shares];
  const sums = parts.map(({ shares }) => shares.reduce((sum, share) => sum + share, 0));
  const multiple = sums.reduce(
    (all, sum) => sum === 0 ? all : all / greatestCommonDivisor(all, sum) * sum,
    1,
  );
  const whole = Math.min(multiple, PARTS_MAX);
  return parts.flatMap(({ weight, shares }, i) =>
    shares.map((share) => share === 0 ? 0 : Math.round(weight * share * whole / sums[i]!))
  );
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

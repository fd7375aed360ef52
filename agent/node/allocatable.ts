import {
  parseQuantity,
  quantityOfBytes,
  quantityOfMillis,
  unitsOf,
} from "../../core/schema/quantities.ts";
import { HARD_THRESHOLDS, type Threshold } from "../eviction/thresholds.ts";
import type { Machine } from "./machine.ts";

/** What is kept of a node for others than pods, by resource: `--system-reserved` and `--kube-reserved`. */
export type Reservation = Readonly<Record<string, string>>;

export interface Reserved {
  reservations?: readonly Reservation[];
  /** What is to be left is not given to pods either. */
  thresholds?: readonly Threshold[];
}

/**
 * What pods can use of a machine, never less than nothing. Pure.
 * https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#node-allocatable
 */
export function allocatableOf(
  { capacity }: Machine,
  { reservations = [], thresholds = HARD_THRESHOLDS }: Reserved = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(capacity).map(([resource, amount]) => {
      const kept = reservations.flatMap((each) =>
        Object.hasOwn(each, resource) ? each[resource]! : []
      )
        .reduce((sum, each) => sum + parseQuantity(each).nanos, 0n);
      const left = unitsOf(amount) - leftOver(resource, unitsOf(amount), thresholds);
      return [resource, textOf(resource, left - Number(kept) / 1e9, amount)];
    }),
  );
}

/** How much of a resource evictions keep free. */
function leftOver(resource: string, capacity: number, thresholds: readonly Threshold[]): number {
  const signal = resource === "memory"
    ? "memory.available"
    : resource === "ephemeral-storage"
    ? "nodefs.available"
    : undefined;
  const limit = thresholds.find((each) => each.signal === signal)?.limit;
  if (limit === undefined) return 0;
  return "amount" in limit ? limit.amount : capacity * limit.share;
}

/** In whole units, memory in kibibytes; what nothing is taken from stays as it is written. */
function textOf(resource: string, amount: number, capacity: string): string {
  if (amount === unitsOf(capacity)) return capacity;
  if (resource === "cpu") return quantityOfMillis(Math.max(0, Math.round(amount * 1_000)));
  const unit = resource === "memory" ? 1_024 : 1;
  return quantityOfBytes(Math.max(0, Math.floor(amount / unit) * unit));
}

/**
 * Amounts that others have added to the node, such as devices: the agent leaves them. Kubernetes: extended resources.
 * https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
 */
export function extendedOf(amounts: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(amounts).filter(([name]) =>
      name.includes("/") && !name.split("/")[0]!.endsWith("kubernetes.io")
    ),
  );
}

import { formatQuantity, parseQuantity, QuantityError } from "../../core/schema/quantities.ts";
import type { PressureReading } from "../stats/machine_readings.ts";

/** What is watched. https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals */
export type Signal = keyof typeof SIGNALS;

export type PressureCondition = "MemoryPressure" | "DiskPressure" | "PIDPressure";
export type ScarceResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

interface SignalKind {
  resource: ScarceResource;
  condition: PressureCondition;
  format: "binary" | "decimal";
}

const DISK: SignalKind = {
  resource: "ephemeral-storage",
  condition: "DiskPressure",
  format: "binary",
};
const INODES: SignalKind = { resource: "inodes", condition: "DiskPressure", format: "decimal" };

export const SIGNALS = {
  "memory.available": { resource: "memory", condition: "MemoryPressure", format: "binary" },
  "nodefs.available": DISK,
  "nodefs.inodesFree": INODES,
  "imagefs.available": DISK,
  "imagefs.inodesFree": INODES,
  "pid.available": { resource: "pids", condition: "PIDPressure", format: "decimal" },
} as const satisfies Record<string, SignalKind>;

/** Less than this is too little: an amount, or a share of all there is. */
export interface Threshold {
  readonly signal: Signal;
  readonly limit: { readonly amount: number } | { readonly share: number };
}

/** The kubelet's `evictionHard`. */
export const HARD_THRESHOLDS: readonly Threshold[] = [
  { signal: "memory.available", limit: { amount: 100 * 1024 * 1024 } },
  { signal: "nodefs.available", limit: { share: 0.1 } },
  { signal: "nodefs.inodesFree", limit: { share: 0.05 } },
  { signal: "imagefs.available", limit: { share: 0.15 } },
  { signal: "imagefs.inodesFree", limit: { share: 0.05 } },
];

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** What a reading says of each signal. Images on the file system of the pods are watched there, too. Pure. */
export function observationsOf(reading: PressureReading): Observations {
  const { memory, fs, imageFs = fs, processes } = reading;
  const found = new Map<Signal, Observation>();
  found.set("memory.available", {
    available: memory.availableBytes,
    capacity: memory.totalBytes,
  });
  for (const [name, one] of [["nodefs", fs], ["imagefs", imageFs]] as const) {
    if (one === undefined) continue;
    const { availableBytes: available, capacityBytes: capacity, inodes, inodesFree } = one;
    found.set(`${name}.available`, { available, capacity });
    // Some file systems make inodes as they need them.
    if (inodes > 0) found.set(`${name}.inodesFree`, { available: inodesFree, capacity: inodes });
  }
  if (processes) {
    const { running, max } = processes;
    found.set("pid.available", { available: max - running, capacity: max });
  }
  return found;
}

/** The thresholds that are crossed: there is less than they say. Pure. */
export function thresholdsMet(
  thresholds: readonly Threshold[],
  observations: Observations,
): Threshold[] {
  return thresholds.filter((threshold) => {
    const observation = observations.get(threshold.signal);
    return observation !== undefined && observation.available < amountOf(threshold, observation);
  });
}

/** The amount that a threshold stands for. */
export function amountOf({ limit }: Threshold, { capacity }: Observation): number {
  return "amount" in limit ? limit.amount : Math.trunc(capacity * limit.share);
}

/** An amount of a signal, as messages show it. */
export function amountText(signal: Signal, amount: number): string {
  const { format } = SIGNALS[signal];
  return formatQuantity({ nanos: BigInt(Math.trunc(amount)) * 1_000_000_000n, format });
}

/**
 * Reads thresholds as `--eviction-hard` has them: `memory.available<1Gi,nodefs.available<10%`. Throws a
 * {@linkcode QuantityError} that says what is wrong.
 */
export function parseThresholds(text: string): Threshold[] {
  const thresholds = text.split(",").filter((part) => part.trim() !== "").map(thresholdIn);
  const twice = thresholds.find(({ signal }, i) =>
    thresholds.some((other, j) => j < i && other.signal === signal)
  );
  if (twice) throw new QuantityError(`the signal "${twice.signal}" is there twice`);
  return thresholds;
}

function thresholdIn(part: string): Threshold {
  const [, signal = "", value = ""] = /^\s*([\w.]+)\s*<\s*(\S+)\s*$/.exec(part) ?? [];
  if (!isSignal(signal)) {
    const known = Object.keys(SIGNALS).join(", ");
    throw new QuantityError(`"${part}" names no signal; there are ${known}`);
  }
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(value)?.[1];
  if (percent !== undefined) {
    if (Number(percent) > 100) throw new QuantityError(`"${value}" is more than all there is`);
    return { signal, limit: { share: Number(percent) / 100 } };
  }
  const { nanos } = parseQuantity(value);
  if (nanos < 0n) throw new QuantityError(`"${value}" is less than nothing`);
  return { signal, limit: { amount: Number(nanos / 1_000_000_000n) } };
}

function isSignal(text: string): text is Signal {
  return Object.hasOwn(SIGNALS, text);
}

import { assert } from "../../lib/assert.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, type Refusal, tallyingPlugin } from "../plugin.ts";
import { profileOf } from "../profiles.ts";
import { type Amounts, amountsOf, podRequestsOf } from "../pod_requests.ts";

/** What pods may use of a node, and what they use. */
export interface Usage {
  readonly allocatable: Amounts;
  /** Big integers, because a rounded sum would not return to 0 when all pods are gone. */
  readonly used: Map<string, bigint>;
  /** `allocatable` minus `used`; negative when the node has shrunk. */
  readonly free: Map<string, number>;
  /** From `free` and `allocatable`, because every look at a node reads them. */
  cpuMillisFree: number;
  memoryBytesFree: number;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly podsMax: number;
  podCount: number;
  cpuMillisOrDefault: number;
  memoryBytesOrDefault: number;
}

/**
 * Keeps pods to nodes that have what they request, and prefers those that have more left, or less, as the profile of the
 * pod says. Kubernetes: `plugins/noderesources`, Fit with the strategies LeastAllocated and MostAllocated.
 */
export const capacity: Plugin = tallyingPlugin<Usage>({
  name: "NodeResourcesFit",
  tally: {
    begin({ status }) {
      const allocatable = amountsOf(status.allocatable ?? status.capacity ?? {});
      return {
        allocatable,
        used: new Map(),
        free: new Map(allocatable),
        cpuMillisFree: allocatable.get("cpu") ?? 0,
        memoryBytesFree: allocatable.get("memory") ?? 0,
        cpuMillis: allocatable.get("cpu") ?? 0,
        memoryBytes: allocatable.get("memory") ?? 0,
        podsMax: allocatable.get("pods") ?? 0,
        podCount: 0,
        cpuMillisOrDefault: 0,
        memoryBytesOrDefault: 0,
      };
    },
    add: (usage, pod) => count(usage, pod, 1),
    remove: (usage, pod) => count(usage, pod, -1),
  },
  filter: fit,
  wakes: {
    nodeAdded: acceptedNow(fit),
    nodeChanged: acceptedNow(fit),
    podChanged: acceptedNow(fit),
    podRemoved: acceptedNow(fit),
  },
  score(pod) {
    const { cpuMillisOrDefault, memoryBytesOrDefault } = podRequestsOf(pod);
    const part = profileOf(pod)?.scoring === "MostAllocated" ? partUsed : partLeft;
    return (_node, usage) => {
      const cpu = part(usage.cpuMillis, usage.cpuMillisOrDefault + cpuMillisOrDefault);
      const memory = part(
        usage.memoryBytes,
        usage.memoryBytesOrDefault + memoryBytesOrDefault,
      );
      return 50 * (cpu + memory);
    };
  },
});

function count(usage: Usage, pod: Pod, by: 1 | -1): void {
  const { amounts, cpuMillisOrDefault, memoryBytesOrDefault } = podRequestsOf(pod);
  for (const [name, amount] of amounts) {
    const used = (usage.used.get(name) ?? 0n) + BigInt(by * amount);
    assert(used >= 0n, `The use of ${name} cannot be negative: ${used}`);
    usage.used.set(name, used);
    usage.free.set(name, (usage.allocatable.get(name) ?? 0) - Number(used));
  }
  usage.cpuMillisFree = usage.free.get("cpu") ?? 0;
  usage.memoryBytesFree = usage.free.get("memory") ?? 0;
  usage.cpuMillisOrDefault += by * cpuMillisOrDefault;
  usage.memoryBytesOrDefault += by * memoryBytesOrDefault;
  usage.podCount += by;
}

type Amount = readonly [name: string, amount: number];

function fit(pod: Pod): Filter<Usage> {
  const requested = [...podRequestsOf(pod).amounts].filter(([, amount]) => amount > 0);
  const of = (name: string) => requested.find((amount) => amount[0] === name)?.[1] ?? -Infinity;
  const [cpu, memory] = [of("cpu"), of("memory")];
  const others = requested.filter(([name]) => name !== "cpu" && name !== "memory");
  return (_node, usage) => {
    const isFull = usage.podCount >= usage.podsMax;
    const hasRoom = !isFull && cpu <= usage.cpuMillisFree && memory <= usage.memoryBytesFree &&
      others.every((amount) => isFree(usage, amount));
    if (hasRoom) return undefined;
    return insufficient(usage, isFull, requested.filter((amount) => !isFree(usage, amount)));
  };
}

function isFree({ free }: Usage, [name, amount]: Amount): boolean {
  return amount <= (free.get(name) ?? 0);
}

function insufficient(
  { allocatable }: Usage,
  isFull: boolean,
  lacking: readonly Amount[],
): Refusal {
  return {
    reasons: [
      ...isFull ? ["Too many pods"] : [],
      ...lacking.map(([name]) => `Insufficient ${name}`),
    ],
    preemptionMayHelp: lacking.every(([name, amount]) => amount <= (allocatable.get(name) ?? 0)),
  };
}

function partUsed(all: number, used: number): number {
  return all === 0 ? 0 : Math.min(1, used / all);
}

function partLeft(all: number, used: number): number {
  return all === 0 ? 0 : Math.max(0, all - used) / all;
}

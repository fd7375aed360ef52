import { demandOf } from "../demand.ts";
import type { NodeState } from "../node_states.ts";
import type { Plugin, Refusal } from "../plugin.ts";

/**
 * Puts pods where what they request is free, rather where more is left. Kubernetes: `plugins/noderesources`,
 * Fit with the strategy LeastAllocated.
 */
export const capacity: Plugin = {
  name: "NodeResourcesFit",
  filter(pod) {
    const wanted = [...demandOf(pod).amounts].filter(([, amount]) => amount > 0);
    return (state) => {
      const isFull = state.podCount >= state.podsMax;
      const lacks = ([name, amount]: Wanted) => amount > (state.free.get(name) ?? 0);
      if (!isFull && !wanted.some(lacks)) return undefined;
      return refusal(state, isFull, wanted.filter(lacks));
    };
  },
  score(pod) {
    const { cpuMillisAssumed, memoryBytesAssumed } = demandOf(pod);
    return (state) => {
      const cpu = partLeft(state.cpuMillis, state.cpuMillisAssumed + cpuMillisAssumed);
      const memory = partLeft(state.memoryBytes, state.memoryBytesAssumed + memoryBytesAssumed);
      return 50 * (cpu + memory);
    };
  },
};

type Wanted = readonly [name: string, amount: number];

function refusal({ allocatable }: NodeState, isFull: boolean, lacking: readonly Wanted[]): Refusal {
  return {
    reasons: [
      ...isFull ? ["Too many pods"] : [],
      ...lacking.map(([name]) => `Insufficient ${name}`),
    ],
    couldHelpToPreempt: lacking.every(([name, amount]) => amount <= (allocatable.get(name) ?? 0)),
  };
}

function partLeft(all: number, used: number): number {
  return all === 0 ? 0 : Math.max(0, all - used) / all;
}

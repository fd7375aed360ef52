import { demandOf } from "../demand.ts";
import type { NodeState } from "../node_states.ts";
import type { Plugin } from "../plugin.ts";

/**
 * Puts pods where what they request is free, rather where more is left. Kubernetes: `plugins/noderesources`,
 * Fit with the strategy LeastAllocated.
 */
export const capacity: Plugin = {
  name: "NodeResourcesFit",
  filter(pod) {
    const wanted = [...demandOf(pod).amounts].filter(([, amount]) => amount > 0);
    return (state) => {
      const isFull = state.podCount + 1 > (state.allocatable.get("pods") ?? 0);
      const lacking = wanted.filter(([name, amount]) => amount > freeOf(state, name));
      if (!isFull && lacking.length === 0) return undefined;
      return {
        reasons: [
          ...isFull ? ["Too many pods"] : [],
          ...lacking.map(([name]) => `Insufficient ${name}`),
        ],
        couldHelpToPreempt: lacking.every(([name, amount]) =>
          amount <= (state.allocatable.get(name) ?? 0)
        ),
      };
    };
  },
  score(pod) {
    const { cpuMillisAssumed, memoryBytesAssumed } = demandOf(pod);
    return (state) => {
      const cpu = partLeft(state, "cpu", state.cpuMillisAssumed + cpuMillisAssumed);
      const memory = partLeft(state, "memory", state.memoryBytesAssumed + memoryBytesAssumed);
      return 50 * (cpu + memory);
    };
  },
};

function freeOf({ allocatable, used }: NodeState, name: string): number {
  return (allocatable.get(name) ?? 0) - (used.get(name) ?? 0);
}

function partLeft({ allocatable }: NodeState, name: string, used: number): number {
  const all = allocatable.get(name) ?? 0;
  return all === 0 ? 0 : Math.max(0, all - used) / all;
}

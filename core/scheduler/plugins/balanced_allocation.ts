import type { Pod } from "../../resources/core/pods/pods.ts";
import { type Plugin, type Score, tallyingPlugin } from "../plugin.ts";
import { amountsOf, podRequestsOf } from "../pod_requests.ts";

/** What a node has and what its pods request of it. */
export interface Load {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  cpuMillisUsed: number;
  memoryBytesUsed: number;
}

/**
 * Prefers nodes whose CPU and memory would be used to the same degree. Kubernetes: `plugins/noderesources`,
 * BalancedAllocation.
 */
export const balancedAllocation: Plugin = tallyingPlugin<Load>({
  name: "NodeResourcesBalancedAllocation",
  tally: {
    begin({ status }) {
      const amounts = amountsOf(status.allocatable ?? status.capacity ?? {});
      return {
        cpuMillis: amounts.get("cpu") ?? 0,
        memoryBytes: amounts.get("memory") ?? 0,
        cpuMillisUsed: 0,
        memoryBytesUsed: 0,
      };
    },
    add: (load, pod) => count(load, pod, 1),
    remove: (load, pod) => count(load, pod, -1),
  },
  score: balance,
});

function count(load: Load, pod: Pod, by: 1 | -1): void {
  const { amounts } = podRequestsOf(pod);
  load.cpuMillisUsed += by * (amounts.get("cpu") ?? 0);
  load.memoryBytesUsed += by * (amounts.get("memory") ?? 0);
}

/** A pod that requests nothing changes no balance. */
function balance(pod: Pod): Score<Load> | undefined {
  const { amounts } = podRequestsOf(pod);
  const [cpu, memory] = [amounts.get("cpu") ?? 0, amounts.get("memory") ?? 0];
  if (cpu === 0 && memory === 0) return undefined;
  return (_node, { cpuMillis, memoryBytes, cpuMillisUsed, memoryBytesUsed }) => {
    if (cpuMillis === 0 || memoryBytes === 0) return 100; // of one amount alone there is no balance
    const cpuPart = Math.min(1, (cpuMillisUsed + cpu) / cpuMillis);
    const memoryPart = Math.min(1, (memoryBytesUsed + memory) / memoryBytes);
    return Math.floor(100 * (1 - Math.abs(cpuPart - memoryPart) / 2));
  };
}

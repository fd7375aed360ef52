import { expositionOf } from "../../core/usage/exposition.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";

/** `/metrics` of a kubelet, of what it says of itself: `pkg/kubelet/metrics/metrics.go`. */
export function agentMetrics(
  { nodeName, pods, containers }: {
    nodeName: string;
    /** How many pods have containers that run. */
    pods: number;
    containers(): readonly ContainerState[];
  },
): string {
  const byState = Map.groupBy(containers(), ({ state }) => state);
  return expositionOf([
    {
      name: "kubelet_node_name",
      help: "[ALPHA] The node's name. The count is always 1.",
      type: "gauge",
      samples: [{ labels: { node: nodeName }, value: 1 }],
    },
    {
      name: "kubelet_running_containers",
      help: "[ALPHA] Number of containers currently running",
      type: "gauge",
      samples: [...byState].map(([state, all]) => ({
        labels: { container_state: state },
        value: all.length,
      })),
    },
    {
      name: "kubelet_running_pods",
      help: "[ALPHA] Number of pods that have a running pod sandbox",
      type: "gauge",
      samples: [{ labels: {}, value: pods }],
    },
  ]);
}

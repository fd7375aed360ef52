import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { unitsOf } from "../../core/schema/quantities.ts";

const GUARANTEED = -997;
const BEST_EFFORT = 1000;
/** What the last to be killed run with. */
const CRITICAL_CLASS = "system-node-critical";

/**
 * `oom_score_adj` of a container: the less memory it has requested, the sooner it is killed when the node has none
 * left. Kubernetes: `GetContainerOOMScoreAdjust` in `pkg/kubelet/qos`. Pure. `memoryBytes`: of the node.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior
 */
export function oomScoreAdjOf(pod: Pod, container: Container, memoryBytes: number): number {
  if (pod.spec.priorityClassName === CRITICAL_CLASS) return GUARANTEED;
  const qos = qosClassOf(pod.spec);
  if (qos === "Guaranteed") return GUARANTEED;
  if (qos === "BestEffort") return BEST_EFFORT;
  const rest = unrequestedShareOf(pod);
  const main = containersInRoles(pod.spec, "main").map(requestOf);
  const isSidecar = containersInRoles(pod.spec, "sidecar").some(({ name }) =>
    name === container.name
  );
  const score = (bytes: number) => 1000 - Math.trunc(1000 * (bytes + rest) / memoryBytes);
  const own = score(requestOf(container));
  // A sidecar is not killed before those that it serves.
  const adjusted = isSidecar ? Math.min(own, score(Math.min(...main))) : own;
  return Math.min(BEST_EFFORT - 1, Math.max(1000 + GUARANTEED, adjusted));
}

function requestOf({ resources }: Container): number {
  const memory = resources.requests?.["memory"];
  return memory === undefined ? 0 : unitsOf(memory);
}

/** What the pod itself requests beyond its containers belongs to them in equal parts. */
function unrequestedShareOf({ spec }: Pod): number {
  const memory = spec.resources?.requests?.["memory"];
  if (memory === undefined) return 0;
  const containers = containersInRoles(spec, "init", "sidecar", "main");
  const requested = containers.reduce((sum, each) => sum + requestOf(each), 0);
  return Math.trunc((unitsOf(memory) - requested) / containers.length);
}

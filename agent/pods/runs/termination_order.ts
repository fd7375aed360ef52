import { containersInRoles } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { PodSpec } from "../../../core/resources/core/pods/spec/pod_spec.ts";

/**
 * The containers that a container waits for before it is asked to end with its pod: a sidecar ends after the main containers,
 * and after the sidecars that are listed behind it. Pure.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#sidecar-containers-and-pod-lifecycle
 */
export function endsAfter(spec: PodSpec, name: string): readonly string[] {
  const sidecars = containersInRoles(spec, "sidecar").map((each) => each.name);
  const at = sidecars.indexOf(name);
  if (at < 0) return [];
  return [...containersInRoles(spec, "main").map((each) => each.name), ...sidecars.slice(at + 1)];
}

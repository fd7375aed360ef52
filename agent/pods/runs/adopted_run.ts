import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { containerNamed } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { type Health, initialHealth } from "../../probes/probes.ts";
import type { ContainerState } from "../../runtimes/container_runtime.ts";
import { statusOf } from "./container_runs.ts";
import type { ObservedRun } from "./observed_pod.ts";

/**
 * A container that runs already keeps the start time, the health and the amounts that its status shows: a restart of the
 * agent changes nothing. `undefined`: nothing is known of it. `canResize`: whether its amounts can be changed. Pure.
 */
export function adoptedRun(
  pod: Pod,
  container: ContainerState,
  { canResize }: { canResize: boolean },
): { run: ObservedRun; health: Health } | undefined {
  const { id, name } = container;
  const spec = containerNamed(pod.spec, name);
  if (spec === undefined) return undefined;
  const status = statusOf(pod, name);
  // The status may be about the run before.
  const shown = status?.containerID?.endsWith(`://${id}`) ? status.state.running : undefined;
  const health: Health = shown
    ? { containerId: id, started: status?.started ?? false, ready: status?.ready ?? false }
    : initialHealth(id, spec);
  const { startedAt } = shown ?? {};
  const run = {
    ...container,
    ...(canResize && { resources: (shown && status?.resources) ?? spec.resources }),
    ...(startedAt !== undefined && { startedAtMs: Date.parse(startedAt) }),
  };
  return { run, health };
}

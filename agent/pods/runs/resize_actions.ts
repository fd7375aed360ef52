import { ownField } from "../../../core/lib/own_field.ts";
import { milliValueOf, unitsOf } from "../../../core/schema/quantities.ts";
import type {
  Container,
  ResourceRequirements,
} from "../../../core/resources/core/pods/spec/containers.ts";
import { containersInRoles } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import type { ObservedPod, ObservedRun } from "./observed_pod.ts";
import { allocatedPod, haveSameAmounts } from "./allocation.ts";

/** A container that runs with other amounts than those set aside for it. */
export interface Resize {
  readonly run: ObservedRun;
  readonly container: Container;
}

/** The containers that have to be given other amounts while they run: first what becomes less. Pure. */
export function resizesOf(pod: Pod, observed: ObservedPod): Resize[] {
  return differing(pod, observed).filter(({ run, container }) => !mustRestart(container, run))
    .sort((a, b) => growthOf(a) - growthOf(b));
}

/** Whether a container has to start again to get what is set aside for it: its `resizePolicy` says so. Pure. */
export function mustRestartToResize(pod: Pod, observed: ObservedPod, run: ObservedRun): boolean {
  return differing(pod, observed).some((each) =>
    each.run.id === run.id && mustRestart(each.container, run)
  );
}

/** Whether anything of the pod runs with other amounts than those set aside for it. */
export function isResizing(pod: Pod, observed: ObservedPod): boolean {
  return differing(pod, observed).length > 0;
}

function differing(pod: Pod, observed: ObservedPod): Resize[] {
  if (observed.allocation === undefined) return [];
  const { spec } = allocatedPod(pod, observed.allocation);
  return containersInRoles(spec, "sidecar", "main").flatMap((container) =>
    observed.containers.filter(({ name, state, resources }) =>
      name === container.name && state === "running" && resources !== undefined &&
      !haveSameAmounts(resources, container.resources)
    ).map((run) => ({ run, container }))
  );
}

function mustRestart({ resources, resizePolicy = [] }: Container, run: ObservedRun): boolean {
  return resizePolicy.some(({ resourceName, restartPolicy }) =>
    restartPolicy === "RestartContainer" &&
    (["limits", "requests"] as const).some((side) =>
      amountOf(resources, side, resourceName) !== amountOf(run.resources, side, resourceName)
    )
  );
}

/** By how much the container may use more memory, or else more CPU. */
function growthOf({ run, container: { resources } }: Resize): number {
  const growth = (name: "cpu" | "memory") =>
    amountOf(resources, "limits", name) - amountOf(run.resources, "limits", name);
  return growth("memory") || growth("cpu");
}

function amountOf(
  resources: ResourceRequirements | undefined,
  side: "limits" | "requests",
  name: "cpu" | "memory",
): number {
  const amount = ownField(resources?.[side], name) ?? "0";
  return name === "cpu" ? milliValueOf(amount) : unitsOf(amount);
}

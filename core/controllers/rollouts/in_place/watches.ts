import type { ObjectName, View } from "../../../client/client.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { rollouts } from "../../../resources/argoproj/mod.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import type { Watch } from "../../runtime/controller.ts";
import { controllerOf, isControlledBy } from "../../runtime/ownership.ts";

const KINDS: readonly string[] = [statefulSets.kind, daemonSets.kind];

/** Which Rollouts of StatefulSets and DaemonSets a change concerns: pods and revisions count, and the workload itself. */
export const inPlaceWatches: readonly Watch[] = [
  ...[statefulSets, daemonSets].map((resource) => ({ resource, concerns: ofWorkload })),
  ...[pods, controllerRevisions].map((resource) => ({
    resource,
    concerns: ofChild,
    includesFormer: true as const,
  })),
];

function ofWorkload(workload: KubeObject, view: View): ObjectName[] {
  const rollout = view.get(rollouts, workload.metadata);
  return rollout && isControlledBy(rollout, workload) ? [rollout.metadata] : [];
}

function ofChild(child: KubeObject, view: View): ObjectName[] {
  const owner = controllerOf(child);
  const { namespace } = child.metadata;
  if (owner === undefined || namespace === undefined || !KINDS.includes(owner.kind)) return [];
  const rollout = view.get(rollouts, { namespace, name: owner.name });
  const isOfWorkload = rollout !== undefined && controllerOf(rollout)?.uid === owner.uid;
  return isOfWorkload ? [rollout.metadata] : [];
}

import type { View } from "../../../client/client.ts";
import {
  type ControllerRevision,
  controllerRevisions,
} from "../../../resources/apps/controller_revisions.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { availableInMs, isReady } from "../../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { eligibleNodes } from "../../apps/daemon_sets/node_steps.ts";
import { inOrder, keeps, keepsMeaning, revisionDataOf, templateIn } from "../../apps/revisions.ts";
import { controlled } from "../../runtime/ownership.ts";
import { DESIRED_REPLICAS, HASH_LABEL, REVISION } from "../situation/sets.ts";
import { hashIn, hashOfPod, type InPlaceWorkload, isStatefulSet } from "../../apps/division.ts";

/** How many pods a workload is to have: ordinals, or nodes that it fits. */
export function placesOf(workload: InPlaceWorkload, view: View): number {
  if (isStatefulSet(workload)) return workload.spec.replicas;
  return eligibleNodes(workload, view).length;
}

/** The revisions of a workload, from the first to the last. */
export function revisionsOf(workload: InPlaceWorkload, view: View): ControllerRevision[] {
  return inOrder(controlled(view, controllerRevisions, workload));
}

/** The revision of the workload's template; `undefined` until the workload's own controller has made it. */
export function currentRevisionOf(
  { spec: { template } }: InPlaceWorkload,
  revisions: readonly ControllerRevision[],
): ControllerRevision | undefined {
  const data = revisionDataOf(template);
  const last = revisions.at(-1);
  if (last === undefined || keeps(last, data)) return last;
  // One that comes back becomes the last one first.
  if (revisions.some((each) => keeps(each, data))) return undefined;
  return keepsMeaning(last, template) ? last : undefined;
}

/** What revisions are counted for. */
interface Counted {
  owned: readonly Pod[];
  places: number;
  minReadySeconds: number;
  /** How many pods each revision is to have, by its hash; none: 0. */
  sizes: ReadonlyMap<string, number>;
  nowMs: number;
}

/**
 * A revision and its pods, in the shape of a ReplicaSet, which all that is said of a Rollout is worked out from. It is never
 * written.
 */
export function countedRevision(
  revision: ControllerRevision,
  { owned, places, minReadySeconds, sizes, nowMs }: Counted,
): ReplicaSet {
  const { metadata, apiVersion, kind } = revision;
  const hash = hashIn(metadata.name);
  const pods = owned.filter((pod) => hashOfPod(pod) === hash);
  const staying = pods.filter((pod) => !pod.metadata.deletionTimestamp);
  const available = staying.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0);
  const counted = {
    apiVersion,
    kind,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [HASH_LABEL]: hash },
      annotations: { [REVISION]: String(revision.revision), [DESIRED_REPLICAS]: String(places) },
    },
    spec: {
      replicas: sizes.get(hash) ?? 0,
      selector: { matchLabels: { [HASH_LABEL]: hash } },
      template: templateIn(revision),
    },
    status: {
      replicas: pods.length,
      readyReplicas: staying.filter(isReady).length,
      availableReplicas: available.length,
    },
  };
  return counted as unknown as ReplicaSet; // as much of one as is read
}

import { containersInRoles } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { ControllerRevision, Pod, Rollout } from "../cluster/objects.ts";
import { replicaSetIcon } from "./icons.ts";
import { isOwnedBy, objectMetaOf } from "./object_meta.ts";
import { type PodInfo, podsOf } from "./pods.ts";
import { imagesOf, type ReplicaSetInfo, rolesOf } from "./replica_sets.ts";

const IN_PLACE: readonly (string | undefined)[] = ["StatefulSet", "DaemonSet"];
const HASH_LABEL = "controller-revision-hash";

/**
 * The templates of a StatefulSet or a DaemonSet that a rollout is of, each with the pods that are made of it: the newest
 * first. None of any other rollout.
 */
export function revisionSetsOf(
  rollout: Rollout,
  { revisions, pods }: { revisions: readonly ControllerRevision[]; pods: readonly Pod[] },
): ReplicaSetInfo[] {
  const owner = rollout.metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined || !IN_PLACE.includes(owner.kind)) return [];
  const owned = pods.filter((pod) => isOwnedBy(pod, owner.uid));
  return revisions.filter((revision) => isOwnedBy(revision, owner.uid))
    .map((revision) => infoOf(revision, { rollout, owned, ownerUid: owner.uid }))
    .sort((a, b) => b.revision - a.revision);
}

function infoOf(
  revision: ControllerRevision,
  { rollout, owned, ownerUid }: { rollout: Rollout; owned: readonly Pod[]; ownerUid: string },
): ReplicaSetInfo {
  const hash = hashIn(revision.metadata.name);
  const own = owned.filter(({ metadata: { labels } }) => hashIn(labels?.[HASH_LABEL]) === hash);
  const pods = podsOf(ownerUid, own);
  const available = pods.filter(isReady).length;
  const status = pods.length === 0
    ? "ScaledDown"
    : available < pods.length
    ? "Progressing"
    : "Healthy";
  const template = revision.data?.spec?.template?.spec;
  return {
    kind: "ControllerRevision",
    objectMeta: objectMetaOf(revision),
    status,
    icon: replicaSetIcon(status),
    revision: revision.revision ?? 0,
    ...rolesOf(hash, rollout),
    replicas: pods.length,
    available,
    images: template ? imagesOf(containersInRoles(template, "main")) : [],
    pods,
  };
}

/** Of `web-5f8c9`, or of the label of a pod, which has either. */
function hashIn(name = ""): string {
  return name.slice(name.lastIndexOf("-") + 1);
}

/** Whether all its containers are. */
function isReady({ ready }: PodInfo): boolean {
  const [count, all] = ready.split("/");
  return count === all;
}

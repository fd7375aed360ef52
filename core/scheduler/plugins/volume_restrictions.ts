import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { persistentVolumeClaims } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { claimNamesOf } from "../../resources/core/persistent_volumes/pod_claims.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { Filter, Plugin, Refusal } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";

const IN_USE: Refusal = {
  reasons: [
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  ],
  preemptionMayHelp: true,
};

/**
 * Lets only one pod at a time have a claim of the mode ReadWriteOncePod. Kubernetes: `plugins/volumerestrictions`.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
 */
export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  reads: [persistentVolumeClaims],
  filter: alone,
  wakes: {
    podRemoved: () => true,
    objectChanged: (pod, _snapshot, { metadata }) =>
      metadata.namespace === pod.metadata.namespace && claimNamesOf(pod).includes(metadata.name),
  },
};

function alone(pod: Pod, snapshot: Snapshot): Filter | undefined {
  const { namespace, uid } = pod.metadata;
  const single = claimNamesOf(pod).filter((name) =>
    snapshot.view.get(persistentVolumeClaims, { namespace, name })?.spec.accessModes
      ?.includes("ReadWriteOncePod")
  );
  if (single.length === 0) return undefined;
  const usesOne = (other: Pod) =>
    other.metadata.uid !== uid && other.metadata.namespace === namespace &&
    claimNamesOf(other).some((name) => single.includes(name));
  // The nodes know pods whose binding is under way, the view those of nodes that are not there any more.
  const isUsed = snapshot.nodes.some(({ pods }) => [...pods.values()].some(usesOne)) ||
    snapshot.view.list(pods, namespace).some((other) =>
      other.spec.nodeName && !isFinished(other) && usesOne(other)
    );
  return isUsed ? () => IN_USE : undefined;
}

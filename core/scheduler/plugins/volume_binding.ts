import type { View } from "../../client/client.ts";
import type { Write } from "../../controllers/runtime/controller.ts";
import { update } from "../../controllers/runtime/controller.ts";
import { inTopology } from "../../controllers/storage/topology.ts";
import {
  classNameOf,
  classOfClaim,
  isDelayed,
  matchingVolume,
  NO_PROVISIONER,
} from "../../controllers/storage/volume_matching.ts";
import { ownField } from "../../lib/own_field.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import {
  isFullyBound,
  reachesNode,
  requestedSizeOf,
  SELECTED_NODE,
  withAnnotation,
  withClaim,
} from "../../resources/core/persistent_volumes/binding.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import {
  claimNameOf,
  claimNamesOf,
  foreignClaimFault,
} from "../../resources/core/persistent_volumes/pod_claims.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { storageClasses } from "../../resources/storage/storage_classes.ts";
import { compareQuantities } from "../../schema/quantities.ts";
import { acceptedNow, type Filter, type Plugin, type Refusal, refusal } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";

const OUT_OF_REACH = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/**
 * Keeps pods to the nodes that their volumes can be reached from, and chooses volumes, or the node that they are made
 * for, for claims that wait for their first pod: the pod is bound when its claims are. Kubernetes: `plugins/volumebinding`.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  reads: [persistentVolumeClaims, persistentVolumes, storageClasses],
  preFilter(pod, { view }) {
    if (claimNamesOf(pod).length === 0) return undefined;
    const fault = faultOfClaims(pod, view);
    if (fault !== undefined) return refusal(fault);
    const isUnbound = claimsOf(pod, view).some((claim) =>
      !isFullyBound(claim) && !waitsForPod(claim, view)
    );
    return isUnbound ? refusal("pod has unbound immediate PersistentVolumeClaims") : undefined;
  },
  filter: volumesReachable,
  preBind(pod, node, { view }) {
    const claims = claimsOf(pod, view);
    const unbound = claims.filter((claim) => !isFullyBound(claim));
    // Before its status says so, too, the agent would not mount it.
    if (claims.every(({ status }) => status.phase === "Bound")) return undefined;
    const choice = choiceFor(unbound, node, view);
    return choice && writesOf(choice, node);
  },
  wakes: {
    nodeAdded: acceptedNow(volumesReachable),
    nodeChanged: acceptedNow(volumesReachable),
    objectChanged: (pod, _snapshot, changed) => mayHelp(pod, changed),
  },
};

/** Kubernetes: `podHasPVCs`. */
function faultOfClaims(pod: Pod, view: View): string | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name === undefined) continue;
    const claim = view.get(persistentVolumeClaims, { namespace: pod.metadata.namespace, name });
    const fault = claim === undefined
      ? absence(name, volume.ephemeral !== undefined)
      : faultOf(claim) ?? (volume.ephemeral && foreignClaimFault(pod, claim));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function absence(name: string, isEphemeral: boolean): string {
  return isEphemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`;
}

function faultOf({ metadata, spec, status }: PersistentVolumeClaim): string | undefined {
  if (status.phase === "Lost") {
    return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${
      spec.volumeName ?? ""
    }"`;
  }
  return metadata.deletionTimestamp
    ? `persistentvolumeclaim "${metadata.name}" is being deleted`
    : undefined;
}

/** The pod's claims that there are. */
function claimsOf(pod: Pod, view: View): PersistentVolumeClaim[] {
  const { namespace } = pod.metadata;
  return claimNamesOf(pod).flatMap((name) =>
    view.get(persistentVolumeClaims, { namespace, name }) ?? []
  );
}

/** Whether the scheduler is to see to the claim's volume. One that names its volume is bound at once. */
function waitsForPod(claim: PersistentVolumeClaim, view: View): boolean {
  return !claim.spec.volumeName && isDelayed(claim, view);
}

function volumesReachable(pod: Pod, { view }: Snapshot): Filter | undefined {
  const claims = claimsOf(pod, view);
  if (claims.length === 0) return undefined;
  const bound = claims.filter(isFullyBound)
    .map(({ spec }) => view.get(persistentVolumes, { name: spec.volumeName! }));
  const unbound = claims.filter((claim) => !isFullyBound(claim));
  return ({ node }) => {
    const reasons = [
      ...(bound.some((volume) => volume && !reachesNode(volume, node)) ? [OUT_OF_REACH] : []),
      ...(choiceFor(unbound, node, view) ? [] : [NOTHING_TO_BIND]),
      ...(bound.includes(undefined) ? [GONE] : []),
    ];
    return reasons.length === 0 ? undefined : refusalFor(reasons);
  };
}

function refusalFor(reasons: readonly string[]): Refusal {
  return { reasons, preemptionMayHelp: false };
}

/** What the claims of a pod get on a node. */
interface Choice {
  bindings: readonly { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  /** For these, volumes are made. */
  provisions: readonly PersistentVolumeClaim[];
}

/** `undefined`: the node cannot have them all. Kubernetes: `FindPodVolumes`. */
function choiceFor(
  unbound: readonly PersistentVolumeClaim[],
  node: Node,
  view: View,
): Choice | undefined {
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provisions: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  for (const claim of unbound.toSorted(bySize)) {
    const selected = ownField(claim.metadata.annotations, SELECTED_NODE);
    if (selected !== undefined && selected !== node.metadata.name) return undefined;
    const volume = selected === undefined
      ? matchingVolume(claim, volumesOfClass(claim, view), { node, taken })
      : undefined;
    if (volume !== undefined) {
      taken.add(volume.metadata.name);
      bindings.push({ claim, volume });
    } else if (canBeMade(claim, node, view)) provisions.push(claim);
    else return undefined;
  }
  return { bindings, provisions };
}

/** The smallest first, so that it does not take the place of a larger one. */
function bySize(a: PersistentVolumeClaim, b: PersistentVolumeClaim): number {
  return compareQuantities(requestedSizeOf(a.spec), requestedSizeOf(b.spec));
}

function volumesOfClass(claim: PersistentVolumeClaim, view: View): PersistentVolume[] {
  const { namespace, name } = claim.metadata;
  const className = classNameOf(claim);
  return [
    ...view.by(persistentVolumes, "claim", `${namespace}/${name}`),
    ...view.by(persistentVolumes, "unclaimed", className),
  ].filter((volume) => classNameOf(volume) === className);
}

function canBeMade(claim: PersistentVolumeClaim, node: Node, view: View): boolean {
  const storageClass = classOfClaim(claim, view);
  return storageClass !== undefined && storageClass.provisioner !== NO_PROVISIONER &&
    inTopology(storageClass, node);
}

/** Those that are still to be done. */
function writesOf({ bindings, provisions }: Choice, { metadata: { name } }: Node): Write[] {
  return [
    ...bindings.flatMap(({ claim, volume }) => {
      const reserved = withClaim(volume, claim);
      return reserved === volume ? [] : [update(persistentVolumes, reserved)];
    }),
    ...provisions.flatMap((claim) => {
      const metadata = withAnnotation(claim.metadata, SELECTED_NODE, name);
      return metadata === claim.metadata
        ? []
        : [update(persistentVolumeClaims, { ...claim, metadata })];
    }),
  ];
}

/** A claim of the pod, and any volume and class. */
function mayHelp(pod: Pod, { kind, metadata }: KubeObject): boolean {
  return kind !== persistentVolumeClaims.kind ||
    (metadata.namespace === pod.metadata.namespace && claimNamesOf(pod).includes(metadata.name));
}

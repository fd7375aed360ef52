import type { Draft, View } from "../../../client/client.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../../resources/resource.ts";
import type { OwnerReference } from "../../../schema/metadata.ts";
import { recordEvent, update, type Write } from "../../runtime/controller.ts";
import { controllerReference, withOwners } from "../../runtime/ownership.ts";
import { isIn, ordinalOf, rangeOf } from "./ordinals.ts";

type Template = NonNullable<StatefulSet["spec"]["volumeClaimTemplates"]>[number];

/** A claim of one pod: the volume that it is for, and its name, `data-web-0`. */
export interface ClaimName {
  volume: string;
  name: string;
  template: Template;
}

/** The claims that the pod of an ordinal has. */
export function claimsOf(
  { metadata, spec: { volumeClaimTemplates = [] } }: StatefulSet,
  ordinal: number,
): ClaimName[] {
  return volumeClaimTemplates.map((template) => {
    const volume = template.metadata.name ?? "";
    return { volume, name: `${volume}-${metadata.name}-${ordinal}`, template };
  });
}

/** A claim to be made. It goes with the set, when it is to. */
export function newClaim(
  set: StatefulSet,
  { name, template: { metadata, spec } }: ClaimName,
): Draft<PersistentVolumeClaim> {
  const { whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy;
  const labels = { ...metadata.labels, ...set.spec.selector.matchLabels };
  const owners = [...whenDeleted === "Delete" ? [controllerReference(statefulSets, set)] : []];
  return {
    metadata: {
      ...metadata,
      name,
      namespace: set.metadata.namespace,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(owners.length > 0 && { ownerReferences: owners }),
    },
    spec,
  };
}

/** The claim as it is stored. */
export function storedClaim(
  set: StatefulSet,
  { name }: ClaimName,
  view: View,
): PersistentVolumeClaim | undefined {
  return view.get(persistentVolumeClaims, { namespace: set.metadata.namespace, name });
}

/**
 * Whether a claim still belongs to a pod that had the name before: it goes with that pod, and the next one waits for it.
 * Kubernetes: `PodClaimIsStale`.
 */
export function isStale(
  { spec: { persistentVolumeClaimRetentionPolicy: { whenScaled } } }: StatefulSet,
  podName: string,
  claim: PersistentVolumeClaim,
): boolean {
  return whenScaled === "Delete" &&
    ownersOf(claim).some((reference) => isNamed(reference, pods, podName));
}

/** Writes the owners that the pod's claims should have, and tells of owners that are in the way. */
export function retentionWrites(set: StatefulSet, pod: Pod, view: View): Write[] {
  return claimsOf(set, ordinalOf(set, pod)!).flatMap((each) => {
    const claim = storedClaim(set, each, view);
    const owners = claim && ownersToBe(set, pod, claim);
    if (claim === undefined || owners === undefined) return [];
    return [
      ...conflictEvents(set, pod.metadata.name, claim),
      update(persistentVolumeClaims, withOwners(claim, owners)),
    ];
  });
}

/** Tells that somebody else decides over a claim. */
export function conflictEvents(
  about: StatefulSet,
  podName: string,
  claim: PersistentVolumeClaim,
): Write[] {
  if (!hasOtherController(about, podName, claim)) return [];
  const { name } = claim.metadata;
  return [recordEvent({
    about,
    type: "Warning",
    reason: "ConflictingController",
    message:
      `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`,
  })];
}

/**
 * The owners by which a claim goes with its set or its pod, as the policy says; `undefined`: as they are. A claim of a pod
 * that has been scaled away goes with the pod. Claims that belong to a former set or pod of the name are left alone.
 *
 * Kubernetes: `isClaimOwnerUpToDate` and `updateClaimOwnerRefForSetAndPod` in `stateful_set_utils.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
 */
export function ownersToBe(
  set: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
): OwnerReference[] | undefined {
  const owners = ownersOf(claim);
  const { ofSet, ofPod } = ourReferences(set, pod.metadata.name, owners);
  if ([...ofSet, ...ofPod].some((reference) => !isOurs(reference, set, pod))) return undefined;
  const others = owners.filter((reference) =>
    !ofSet.includes(reference) && !ofPod.includes(reference)
  );
  if (hasOtherController(set, pod.metadata.name, claim)) {
    return ofSet.length + ofPod.length > 0 ? others : undefined;
  }
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy;
  const isScaledAway = !isIn(rangeOf(set), ordinalOf(set, pod)!);
  const withPod = whenScaled === "Delete" && isScaledAway;
  const withSet = whenDeleted === "Delete" && !withPod;
  const isAsWanted = ofSet.length === Number(withSet) && ofPod.length === Number(withPod) &&
    [...ofSet, ...ofPod].every(({ controller }) => controller);
  if (isAsWanted) return undefined;
  return [
    ...others,
    ...withSet ? [controllerReference(statefulSets, set)] : [],
    ...withPod ? [controllerReference(pods, pod)] : [],
  ];
}

/** Whether somebody else decides over the claim, where the policy says that we do. */
function hasOtherController(
  set: StatefulSet,
  podName: string,
  claim: PersistentVolumeClaim,
): boolean {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy;
  if (whenDeleted === "Retain" && whenScaled === "Retain") return false;
  const owners = ownersOf(claim);
  const { ofSet, ofPod } = ourReferences(set, podName, owners);
  return owners.some((reference) =>
    Boolean(reference.controller) && !ofSet.includes(reference) && !ofPod.includes(reference)
  );
}

/** References to a set and a pod of these names, whether or not they are still the same ones. */
function ourReferences(
  set: StatefulSet,
  podName: string,
  owners: readonly OwnerReference[],
): { ofSet: OwnerReference[]; ofPod: OwnerReference[] } {
  return {
    ofSet: owners.filter((reference) => isNamed(reference, statefulSets, set.metadata.name)),
    ofPod: owners.filter((reference) => isNamed(reference, pods, podName)),
  };
}

function isOurs({ uid }: OwnerReference, set: StatefulSet, pod: Pod): boolean {
  return uid === set.metadata.uid || uid === pod.metadata.uid;
}

function isNamed(reference: OwnerReference, resource: AnyResource, name: string): boolean {
  return reference.kind === resource.kind && reference.name === name &&
    reference.apiVersion === apiVersionOf(resource);
}

function ownersOf({ metadata: { ownerReferences = [] } }: KubeObject): readonly OwnerReference[] {
  return ownerReferences;
}

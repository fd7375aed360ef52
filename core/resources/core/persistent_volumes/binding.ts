import { ownField } from "../../../lib/own_field.ts";
import { compareQuantities } from "../../../schema/quantities.ts";
import type { ObjectReference } from "../../../schema/references.ts";
import type { NamespacedObject } from "../../resource.ts";
import { matchesNodeTerm } from "../nodes/node_selection.ts";
import type { Node } from "../nodes/nodes.ts";
import type { ClaimSpec } from "../pods/spec/claims.ts";
import { storageClassOf } from "./access_modes.ts";
import type { PersistentVolumeClaim } from "./persistent_volume_claims.ts";
import type { PersistentVolumeSpec } from "./persistent_volume_spec.ts";
import type { PersistentVolume } from "./persistent_volumes.ts";

/** On a claim: it has been bound once. Its value does not matter. */
export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
/** On a claim or a volume: the binding was made by the controller; else a user asked for it. */
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
/** On a claim: the node for which the scheduler wants its volume. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
/** On a claim: who is to make its volume. The second name is the older one. */
export const STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner";
export const STORAGE_PROVISIONER_BETA = "volume.beta.kubernetes.io/storage-provisioner";
/** On a volume: who made it. */
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
/** Holds a volume until whoever made it has removed what is behind it. */
export const PROVISIONER_FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer";

const YES = "yes";

/** Whether the volume is reserved for the claim, or bound to it. */
export function isBoundToClaim(
  { spec: { claimRef } }: PersistentVolume,
  { metadata }: NamespacedObject,
): boolean {
  return claimRef !== undefined && claimRef.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid);
}

/** Whether binding the claim has ended, as far as the claim says. */
export function isFullyBound({ spec, metadata }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && hasAnnotation(metadata, BIND_COMPLETED);
}

/** The volume bound to the claim; the same object when it is already. Kubernetes: `GetBindVolumeToClaim`. */
export function withClaim(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): PersistentVolume {
  const isReserved = isBoundToClaim(volume, claim);
  if (isReserved && volume.spec.claimRef?.uid === claim.metadata.uid) return volume;
  const metadata = isReserved
    ? volume.metadata
    : withAnnotation(volume.metadata, BOUND_BY_CONTROLLER);
  return { ...volume, metadata, spec: { ...volume.spec, claimRef: claimReference(claim) } };
}

/** The claim bound to the volume; the same object when it is already. Kubernetes: `bindClaimToVolume`. */
export function withVolume(
  claim: PersistentVolumeClaim,
  { metadata: { name } }: PersistentVolume,
): PersistentVolumeClaim {
  const isNamed = claim.spec.volumeName === name;
  if (isNamed && hasAnnotation(claim.metadata, BIND_COMPLETED)) return claim;
  const metadata = isNamed ? claim.metadata : withAnnotation(claim.metadata, BOUND_BY_CONTROLLER);
  return {
    ...claim,
    metadata: withAnnotation(metadata, BIND_COMPLETED),
    spec: { ...claim.spec, volumeName: name },
  };
}

export function claimReference({ metadata }: PersistentVolumeClaim): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    namespace,
    name,
    uid,
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

interface Annotated {
  annotations?: Record<string, string>;
}

export function hasAnnotation({ annotations }: Annotated, name: string): boolean {
  return ownField(annotations, name) !== undefined;
}

/** The metadata with an annotation; one that is there keeps its value when none is given. */
export function withAnnotation<M extends Annotated>(metadata: M, name: string, value?: string): M {
  const known = ownField(metadata.annotations, name);
  const wanted = value ?? known ?? YES;
  if (known === wanted) return metadata;
  return { ...metadata, annotations: { ...metadata.annotations, [name]: wanted } };
}

/** The metadata without an annotation, and without the field when it was the last one. */
export function withoutAnnotation<M extends Annotated>(metadata: M, name: string): M {
  const { annotations: { [name]: _, ...others } = {}, ...rest } = metadata;
  return Object.keys(others).length === 0
    ? rest as M // what is left out is optional
    : { ...rest, annotations: others } as M;
}

type Sized = Pick<ClaimSpec, "resources">;

/** What the claim asks for. */
export function requestedSizeOf({ resources }: Sized): string {
  return ownField(resources.requests, "storage") ?? "0";
}

export function capacityOf({ capacity }: PersistentVolumeSpec): string {
  return ownField(capacity, "storage") ?? "0";
}

/**
 * Why a volume that a claim names cannot be its own, in Kubernetes' words; `undefined`: it can. Kubernetes:
 * `checkVolumeSatisfyClaim`.
 */
export function mismatchOf(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): string | undefined {
  const { metadata, spec } = volume;
  if (metadata.deletionTimestamp) {
    return `the volume is marked for deletion "${metadata.name}"`;
  }
  if (compareQuantities(capacityOf(spec), requestedSizeOf(claim.spec)) < 0) {
    return "requested PV is too small";
  }
  if ((storageClassOf(volume) ?? "") !== (storageClassOf(claim) ?? "")) {
    return "storageClassName does not match";
  }
  if (!haveSameAttributes(volume, claim)) return "volumeAttributesClassName does not match";
  if (spec.volumeMode !== claim.spec.volumeMode) return "incompatible volumeMode";
  return offersModes(volume, claim) ? undefined : "incompatible accessMode";
}

/** Whether both have, or ask for, the same VolumeAttributesClass. */
export function haveSameAttributes(
  { spec: volume }: PersistentVolume,
  { spec: claim }: PersistentVolumeClaim,
): boolean {
  return (volume.volumeAttributesClassName ?? "") === (claim.volumeAttributesClassName ?? "");
}

/** Whether the volume can be mounted in all the ways that the claim asks for. */
export function offersModes(
  { spec: { accessModes: offered = [] } }: PersistentVolume,
  { spec: { accessModes: wanted = [] } }: PersistentVolumeClaim,
): boolean {
  return wanted.every((mode) => offered.includes(mode));
}

/** Whether the volume can be used on the node, as far as its own node affinity says. */
export function reachesNode({ spec: { nodeAffinity } }: PersistentVolume, node: Node): boolean {
  const terms = nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesNodeTerm(term, node));
}

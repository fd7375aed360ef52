import type { View } from "../../client/client.ts";
import { storageClassOf } from "../../resources/core/persistent_volumes/access_modes.ts";
import {
  capacityOf,
  haveSameAttributes,
  isBoundToClaim,
  offersModes,
  reachesNode,
  requestedSizeOf,
} from "../../resources/core/persistent_volumes/binding.ts";
import type { PersistentVolumeClaim } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import { type StorageClass, storageClasses } from "../../resources/storage/storage_classes.ts";
import { compareQuantities } from "../../schema/quantities.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";

/** The name of a class, `""` for none: volumes and claims of none belong together, too. */
export function classNameOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return storageClassOf(object) ?? "";
}

export function classOfClaim(claim: PersistentVolumeClaim, view: View): StorageClass | undefined {
  const name = classNameOf(claim);
  return name === "" ? undefined : view.get(storageClasses, { name });
}

/** Whether the claim waits until a pod needs it: then the scheduler chooses its volume, or a node for it. */
export function isDelayed(claim: PersistentVolumeClaim, view: View): boolean {
  return classOfClaim(claim, view)?.volumeBindingMode === "WaitForFirstConsumer";
}

/** Who makes no volumes at all. */
export const NO_PROVISIONER = "kubernetes.io/no-provisioner";

/** The volumes that a claim could get: those that are reserved for it, and those of its class that nobody has. */
export function candidatesOf(claim: PersistentVolumeClaim, view: View): PersistentVolume[] {
  const { namespace, name } = claim.metadata;
  return [
    ...view.by(persistentVolumes, "claim", `${namespace}/${name}`),
    ...view.by(persistentVolumes, "unclaimed", classNameOf(claim)),
  ].filter((volume) => offersModes(volume, claim));
}

/**
 * The volume that fits a claim best: one with as few ways to be mounted as will do, and of those one that is reserved
 * for the claim, or the smallest. For a claim that is delayed only a reserved one. Kubernetes: `findByClaim` in
 * `pkg/controller/volume/persistentvolume/index.go`.
 */
export function bestVolumeFor(
  claim: PersistentVolumeClaim,
  view: View,
  { delayed }: { delayed: boolean },
): PersistentVolume | undefined {
  const byModes = Map.groupBy(
    candidatesOf(claim, view),
    ({ spec }) => spec.accessModes?.length ?? 0,
  );
  for (const [, volumes] of [...byModes].toSorted(([a], [b]) => a - b)) {
    const found = matchingVolume(claim, volumes, delayed ? "reserved" : "any");
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where a volume may be for a claim: reserved for it, anywhere, or within reach of a node. */
type Reach = "reserved" | "any" | { node: Node; taken: ReadonlySet<string> };

/**
 * Of several volumes the one that is reserved for the claim, or the smallest that fits it and is free; of equal ones
 * the first. Kubernetes: `FindMatchingVolume`.
 */
export function matchingVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  reach: Reach,
): PersistentVolume | undefined {
  const requested = requestedSizeOf(claim.spec);
  const fits = volumes.filter((volume) =>
    !(typeof reach === "object" && reach.taken.has(volume.metadata.name)) &&
    (volume.spec.claimRef === undefined || isBoundToClaim(volume, claim)) &&
    compareQuantities(capacityOf(volume.spec), requested) >= 0 &&
    volume.spec.volumeMode === claim.spec.volumeMode &&
    haveSameAttributes(volume, claim) && volume.metadata.deletionTimestamp === undefined
  );
  const reserved = fits.find((volume) => isBoundToClaim(volume, claim));
  if (reserved) return isInReach(reserved, reach) ? reserved : undefined;
  if (reach === "reserved") return undefined;
  return smallest(fits.filter((volume) => isFree(volume, claim) && isInReach(volume, reach)));
}

function isFree(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { metadata, status } = volume;
  const { selector } = claim.spec;
  return status.phase === "Available" && classNameOf(volume) === classNameOf(claim) &&
    offersModes(volume, claim) && (!selector || matches(selectorOf(selector), metadata.labels));
}

function isInReach(volume: PersistentVolume, reach: Reach): boolean {
  return typeof reach === "string" || reachesNode(volume, reach.node);
}

function smallest(volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const isSmaller = best === undefined ||
      compareQuantities(capacityOf(volume.spec), capacityOf(best.spec)) < 0;
    if (isSmaller) best = volume;
  }
  return best;
}

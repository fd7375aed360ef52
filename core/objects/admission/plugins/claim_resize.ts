import { forbidden } from "../../../client/refusals.ts";
import { ownField } from "../../../lib/own_field.ts";
import { storageClassOf } from "../../../resources/core/persistent_volumes/access_modes.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import { type StorageClass, storageClasses } from "../../../resources/storage/storage_classes.ts";
import { compareQuantities } from "../../../schema/quantities.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { isOfKind } from "./kind_match.ts";

/**
 * A claim may grow only when it is bound, and when its StorageClass allows it.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#persistentvolumeclaimresize
 */
export function claimResize({ resource, next, previous, store }: AdmissionRequest): void {
  if (!previous || !isOfKind(resource, persistentVolumeClaims)) return;
  const [claim, before] = [next as PersistentVolumeClaim, previous as PersistentVolumeClaim];
  if (compareQuantities(sizeOf(claim), sizeOf(before)) <= 0) return;
  const refuse = (why: string) => forbidden(resource, next.metadata.name, why);
  if (before.status.phase !== "Bound") {
    throw refuse("Only bound persistent volume claims can be expanded");
  }
  const name = storageClassOf(claim);
  const entry = name && name === storageClassOf(before)
    ? store.newest([groupResourceOf(storageClasses), "", name])
    : undefined;
  if ((entry?.object as StorageClass | undefined)?.allowVolumeExpansion) return;
  throw refuse(
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
  );
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return ownField(spec.resources.requests, "storage") ?? "0";
}

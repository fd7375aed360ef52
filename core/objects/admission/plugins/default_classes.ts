import { persistentVolumeClaims } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import type { PersistentVolumeClaim } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { storageClassOf } from "../../../resources/core/persistent_volumes/access_modes.ts";
import { ingressClasses } from "../../../resources/networking/ingress_classes.ts";
import {
  classAnnotationOf,
  type Ingress,
  ingresses,
} from "../../../resources/networking/ingresses.ts";
import { newestDefault } from "../../../resources/default_class.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import { storageClasses } from "../../../resources/storage/storage_classes.ts";
import type { Store } from "../../../store/store.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { isOfKind } from "./kind_match.ts";

/**
 * Gives a new claim that names no StorageClass the one that is marked as the default.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaultstorageclass
 */
export function defaultStorageClass(
  { resource, next, previous, store }: AdmissionRequest,
): KubeObject {
  if (previous || !isOfKind(resource, persistentVolumeClaims)) return next;
  const claim = next as PersistentVolumeClaim;
  if (storageClassOf(claim) !== undefined) return next;
  const storageClassName = defaultOf(store, storageClasses);
  return storageClassName === undefined
    ? next
    : { ...claim, spec: { ...claim.spec, storageClassName } } as PersistentVolumeClaim;
}

/**
 * The same of an Ingress and its IngressClass.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaultingressclass
 */
export function defaultIngressClass(
  { resource, next, previous, store }: AdmissionRequest,
): KubeObject {
  if (previous || !isOfKind(resource, ingresses)) return next;
  const ingress = next as Ingress;
  if (ingress.spec.ingressClassName !== undefined || classAnnotationOf(ingress) !== undefined) {
    return next;
  }
  const ingressClassName = defaultOf(store, ingressClasses);
  return ingressClassName === undefined
    ? next
    : { ...ingress, spec: { ...ingress.spec, ingressClassName } } as Ingress;
}

/** The default among the classes of a kind. */
function defaultOf(store: Store, classes: AnyResource): string | undefined {
  const marked = store.by(groupResourceOf(classes), "default", "true");
  return newestDefault(marked.map(({ object }) => object));
}

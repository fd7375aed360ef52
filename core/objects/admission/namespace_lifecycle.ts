import { namespaces } from "../../resources/core/namespaces.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Entry, Store } from "../../store/store.ts";
import { forbidden, notFound } from "../../client/refusals.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * Nothing is created in a namespace that does not exist or is being deleted.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
 */
export function namespaceLifecycle(
  { resource, next, previous, store, options }: AdmissionRequest,
): KubeObject {
  const { namespace, name } = next.metadata;
  if (!resource.namespaced || previous || !namespace) return next;
  if (options.namespacesToCome?.has(namespace)) return next;
  const entry = namespaceIn(store, namespace);
  if (!entry) throw notFound(namespaces, namespace);
  if (entry.object.metadata.deletionTimestamp !== undefined) {
    throw forbidden(
      resource,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [{
        field: "metadata.namespace",
        reason: "NamespaceTerminating", // by which controllers know that trying again is in vain
        message: `namespace ${namespace} is being terminated`,
      }],
    );
  }
  return next;
}

export function namespaceIn(store: Store, name: string): Entry | undefined {
  return store.newest([namespaces.plural, "", name]);
}

/** Whether objects of the kind are what others lie in, and have to be there before them. */
export function isNamespaceKind(resource: AnyResource): boolean {
  return resource === namespaces;
}

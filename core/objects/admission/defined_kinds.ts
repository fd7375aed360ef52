import { forbidden } from "../../client/refusals.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/** Nothing is created of a kind whose definition is being deleted. */
export function definedKinds({ resource, next, previous, store }: AdmissionRequest): KubeObject {
  if (!resource.definedBy || previous) return next;
  const { resource: kind, name } = resource.definedBy;
  const definition = store.newest([kind, "", name]);
  if (definition?.object.metadata.deletionTimestamp === undefined) return next;
  throw forbidden(
    resource,
    next.metadata.name,
    "create not allowed while custom resource definition is terminating",
  );
}

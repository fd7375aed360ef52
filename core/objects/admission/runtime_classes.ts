import type { Pod } from "../../resources/core/pods/pods.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import { forbidden } from "../../client/refusals.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * A pod that names a RuntimeClass is refused: there are none yet. Run by the runtime that all have, it would be less
 * isolated than its author believes.
 *
 * https://kubernetes.io/docs/concepts/containers/runtime-class/
 */
export function runtimeClasses({ resource, next, previous }: AdmissionRequest): void {
  if (groupResourceOf(resource) !== "pods" || previous) return;
  const { runtimeClassName } = (next as Pod).spec;
  if (!runtimeClassName) return;
  const name = JSON.stringify(runtimeClassName);
  throw forbidden(resource, next.metadata.name, `pod rejected: RuntimeClass ${name} not found`);
}

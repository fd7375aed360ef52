import type { Pod } from "../../resources/core/pods/pods.ts";
import type { LimitRange } from "../../resources/core/quotas/limit_ranges.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import { limitFault, withDefaultLimits } from "../../quota/limits.ts";
import type { Store } from "../../store/store.ts";
import { forbidden } from "../../client/refusals.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * Gives a new pod the requests and limits that the LimitRanges of its namespace have for containers without.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#limitranger
 */
export function defaultLimits({ resource, next, previous, store }: AdmissionRequest): KubeObject {
  if (previous || !isKind(resource, "pods")) return next;
  const ranges = rangesFor(store, next);
  return ranges.length === 0 ? next : withDefaultLimits(next as Pod, ranges);
}

/** Refuses pods and claims out of the bounds that the LimitRanges of their namespace set. */
export function limitBounds(
  { resource, next, previous, store, options }: AdmissionRequest,
): void {
  const isClaim = isKind(resource, "persistentvolumeclaims");
  if (!isClaim && !isKind(resource, "pods")) return;
  if (previous && isUnbounded(next, previous)) return;
  if (previous && !isClaim && options.subresource !== "resize") return; // its containers stay as they are
  const ranges = rangesFor(store, next);
  if (ranges.length === 0) return;
  const fault = limitFault(groupResourceOf(resource), next, ranges);
  if (fault !== undefined) throw forbidden(resource, next.metadata.name, fault);
}

/** Whether a change cannot concern the bounds: what is to be is as it was, or it is being deleted. */
function isUnbounded(next: KubeObject, previous: KubeObject): boolean {
  const { spec } = next as Pod;
  return spec === (previous as Pod).spec || previous.metadata.deletionTimestamp !== undefined;
}

function rangesFor(store: Store, { metadata }: KubeObject): readonly LimitRange[] {
  const entries = store.list(["limitranges", metadata.namespace ?? ""]);
  return entries.length === 0 ? NONE : entries.map(({ object }) => object as LimitRange);
}
const NONE: readonly LimitRange[] = [];

function isKind({ group, plural }: AnyResource, name: string): boolean {
  return group === "" && plural === name;
}

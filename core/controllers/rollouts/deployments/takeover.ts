import type { View } from "../../../client/client.ts";
import type { Deployment } from "../../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../../resources/apps/replica_sets.ts";
import type { BarePodTemplate } from "../../../resources/argoproj/mod.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import { runningSetsOf } from "../../apps/stepwise.ts";
import { withoutHash } from "../../apps/replica_set_history.ts";
import { update, type Write } from "../../runtime/controller.ts";
import { controlled, controllerOf, selected, withOwners } from "../../runtime/ownership.ts";
import { templateHashOf } from "../parts/template_hash.ts";
import { HASH_LABEL } from "../situation/sets.ts";

/**
 * Brings the running sets of a Deployment, one step in each look, to where a Rollout adopts them as its own: they and
 * their pods get the label by which Rollouts tell sets apart, and then have no owner for a moment. No pod ends, and none
 * restarts. No writes: all are handed over.
 */
export function takeoverWrites(deployment: Deployment, view: View): Write[] {
  return runningSetsOf(view, deployment).flatMap((set) => {
    const labelled = withHash(set);
    if (labelled !== set) return [update(replicaSets, labelled)];
    const hash = set.metadata.labels![HASH_LABEL]!;
    const unlabelled = controlled<Pod>(view, pods, set)
      .filter(({ metadata }) => metadata.labels?.[HASH_LABEL] !== hash);
    const owners = set.metadata.ownerReferences!.filter(({ uid }) =>
      uid !== deployment.metadata.uid
    );
    // Pods that come meanwhile have the label of the template.
    return [
      ...unlabelled.map((pod) => update(pods, withLabel(pod, hash))),
      update(replicaSets, withOwners(set, owners)),
    ];
  });
}

/** The set that has been handed over and has no new owner yet. */
export function handedOverSet(deployment: Deployment, view: View): ReplicaSet | undefined {
  const { metadata: { namespace }, spec: { selector } } = deployment;
  return selected(view, replicaSets, namespace, selector)
    .find((set) =>
      controllerOf(set) === undefined && set.metadata.labels?.[HASH_LABEL] !== undefined &&
      set.spec.replicas > 0
    );
}

/** The set with the label in itself and in its template; the same object when it has it. */
function withHash(set: ReplicaSet): ReplicaSet {
  const { template } = set.spec;
  const known = template.metadata?.labels?.[HASH_LABEL];
  const hash = known ?? templateHashOf(bareTemplateOf(template));
  if (known !== undefined && set.metadata.labels?.[HASH_LABEL] === hash) return set;
  const label = { [HASH_LABEL]: hash };
  return {
    ...withLabel(set, hash),
    spec: {
      ...set.spec,
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...label } },
      },
    },
  };
}

function withLabel<T extends ReplicaSet | Pod>(object: T, hash: string): T {
  const { metadata } = object;
  return {
    ...object,
    metadata: { ...metadata, labels: { ...metadata.labels, [HASH_LABEL]: hash } },
  };
}

/** The template as a Rollout has it: without the labels of sets. */
export function bareTemplateOf(template: PodTemplate): BarePodTemplate {
  const { metadata: { labels = {}, annotations } = {}, spec } = withoutHash(template);
  const { [HASH_LABEL]: _, ...own } = labels;
  // A template with defaults is a bare one, too.
  return {
    metadata: { labels: own, ...(annotations && { annotations }) },
    spec,
  } as BarePodTemplate;
}

import type { View } from "../client/client.ts";
import { controllerOf } from "../controllers/runtime/ownership.ts";
import { ownField } from "../lib/own_field.ts";
import { replicaSets } from "../resources/apps/replica_sets.ts";
import { statefulSets } from "../resources/apps/stateful_sets.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { replicationControllers } from "../resources/core/replication_controllers.ts";
import { services } from "../resources/core/services/services.ts";
import { matches, type Selector, selectorOf, selectorOfLabels } from "../schema/selectors.ts";

/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const HOSTNAME = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";

/** A constraint of topology spread, with what is left out filled in. */
export interface SpreadConstraint {
  topologyKey: string;
  maxSkew: number;
  minDomains: number;
  selector: Selector;
  /** Whether only nodes count that the pod selects. */
  honorsAffinity: boolean;
  /** Whether only nodes count whose taints the pod tolerates. */
  honorsTaints: boolean;
}

type Own = NonNullable<Pod["spec"]["topologySpreadConstraints"]>[number];

/**
 * The constraints of a pod that are kept strictly (`DoNotSchedule`) or as far as possible; `isOwn`: the pod has some of
 * its own, so the default ones are not used.
 */
export function spreadConstraintsOf(
  pod: Pod,
  action: Own["whenUnsatisfiable"],
  view: View,
): { constraints: readonly SpreadConstraint[]; isOwn: boolean } {
  const { topologySpreadConstraints: own = [] } = pod.spec;
  if (own.length > 0) {
    const wanted = own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
    return { constraints: wanted.map((constraint) => completed(constraint, pod)), isOwn: true };
  }
  return { constraints: action === "ScheduleAnyway" ? defaultsFor(pod, view) : [], isOwn: false };
}

function completed(constraint: Own, { metadata: { labels = {} } }: Pod): SpreadConstraint {
  const { labelSelector, matchLabelKeys = [], minDomains = 1 } = constraint;
  const same = matchLabelKeys.flatMap((key) => {
    const value = ownField(labels, key);
    return value === undefined ? [] : [{ key, operator: "in" as const, values: [value] }];
  });
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains,
    selector: [...selectorOf(labelSelector), ...same],
    honorsAffinity: constraint.nodeAffinityPolicy !== "Ignore",
    honorsTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

/**
 * Of pods that say nothing themselves, those that belong together are spread over nodes and zones where possible.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#internal-default-constraints
 */
function defaultsFor(pod: Pod, view: View): SpreadConstraint[] {
  const selector = kinOf(pod, view);
  if (selector.length === 0) return [];
  const usual = { minDomains: 1, selector, honorsAffinity: true, honorsTaints: false };
  return [
    { topologyKey: HOSTNAME, maxSkew: 3, ...usual },
    { topologyKey: ZONE, maxSkew: 5, ...usual },
  ];
}

/** Selects the pods of all Services that select the pod, and of its controller. Kubernetes: `DefaultSelector`. */
function kinOf(pod: Pod, view: View): Selector {
  const { namespace, labels } = pod.metadata;
  const serving = view.list(services, namespace)
    .map(({ spec }) => selectorOfLabels(spec.selector))
    .filter((selector) => matches(selector, labels));
  return unique([...serving.flat(), ...controllerSelectorOf(pod, view)]);
}

function controllerSelectorOf(pod: Pod, view: View): Selector {
  const owner = controllerOf(pod);
  if (owner === undefined) return [];
  const name = { namespace: pod.metadata.namespace, name: owner.name };
  switch (owner.kind) {
    case "ReplicaSet": {
      const set = view.get(replicaSets, name);
      return set ? selectorOf(set.spec.selector) : [];
    }
    case "StatefulSet": {
      const set = view.get(statefulSets, name);
      return set ? selectorOf(set.spec.selector) : [];
    }
    case "ReplicationController":
      return selectorOfLabels(view.get(replicationControllers, name)?.spec.selector ?? {})
        .filter(({ key }) => key !== "");
    default:
      return [];
  }
}

function unique(selector: Selector): Selector {
  const rules = new Map(selector.map((rule) => [JSON.stringify(rule), rule]));
  return [...rules.values()];
}

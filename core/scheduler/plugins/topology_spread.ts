import { isEqual } from "../../lib/equality.ts";
import { ownField } from "../../lib/own_field.ts";
import { untolerated } from "../../controllers/nodes/taints.ts";
import { selectedNodes } from "../../resources/core/nodes/node_selection.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { matches } from "../../schema/selectors.ts";
import type { DomainCounts } from "../census/domain_counts.ts";
import { PodCensus } from "../census/pod_census.ts";
import { HOSTNAME, type SpreadConstraint, spreadConstraintsOf } from "../spread_constraints.ts";
import {
  type Filter,
  type HintedChange,
  type Plugin,
  refusal,
  refusalByPods,
  type Score,
  tallyingPlugin,
} from "../plugin.ts";
import type { NodeState, Snapshot } from "../snapshot.ts";

const NO_TOPOLOGY = refusal(
  "node(s) didn't match pod topology spread constraints (missing required label)",
);
const TOO_MANY = refusalByPods("node(s) didn't match pod topology spread constraints");
/** The score of a node that is compared with no other, because it lacks a label. */
const IGNORED = -1;

/**
 * Spreads pods over zones, nodes or other domains as evenly as they ask for. Kubernetes: `plugins/podtopologyspread`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
 */
export const topologySpread: Plugin = tallyingPlugin<unknown, PodCensus>({
  name: "PodTopologySpread",
  weight: 2,
  clusterTally: {
    begin: () => new PodCensus(),
    addNode: (census, node) => census.addNode(node),
    removeNode: (census, node) => census.removeNode(node),
    // A pod that is being deleted no longer counts.
    add(census, pod, node) {
      if (pod.metadata.deletionTimestamp === undefined) census.addPod(pod, node);
    },
    remove(census, pod, node) {
      if (pod.metadata.deletionTimestamp === undefined) census.removePod(pod, node);
    },
  },
  filter: withinSkew,
  wakes: {
    nodeAdded: (pod, { view }, { node }) =>
      hasLabels(
        node.node,
        spreadConstraintsOf(pod, "DoNotSchedule", view).constraints.map((each) => each.topologyKey),
      ),
    nodeChanged: (_pod, _snapshot, { node: { node }, nodeBefore }) =>
      !isEqual(node.metadata.labels, nodeBefore?.metadata.labels) ||
      !isEqual(node.spec.taints, nodeBefore?.spec.taints),
    podAdded: isCounted,
    podChanged: isCounted,
    podRemoved: isCounted,
  },
  score: evenness,
  normalize: fewestIsBest,
});

/** A constraint and the pods that it counts, by domain. */
interface Spread extends SpreadConstraint {
  counts: DomainCounts;
}

/** Nodes that lack one of the topologies do not count for any; those that the pod cannot be on, as each policy says. */
function spreadOf(
  pod: Pod,
  constraint: SpreadConstraint,
  topologyKeys: readonly string[],
  census: PodCensus,
): Spread {
  const { namespace } = pod.metadata;
  const { topologyKey, selector, honorsAffinity, honorsTaints } = constraint;
  const { nodeSelector, affinity, tolerations } = pod.spec;
  const isSelected = honorsAffinity ? selectedNodes(pod.spec) : undefined;
  const key = JSON.stringify([
    namespace,
    topologyKey,
    topologyKeys,
    selector,
    isSelected ? [nodeSelector, affinity?.nodeAffinity] : null,
    honorsTaints ? tolerations : null,
  ]);
  const counts = census.ask(key, () => ({
    isAbout: (group) =>
      group.namespace === namespace && selector.length > 0 && matches(selector, group.labels),
    domainOf(node) {
      const isCounted = hasLabels(node, topologyKeys) && (isSelected?.(node) ?? true) &&
        !(honorsTaints && untolerated(node.spec.taints, tolerations, ["NoSchedule", "NoExecute"]));
      return isCounted ? ownField(node.metadata.labels, topologyKey) : undefined;
    },
  }));
  return { ...constraint, counts };
}

function hasLabels({ metadata: { labels } }: Node, keys: readonly string[]): boolean {
  return keys.every((key) => ownField(labels, key) !== undefined);
}

function withinSkew(pod: Pod, snapshot: Snapshot, census: PodCensus): Filter | undefined {
  const { constraints } = spreadConstraintsOf(pod, "DoNotSchedule", snapshot.view);
  if (constraints.length === 0) return undefined;
  const keys = constraints.map(({ topologyKey }) => topologyKey);
  const spreads = constraints.map((constraint) => spreadOf(pod, constraint, keys, census));
  const selves = spreads.map(({ selector }) => matches(selector, pod.metadata.labels) ? 1 : 0);
  return ({ node }) => {
    for (let i = 0; i < spreads.length; i++) { // an iterator would cost as much as the rest, for each node
      const { topologyKey, maxSkew, minDomains, counts } = spreads[i]!;
      const domain = ownField(node.metadata.labels, topologyKey);
      if (domain === undefined) return NO_TOPOLOGY;
      const least = counts.domains < minDomains ? 0 : counts.least;
      if (counts.of(domain) + selves[i]! - least > maxSkew) return TOO_MANY;
    }
    return undefined;
  };
}

/** Whether a constraint of the waiting pod is about the pod that changed. */
function isCounted(
  waiting: Pod,
  { view }: Snapshot,
  { pod, podBefore }: HintedChange<unknown, PodCensus>,
): boolean {
  const { constraints } = spreadConstraintsOf(waiting, "DoNotSchedule", view);
  return [pod, podBefore].some((other) =>
    other !== undefined && other.metadata.namespace === waiting.metadata.namespace &&
    constraints.some(({ selector }) => matches(selector, other.metadata.labels))
  );
}

function evenness(
  pod: Pod,
  { view }: Snapshot,
  census: PodCensus,
  feasible: readonly NodeState[],
): Score | undefined {
  const { constraints, isOwn } = spreadConstraintsOf(pod, "ScheduleAnyway", view);
  if (constraints.length === 0) return undefined;
  const keys = isOwn ? constraints.map(({ topologyKey }) => topologyKey) : [];
  const compared = isOwn ? feasible.filter(({ node }) => hasLabels(node, keys)) : feasible;
  const parts = constraints.map((constraint) => {
    const { topologyKey, maxSkew } = constraint;
    const { counts } = topologyKey === HOSTNAME
      ? onNodesOf(pod, constraint, census)
      : spreadOf(pod, constraint, [...keys, topologyKey], census);
    return { topologyKey, counts, maxSkew, weight: Math.log(sizeOf(topologyKey, compared) + 2) };
  });
  return ({ node }) => {
    if (isOwn && !hasLabels(node, keys)) return IGNORED;
    let sum = 0;
    for (const { topologyKey, counts, maxSkew, weight } of parts) {
      const domain = ownField(node.metadata.labels, topologyKey);
      if (domain === undefined) continue;
      const place = topologyKey === HOSTNAME ? node.metadata.name : domain;
      sum += counts.of(place) * weight + (maxSkew - 1);
    }
    return Math.round(sum);
  };
}

/** Of the pods on single nodes all count, whatever the policies say. */
function onNodesOf(
  { metadata: { namespace } }: Pod,
  { selector }: SpreadConstraint,
  census: PodCensus,
): { counts: DomainCounts } {
  const key = JSON.stringify([namespace, selector]);
  const counts = census.ask(key, () => ({
    isAbout: (group) =>
      group.namespace === namespace && selector.length > 0 && matches(selector, group.labels),
    domainOf: ({ metadata: { name } }) => name,
  }));
  return { counts };
}

/** How many domains the nodes are in: a small number must not be outweighed by a large one. */
function sizeOf(topologyKey: string, nodes: readonly NodeState[]): number {
  if (topologyKey === HOSTNAME) return nodes.length;
  return new Set(nodes.map(({ node }) => ownField(node.metadata.labels, topologyKey))).size;
}

function fewestIsBest(scores: Float64Array): void {
  let [lowest, highest] = [Infinity, 0];
  for (const score of scores) {
    if (score === IGNORED) continue;
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  }
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score === IGNORED) scores[i] = 0;
    else if (highest === 0) scores[i] = 100;
    else scores[i] = Math.floor(100 * (highest + lowest - score) / highest);
  }
}

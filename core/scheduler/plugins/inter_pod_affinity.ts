import { ownField } from "../../lib/own_field.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { DomainCounts } from "../census/domain_counts.ts";
import { type HeldTerm, HeldTerms } from "../census/held_terms.ts";
import { PodCensus } from "../census/pod_census.ts";
import {
  isTermAbout,
  type PodTerm,
  podTermsOf,
  type WeightedTerm,
  withNamespaces,
} from "../census/pod_terms.ts";
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

const NO_AFFINITY = refusal("node(s) didn't match pod affinity rules");
const ANTI_AFFINITY = refusalByPods("node(s) didn't match pod anti-affinity rules");
const ANTI_AFFINITY_OF_OTHERS = refusalByPods(
  "node(s) didn't satisfy existing pods anti-affinity rules",
);
/** What a pod counts for that is wanted by a required term of another one: Kubernetes' `hardPodAffinityWeight`. */
const REQUIRED_WEIGHT = 1;

/** The pods on all nodes, and what they say about others. */
export interface Neighbourhood {
  readonly census: PodCensus;
  /** Terms by which pods must be far from others. */
  readonly antiAffinity: HeldTerms;
  /** Terms by which pods would rather be near to others, or far from them. */
  readonly scored: HeldTerms;
}

/**
 * Keeps pods near to the pods that they must be near to, and far from those that they, or these, must be far from;
 * prefers what they prefer. Kubernetes: `plugins/interpodaffinity`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
 */
export const interPodAffinity: Plugin = tallyingPlugin<unknown, Neighbourhood>({
  name: "InterPodAffinity",
  weight: 2,
  reads: [namespaces],
  clusterTally: {
    begin: () => ({
      census: new PodCensus(),
      antiAffinity: new HeldTerms(),
      scored: new HeldTerms(),
    }),
    addNode: ({ census }, node) => census.addNode(node),
    removeNode: ({ census }, node) => census.removeNode(node),
    add({ census, antiAffinity, scored }, pod, node) {
      census.addPod(pod, node);
      const terms = podTermsOf(pod);
      for (const term of terms.antiAffinity) antiAffinity.add({ term, weight: 0 }, node);
      for (const held of scoredTermsOf(terms)) scored.add(held, node);
    },
    remove({ census, antiAffinity, scored }, pod, node) {
      census.removePod(pod, node);
      const terms = podTermsOf(pod);
      for (const term of terms.antiAffinity) antiAffinity.remove({ term, weight: 0 }, node);
      for (const held of scoredTermsOf(terms)) scored.remove(held, node);
    },
  },
  filter: apartAndTogether,
  wakes: {
    nodeAdded: (pod, snapshot, { node, tally, cluster }) =>
      node.pods.size > 0 ||
      apartAndTogether(pod, snapshot, cluster)?.(node, tally) === undefined,
    nodeChanged: (_pod, _snapshot, { node, nodeBefore }) =>
      !sameLabels(node.node.metadata.labels, nodeBefore?.metadata.labels),
    podAdded: isRelated,
    podChanged: isRelated,
    podRemoved: isRelated,
    objectChanged: selectsNamespace,
  },
  score: nearness,
  normalize: spreadOut,
});

function scoredTermsOf(
  { affinity, preferred }: ReturnType<typeof podTermsOf>,
): readonly WeightedTerm[] {
  if (affinity.length === 0) return preferred;
  return [...affinity.map((term) => ({ term, weight: REQUIRED_WEIGHT })), ...preferred];
}

/** How many pods there are, of those that all of the terms are about, in each domain of a term. */
interface Counted {
  topologyKey: string;
  counts: DomainCounts;
}

function countsOf(
  terms: readonly PodTerm[],
  { topologyKey }: PodTerm,
  { census }: Neighbourhood,
  { view }: Snapshot,
): Counted {
  const resolved = terms.map((term) => withNamespaces(term, view));
  const key = `${topologyKey} ${resolved.map((term) => term.key).join()}`;
  const counts = census.ask(key, () => ({
    isAbout: (group) => resolved.every((term) => isTermAbout(term, group, view)),
    domainOf: ({ metadata: { labels } }) => ownField(labels, topologyKey),
  }));
  return { topologyKey, counts };
}

function apartAndTogether(
  pod: Pod,
  snapshot: Snapshot,
  cluster: Neighbourhood,
): Filter | undefined {
  const { affinity, antiAffinity } = podTermsOf(pod);
  const ofOthers = cluster.antiAffinity.about(groupOf(pod), snapshot.view);
  if (affinity.length + antiAffinity.length + ofOthers.length === 0) return undefined;
  const near = affinity.map((term) => countsOf(affinity, term, cluster, snapshot));
  const far = antiAffinity.map((term) => countsOf([term], term, cluster, snapshot));
  const wantsItself = affinity.every((term) => isTermAbout(term, groupOf(pod), snapshot.view));
  return (node) => {
    if (near.length > 0 && !isNear(node, near, wantsItself)) return NO_AFFINITY;
    if (far.some((counted) => isThere(node, counted))) return ANTI_AFFINITY;
    return ofOthers.some((held) => isHeldThere(node, held)) ? ANTI_AFFINITY_OF_OTHERS : undefined;
  };
}

/**
 * The node must have every topology, and pods in each. The first of some pods that want each other is let in where it
 * would wait for itself: when there is no such pod anywhere.
 */
function isNear(node: NodeState, near: readonly Counted[], wantsItself: boolean): boolean {
  const { labels } = node.node.metadata;
  if (!near.every(({ topologyKey }) => ownField(labels, topologyKey) !== undefined)) return false;
  if (near.every((counted) => isThere(node, counted))) return true;
  return wantsItself && near.every(({ counts }) => counts.total === 0);
}

function isThere({ node }: NodeState, { topologyKey, counts }: Counted): boolean {
  const domain = ownField(node.metadata.labels, topologyKey);
  return domain !== undefined && counts.of(domain) > 0;
}

function isHeldThere({ node }: NodeState, { term, counts }: HeldTerm): boolean {
  const domain = ownField(node.metadata.labels, term.topologyKey);
  return domain !== undefined && counts.has(domain);
}

function nearness(pod: Pod, snapshot: Snapshot, cluster: Neighbourhood): Score | undefined {
  const own = podTermsOf(pod).preferred.map(({ term, weight }) => {
    const { topologyKey, counts } = countsOf([term], term, cluster, snapshot);
    return { topologyKey, weight, of: (domain: string) => counts.of(domain), total: counts.total };
  }).filter(({ total }) => total > 0);
  const ofOthers = cluster.scored.about(groupOf(pod), snapshot.view).map((
    { term: { topologyKey }, weight, counts },
  ) => ({ topologyKey, weight, of: (domain: string) => counts.get(domain) ?? 0 }));
  const wishes = [...own, ...ofOthers];
  if (wishes.length === 0) return undefined;
  return ({ node: { metadata: { labels } } }) => {
    let sum = 0;
    for (const { topologyKey, weight, of } of wishes) {
      const domain = ownField(labels, topologyKey);
      if (domain !== undefined) sum += weight * of(domain);
    }
    return sum;
  };
}

/** The lowest score becomes 0, the highest 100. */
function spreadOut(scores: Float64Array): void {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const score of scores) {
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  }
  const range = highest - lowest;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = range === 0 ? 0 : Math.floor(100 * ((scores[i]! - lowest) / range));
  }
}

function groupOf({ metadata: { namespace, labels = {} } }: Pod) {
  return { namespace, labels };
}

/** Whether one of the two pods says something that is about the other one, before the change or after it. */
function isRelated(
  waiting: Pod,
  { view }: Snapshot,
  { pod, podBefore }: HintedChange<unknown, Neighbourhood>,
): boolean {
  const { affinity, antiAffinity } = podTermsOf(waiting);
  return [pod, podBefore].some((other) =>
    other !== undefined &&
    ([...affinity, ...antiAffinity].some((term) => isTermAbout(term, groupOf(other), view)) ||
      podTermsOf(other).antiAffinity.some((term) => isTermAbout(term, groupOf(waiting), view)))
  );
}

function sameLabels(
  a: Readonly<Record<string, string>> = {},
  b: Readonly<Record<string, string>> = {},
): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => ownField(b, key) === a[key]);
}

/** Labels of namespaces matter to a pod that selects by them, and to one whose own namespace others select by them. */
function selectsNamespace(
  pod: Pod,
  _snapshot: Snapshot,
  { metadata: { name } }: KubeObject,
): boolean {
  const { affinity, antiAffinity } = podTermsOf(pod);
  return name === pod.metadata.namespace ||
    [...affinity, ...antiAffinity].some(({ namespaceSelector }) => namespaceSelector !== undefined);
}

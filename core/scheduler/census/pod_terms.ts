import type { View } from "../../client/client.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { PodAffinityTerm } from "../../resources/core/pods/spec/affinity.ts";
import { type Labels, matches, type Selector, selectorOf } from "../../schema/selectors.ts";
import type { PodGroup } from "./pod_census.ts";

/** Which pods a pod wants to be near to, or far from, and how near is near. */
export interface PodTerm {
  /** Equal terms have equal keys. */
  readonly key: string;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: ReadonlySet<string>;
  /** Labels of further namespaces; absent: there are none. */
  readonly namespaceSelector?: Selector;
}

export interface WeightedTerm {
  readonly term: PodTerm;
  /** Negative for pods that it wants to be far from. */
  readonly weight: number;
}

export interface PodTerms {
  /** Every one of them must hold. */
  readonly affinity: readonly PodTerm[];
  readonly antiAffinity: readonly PodTerm[];
  readonly preferred: readonly WeightedTerm[];
}

const NONE: PodTerms = { affinity: [], antiAffinity: [], preferred: [] };
const known = new WeakMap<Pod, PodTerms>();

/** What a pod says about other pods. Computed once for each version of a pod. */
export function podTermsOf(pod: Pod): PodTerms {
  const { affinity } = pod.spec;
  if (affinity?.podAffinity === undefined && affinity?.podAntiAffinity === undefined) return NONE;
  const terms = known.get(pod) ?? newTerms(pod);
  known.set(pod, terms);
  return terms;
}

function newTerms({ metadata: { namespace }, spec: { affinity } }: Pod): PodTerms {
  const { podAffinity: near, podAntiAffinity: far } = affinity!;
  const termOf = (term: PodAffinityTerm) => newTerm(term, namespace);
  const preferred = (terms: typeof near, sign: 1 | -1) =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((
      { weight, podAffinityTerm },
    ) => ({ term: termOf(podAffinityTerm), weight: sign * weight }));
  return {
    affinity: (near?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(termOf),
    antiAffinity: (far?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(termOf),
    preferred: [...preferred(near, 1), ...preferred(far, -1)],
  };
}

/** Pods of the own namespace, unless the term says something else: `getNamespacesFromPodAffinityTerm`. */
function newTerm(
  { topologyKey, labelSelector, namespaces: names = [], namespaceSelector }: PodAffinityTerm,
  ownNamespace: string,
): PodTerm {
  const selector = selectorOf(labelSelector);
  const isOwn = names.length === 0 && namespaceSelector === undefined;
  const named = isOwn ? [ownNamespace] : names.toSorted();
  return {
    key: JSON.stringify([topologyKey, named, namespaceSelector ?? null, selector]),
    topologyKey,
    selector,
    namespaces: new Set(named),
    ...(namespaceSelector && { namespaceSelector: selectorOf(namespaceSelector) }),
  };
}

/** Whether the term is about pods of the group. */
export function isTermAbout(
  { namespaces: names, namespaceSelector, selector }: PodTerm,
  { namespace, labels }: PodGroup,
  view: View,
): boolean {
  const isNamespace = names.has(namespace) ||
    (namespaceSelector !== undefined &&
      matches(namespaceSelector, labelsOfNamespace(namespace, view)));
  return isNamespace && matches(selector, labels);
}

/** The term with the names of the namespaces that it selects now: what it is about changes with their labels. */
export function withNamespaces(term: PodTerm, view: View): PodTerm {
  const { namespaceSelector, namespaces: names, topologyKey, selector } = term;
  if (namespaceSelector === undefined || namespaceSelector.length === 0) return term;
  const selected = view.list(namespaces)
    .filter(({ metadata }) => matches(namespaceSelector, metadata.labels))
    .map(({ metadata }) => metadata.name);
  const all = [...new Set([...names, ...selected])].sort();
  const key = JSON.stringify([topologyKey, all, null, selector]);
  return { key, topologyKey, selector, namespaces: new Set(all) };
}

function labelsOfNamespace(name: string, view: View): Labels {
  return view.get(namespaces, { name })?.metadata.labels ?? {};
}

import type { View } from "../../../client/client.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { type DaemonSet, TEMPLATE_GENERATION } from "../../../resources/apps/daemon_sets.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { controlled } from "../../runtime/ownership.ts";
import { type Divide, hashIn, hashOfPod, placesFor } from "../division.ts";
import { templateIn } from "../revisions.ts";
import { podsByNode } from "./daemon_pods.ts";
import { type Fit, fitOf } from "./node_fit.ts";

/** How far a DaemonSet that is rolled out in steps has come. */
export interface NodeSteps {
  /** The DaemonSet as it was with the template that can be relied on, and the hash of that. */
  stable: { daemonSet: DaemonSet; hash: string };
  /** Names of the nodes that get the new template; all others have the stable one. */
  updated: ReadonlySet<string>;
  /** No pod is replaced for now. */
  holds: boolean;
}

/** How a DaemonSet is divided; `undefined`: all nodes get its template, of the hash `wanted`. */
export function nodeStepsOf(
  daemonSet: DaemonSet,
  wanted: string,
  { owned, view, divide }: { owned: readonly Pod[]; view: View; divide: Divide },
): NodeSteps | undefined {
  const division = divide(daemonSet, wanted, owned, view);
  if (division === undefined) return undefined;
  const { stable: hash, weight, holds } = division;
  const stable = formerOf(daemonSet, hash, view);
  if (stable === undefined) return undefined; // what was relied on is not known any more
  const eligible = eligibleNodes(daemonSet, view);
  const ordered = inOrderOfSteps(eligible, wanted, owned);
  const updated = new Set(ordered.slice(0, placesFor(weight, eligible.length)));
  return { stable: { daemonSet: stable, hash }, updated, holds };
}

/** Nodes that are to have a pod of the DaemonSet's template in the end. */
export function eligibleNodes(daemonSet: DaemonSet, view: View): Node[] {
  const fit = fitOf(daemonSet);
  return view.list(nodes).filter((node) => fit(node) === "gets");
}

function formerOf(daemonSet: DaemonSet, hash: string, view: View): DaemonSet | undefined {
  const revision = controlled(view, controllerRevisions, daemonSet)
    .find(({ metadata }) => hashIn(metadata.name) === hash);
  if (revision === undefined) return undefined;
  // Its pods must not pass for those of today's template.
  const { [TEMPLATE_GENERATION]: _, ...annotations } = daemonSet.metadata.annotations ?? {};
  return {
    ...daemonSet,
    metadata: { ...daemonSet.metadata, annotations },
    spec: { ...daemonSet.spec, template: templateIn(revision) },
  };
}

/**
 * Nodes that have the new template first, so that none has to give it back when others come and go; then those without a
 * pod, which nothing is taken from; by name among them.
 */
function inOrderOfSteps(
  eligible: readonly Node[],
  wanted: string,
  owned: readonly Pod[],
): string[] {
  const byNode = podsByNode(owned);
  const rank = (name: string) => {
    const pods = byNode.get(name) ?? [];
    if (pods.some((pod) => hashOfPod(pod) === wanted)) return 0;
    return pods.length === 0 ? 1 : 2;
  };
  const ranked = eligible.map(({ metadata: { name } }) => ({ name, rank: rank(name) }));
  return ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** Which nodes a DaemonSet fits, each with the template that it is to have. */
export function fitInSteps(
  daemonSet: DaemonSet,
  steps: NodeSteps | undefined,
): (node: Node) => Fit {
  const fit = fitOf(daemonSet);
  if (steps === undefined) return fit;
  const formerFit = fitOf(steps.stable.daemonSet);
  return (node) => steps.updated.has(node.metadata.name) ? fit(node) : formerFit(node);
}

/** What the pod of a node is made of: the DaemonSet as it is or as it was, and the hash of its template. */
export function stateOn(
  { daemonSet, hash, steps }: { daemonSet: DaemonSet; hash: string; steps?: NodeSteps },
  node: string,
): { daemonSet: DaemonSet; hash: string } {
  return steps === undefined || steps.updated.has(node) ? { daemonSet, hash } : steps.stable;
}

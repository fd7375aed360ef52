import { isOfEndingNamespace } from "../../../client/refusals.ts";
import type { ObjectName, View } from "../../../client/client.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { type DaemonSet, daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import {
  type ControllerWithMemory,
  create,
  earliest,
  keyOf,
  type Memory,
  NOTHING,
  type Past,
  plan,
  type PlanWithMemory,
  type Write,
} from "../../runtime/controller.ts";
import { childrenOf, claimWrites, controlled } from "../../runtime/ownership.ts";
import { nextAvailableMs } from "../availability.ts";
import { created, deletion, failedCreation, freeNames, WRITES_MAX } from "../pod_creation.ts";
import { revisionsOf } from "../revisions.ts";
import { type Divide, UNDIVIDED } from "../division.ts";
import { rolloutsOf } from "../stepwise.ts";
import { newDaemonPod, podsByNode } from "./daemon_pods.ts";
import { type Failures, isForgotten } from "./failed_pods.ts";
import { cleanup, type History, historyOf } from "./history.ts";
import { type Fit, fitOf } from "./node_fit.ts";
import { fitInSteps, nodeStepsOf, stateOn } from "./node_steps.ts";
import { type DaemonState, type NodeChanges, nodeChanges } from "./node_pods.ts";
import { replacement } from "./rolling_update.ts";
import { statusOf, statusWrites } from "./status.ts";

/** What is known of a DaemonSet since its last look. */
interface Known {
  uid: string;
  /** Failures of an earlier generation do not count. */
  generation: number | undefined;
  failures: ReadonlyMap<string, Failures>;
  /** By node, to tell changes of a node that matter from its heartbeats. */
  fits: ReadonlyMap<string, Fit>;
}

const selectorOf = ({ spec }: DaemonSet) => spec.selector;

/**
 * Keeps a pod of each DaemonSet on every node that it fits.
 *
 * Kubernetes: `pkg/controller/daemon`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
 */
export function daemonSetController(
  divide: Divide = UNDIVIDED,
): ControllerWithMemory<DaemonSet, Known> {
  return {
    name: "daemonset-controller",
    resource: daemonSets,
    watches: [
      childrenOf(pods, daemonSets, selectorOf),
      revisionsOf(daemonSets, selectorOf),
      rolloutsOf("DaemonSet"),
      { resource: nodes, concerns: fittingOtherwise },
    ],
    workers: 2,
    reconcile: (daemonSet, view, nowMs, { memory, elapsedMs }) =>
      reconcile(daemonSet, view, nowMs, { memory, elapsedMs, divide }),
    gone: (name) => ({ writes: [], remember: [[keyOf(name), undefined]] }),
  };
}

interface Around extends Past<Known> {
  divide: Divide;
}

/** DaemonSets that the node fits otherwise than at their last look. */
function fittingOtherwise(changed: KubeObject, view: View, memory: Memory<Known>): ObjectName[] {
  const { name } = changed.metadata;
  const node = view.get(nodes, { name });
  return view.list(daemonSets)
    .filter((daemonSet) => {
      const known = memory.get(keyOf(daemonSet.metadata));
      return known?.fits.get(name) !== (node && fitOf(daemonSet)(node)) || known === undefined;
    })
    .map(({ metadata }) => metadata);
}

function reconcile(
  daemonSet: DaemonSet,
  view: View,
  nowMs: number,
  around: Around,
): PlanWithMemory<Known> {
  if (daemonSet.metadata.deletionTimestamp) return NOTHING;
  const claim = { owner: daemonSet, ownerResource: daemonSets, selector: daemonSet.spec.selector };
  const claims = [
    ...claimWrites(view, { ...claim, children: controllerRevisions }),
    ...claimWrites(view, { ...claim, children: pods }),
  ];
  if (claims.length > 0) return plan(claims);
  const owned = controlled(view, pods, daemonSet);
  const history = historyOf(daemonSet, owned, view);
  if (history === "collides") {
    const collisionCount = (daemonSet.status.collisionCount ?? 0) + 1;
    return plan(statusWrites(daemonSet, { ...daemonSet.status, collisionCount }));
  }
  if (history.merges.length > 0) return plan(history.merges);
  const state = stateOf(daemonSet, history, owned, view, nowMs, around);
  const changes = nodeChanges(state);
  const status = statusWrites(daemonSet, statusOf(state));
  return {
    ...plan(
      [
        ...history.writes,
        ...changesWrites(state, changes, status, view),
        ...cleanup(daemonSet, history, owned, state.steps?.stable.hash),
        ...status,
      ],
      earliest(changes.againAfterMs, nextAvailableMs(owned, daemonSet.spec.minReadySeconds, nowMs)),
    ),
    remember: [[keyOf(daemonSet.metadata), known(state, changes)]],
  };
}

function stateOf(
  daemonSet: DaemonSet,
  { hash }: History,
  owned: readonly Pod[],
  view: View,
  nowMs: number,
  { memory, elapsedMs, divide }: Around,
): DaemonState {
  const before = memory.get(keyOf(daemonSet.metadata));
  const { uid, generation } = daemonSet.metadata;
  const isSame = before !== undefined && before.uid === uid && before.generation === generation;
  const all: readonly Node[] = view.list(nodes);
  const steps = nodeStepsOf(daemonSet, hash, { owned, view, divide });
  const fit = fitInSteps(daemonSet, steps);
  return {
    daemonSet,
    hash,
    ...(steps && { steps }),
    nodes: all,
    fits: new Map(all.map((node) => [node.metadata.name, fit(node)])),
    byNode: podsByNode(owned),
    failures: isSame ? before.failures : new Map(),
    nowMs,
    elapsedMs,
  };
}

function known(
  { daemonSet: { metadata: { uid, generation } }, fits, elapsedMs }: DaemonState,
  changes: NodeChanges,
): Known {
  const failures = [...changes.failures].filter(([, each]) => !isForgotten(each, elapsedMs));
  return { uid, generation, failures: new Map(failures), fits };
}

/** An update goes on only when nodes have what they should. */
function changesWrites(
  state: DaemonState,
  changes: NodeChanges,
  status: Write[],
  view: View,
): Write[] {
  const isSettled = changes.creations.length + changes.deletions.length === 0;
  const { creations, deletions } = isSettled ? replacement(state) : changes;
  const { daemonSet } = state;
  const made = (name: string, node: string) => {
    const { daemonSet: of, hash } = stateOn(state, node);
    return newDaemonPod(of, hash, { name, node });
  };
  const onto = creations.slice(0, WRITES_MAX);
  const names = freeNames(daemonSet, view, onto);
  return [
    ...onto.map((node, i) =>
      create(pods, made(names[i]!, node), {
        event: created(daemonSet, names[i]!),
        refused: (error) =>
          isOfEndingNamespace(error) ? status : [...status, failedCreation(daemonSet, error)],
      })
    ),
    ...changes.events,
    ...deletions.slice(0, WRITES_MAX).map((pod) => deletion(daemonSet, pod)),
  ];
}

import type { DaemonSet } from "../../../resources/apps/daemon_sets.ts";
import type { Node } from "../../../resources/core/nodes/nodes.ts";
import { isReady } from "../../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { recordEvent, type Write } from "../../runtime/controller.ts";
import { REVISION_HASH } from "../revisions.ts";
import { inAge, isAvailable, isEnding } from "./daemon_pods.ts";
import { type Failures, stayMs, withFailure } from "./failed_pods.ts";
import { hasSurge } from "./limits.ts";
import type { Fit } from "./node_fit.ts";
import { type NodeSteps, stateOn } from "./node_steps.ts";

/** What a look at a DaemonSet works on. */
export interface DaemonState {
  daemonSet: DaemonSet;
  /** Tells pods of today's template from others. */
  hash: string;
  /** When it is rolled out in steps. */
  steps?: NodeSteps;
  nodes: readonly Node[];
  fits: ReadonlyMap<string, Fit>;
  /** Pods by the node that they are for. */
  byNode: ReadonlyMap<string, readonly Pod[]>;
  failures: ReadonlyMap<string, Failures>;
  nowMs: number;
  elapsedMs: number;
}

/** What is to be done on nodes. */
export interface NodeChanges {
  /** Nodes that get a pod. */
  creations: string[];
  deletions: Pod[];
  events: Write[];
  failures: Map<string, Failures>;
  /** When the next failed pod may be deleted. */
  againAfterMs?: number;
}

/**
 * Pods that nodes lack or must not have, whatever revision they are of. Pods that have failed are deleted, ever more slowly
 * when the next one fails too.
 *
 * Kubernetes: `manage` and `podsShouldBeOnNode` in `pkg/controller/daemon/daemon_controller.go`.
 */
export function nodeChanges(state: DaemonState): NodeChanges {
  const changes: NodeChanges = { creations: [], deletions: [], events: [], failures: new Map() };
  for (const { metadata: { name } } of state.nodes) changeNode(state, name, changes);
  for (const [node, pods] of state.byNode) {
    if (state.fits.has(node)) continue;
    changes.deletions.push(...pods.filter(({ spec }) => !spec.nodeName));
  }
  return changes;
}

function changeNode(state: DaemonState, node: string, changes: NodeChanges): void {
  const { daemonSet } = state;
  const failures = state.failures.get(node);
  if (failures !== undefined) changes.failures.set(node, failures);
  const fit = state.fits.get(node)!;
  const pods = state.byNode.get(node);
  if (pods === undefined) {
    if (fit === "gets") changes.creations.push(node);
    return;
  }
  const staying = pods.filter((pod) => !isEnding(pod));
  if (fit === "refuses") {
    changes.deletions.push(...staying);
    return;
  }
  const running = staying.filter((pod) => !dropFinished(state, node, pod, changes));
  if (!hasSurge(daemonSet)) changes.deletions.push(...inAge(running).slice(1));
  else if (running.length > 1) changes.deletions.push(...surplusOf(state, node, running));
  else if (running.length === 0 && fit === "gets") changes.creations.push(node);
}

/** Deletes a pod that has ended, and tells so; whether it has ended. */
function dropFinished(state: DaemonState, node: string, pod: Pod, changes: NodeChanges): boolean {
  const { phase } = pod.status;
  if (phase !== "Failed" && phase !== "Succeeded") return false;
  const wait = phase === "Failed" ? stayMs(changes.failures.get(node), state.elapsedMs) : 0;
  if (wait > 0) {
    changes.againAfterMs = Math.min(wait, changes.againAfterMs ?? Infinity);
    return true;
  }
  if (phase === "Failed") {
    changes.failures.set(node, withFailure(changes.failures.get(node), state.elapsedMs));
  }
  changes.events.push(endEvent(state.daemonSet, node, pod));
  changes.deletions.push(pod);
  return true;
}

function endEvent(about: DaemonSet, node: string, { metadata, status }: Pod): Write {
  const isFailed = status.phase === "Failed";
  const what = `${isFailed ? "failed" : "succeeded"} daemon pod`;
  return recordEvent({
    about,
    type: isFailed ? "Warning" : "Normal",
    reason: isFailed ? "FailedDaemonPod" : "SucceededDaemonPod",
    message: `Found ${what} ${metadata.namespace}/${metadata.name} on node ${node}, will try to ${
      isFailed ? "kill" : "delete"
    } it`,
  });
}

/**
 * With a surge a node may have two pods: the oldest new one that is not available yet, and the oldest old one that is
 * ready. The others are too many.
 */
function surplusOf(state: DaemonState, node: string, running: readonly Pod[]): Pod[] {
  const { daemonSet, nowMs } = state;
  const { hash } = stateOn(state, node);
  const isNew = (pod: Pod) => pod.metadata.labels?.[REVISION_HASH] === hash;
  const ordered = inAge(running);
  const newPod = ordered.find(isNew);
  const oldPod = ordered.find((pod) => !isNew(pod));
  const surplus = ordered.filter((pod) => pod !== newPod && pod !== oldPod);
  if (newPod === undefined || oldPod === undefined) return surplus;
  const isReplaced = !isReady(oldPod) || isAvailable(daemonSet, newPod, nowMs);
  return isReplaced ? [...surplus, oldPod] : surplus;
}

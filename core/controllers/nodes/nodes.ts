import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { leases } from "../../resources/coordination/leases.ts";
import { autonomyMsOf, isOffline } from "../../resources/core/nodes/autonomy.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type ControllerWithMemory,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { isReady, readySinceMs } from "../../resources/core/pods/pod_states.ts";
import { conditionOf, isConditionTrue, withCondition } from "../../resources/conditions.ts";
import { msOf } from "../../lib/timestamp.ts";
import type { Moment } from "../../lib/clock.ts";
import { isUnreachable, unknownStatus } from "./node_conditions.ts";
import { taintsOf, withTaints } from "./node_taints.ts";

/** https://kubernetes.io/docs/concepts/architecture/nodes/#heartbeats */
const LEASE_NAMESPACE = "kube-node-lease";
/** Kubernetes: `--node-monitor-grace-period`: five heartbeats of 10 s. */
export const HEARTBEAT_GRACE_MS = 50_000;
/** Kubernetes: `--node-startup-grace-period`. */
export const STARTUP_GRACE_MS = 60_000;

interface Heartbeat {
  /** The lease as it was last seen; only whether it changes counts, for clocks of nodes may be wrong. */
  version: string | undefined;
  /** On a clock that does not jump: one that is set must not make all nodes lost. */
  seenMs: number;
}

/** What is remembered of a node. */
interface NodeMemory {
  heartbeat: Heartbeat;
  /** Since when it cannot be reached, on a clock that does not jump; `undefined` while it can. */
  lostMs: number | undefined;
  /** Uids of pods to mark as not ready; `undefined` while the node can be reached. */
  podsToMark: ReadonlySet<string> | undefined;
}

/**
 * Marks nodes whose agents no longer renew their leases, and taints nodes by their conditions, so that nothing new is
 * scheduled there.
 *
 * Time counts from when this controller saw the lease change, on a clock that nobody can set; so after a restart of the
 * server every node has its whole grace period again.
 *
 * A node that says how long it may be left alone (`coracle.dev/autonomy`) is `Offline` for so long: its pods stay as
 * they are. After a restart of the server the time counts from when the node was lost, by the machine's clock.
 *
 * Kubernetes: `pkg/controller/nodelifecycle`.
 */
export function nodeController(
  { graceMs = HEARTBEAT_GRACE_MS }: { graceMs?: number } = {},
): ControllerWithMemory<Node, NodeMemory> {
  return {
    name: "node-controller",
    resource: nodes,
    watches: [
      { resource: leases, concerns: nodeOfLease },
      { resource: pods, concerns: unreachableNodeOf },
    ],
    workers: 1,
    reconcile(node, view, nowMs, { memory, elapsedMs }) {
      const before = memory.get(node.metadata.name);
      const heartbeat = heartbeatOf(node, before?.heartbeat, view, elapsedMs);
      const restMs = graceLeftMs(node, heartbeat, { graceMs, elapsedMs });
      const lostMs = lostMsOf(node, before?.lostMs, restMs <= 0, { nowMs, elapsedMs });
      const aloneMs = lostMs === undefined ? 0 : lostMs + autonomyMsOf(node) - elapsedMs;
      const status = restMs > 0
        ? node.status
        : unknownStatus(node, { isLeftAlone: aloneMs > 0 }, nowMs);
      const seen = { heartbeat, lostMs };
      const next = isEqual(status, node.status)
        ? taintAndMark(node, view, nowMs, before?.podsToMark)
        : lostPlan(node, status, view, nowMs);
      const wait = nextLookMs(restMs, aloneMs);
      return {
        ...plan(next.writes, wait),
        remember: [[node.metadata.name, { ...seen, podsToMark: next.podsToMark }]],
      };
    },
    gone: ({ name }) => ({ ...NOTHING, remember: [[name, undefined]] }),
  };
}

function nodeOfLease({ metadata: { namespace, name } }: KubeObject): ObjectName[] {
  return namespace === LEASE_NAMESPACE ? [{ name }] : [];
}

/** A pod on a node that cannot be reached may still be marked as ready. */
function unreachableNodeOf(pod: KubeObject, view: View): ObjectName[] {
  const name = (pod as Pod).spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node && isUnreachable(node) ? [node.metadata] : [];
}

function heartbeatOf(
  { metadata: { name } }: Node,
  before: Heartbeat | undefined,
  view: View,
  elapsedMs: number,
): Heartbeat {
  const lease = view.get(leases, { namespace: LEASE_NAMESPACE, name });
  const version = lease && `${lease.metadata.uid} ${lease.spec.renewTime}`;
  return before?.version === version && before ? before : { version, seenMs: elapsedMs };
}

function graceLeftMs(
  node: Node,
  { version, seenMs }: Heartbeat,
  { graceMs, elapsedMs }: { graceMs: number; elapsedMs: number },
): number {
  const isNew = version === undefined && conditionOf(node.status.conditions, "Ready") === undefined;
  return seenMs + (isNew ? STARTUP_GRACE_MS : graceMs) - elapsedMs;
}

/** Since when the node cannot be reached. When it was lost before this server began, its condition says when. */
function lostMsOf(
  node: Node,
  before: number | undefined,
  isSilent: boolean,
  { nowMs, elapsedMs }: Moment,
): number | undefined {
  if (!isUnreachable(node)) return isSilent ? elapsedMs : undefined;
  return before ?? elapsedMs - Math.max(0, nowMs - lostSinceMs(node));
}

/** When something changes by itself: the grace period is over, or the time that the node is left alone. */
function nextLookMs(restMs: number, aloneMs: number): number | undefined {
  if (restMs > 0) return restMs;
  return aloneMs > 0 && Number.isFinite(aloneMs) ? aloneMs : undefined;
}

interface NodePlan extends Plan {
  podsToMark: NodeMemory["podsToMark"];
}

/** Pods that were left alone are marked before their node is lost: others passed over them, and go on to do so. */
function lostPlan(node: Node, status: Node["status"], view: View, nowMs: number): NodePlan {
  const { metadata: { name } } = node;
  const next = { ...node, status };
  const isAlone = isOffline(next);
  const isNews = isConditionTrue(node.status.conditions, "Ready") || isAlone !== isOffline(node);
  const word = isAlone ? "NodeOffline" : "NodeNotReady";
  const event = recordEvent({
    about: node,
    type: "Normal",
    reason: word,
    message: `Node ${name} status is now: ${word}`,
  });
  const ready = isAlone ? [] : readyPods(node, view);
  const marks = isOffline(node) ? ready.flatMap((pod) => notReadyWrites(pod, nowMs)) : [];
  return {
    writes: [...marks, updateStatus(nodes, next), ...isNews ? [event] : []],
    podsToMark: isAlone ? undefined : uidsOf(ready),
  };
}

function taintAndMark(
  node: Node,
  view: View,
  nowMs: number,
  before: NodeMemory["podsToMark"],
): NodePlan {
  const toMark = podsToMarkOf(node, view, before);
  const taints = taintsOf(node, nowMs);
  const tainted = isEqual(taints, node.spec.taints ?? []) ? [] : [withTaints(node, taints)];
  return {
    writes: [...tainted, ...toMark.flatMap((pod) => notReadyWrites(pod, nowMs))],
    podsToMark: isLost(node) ? uidsOf(toMark) : undefined,
  };
}

/** Pods of a node that is left alone stay as they are. */
function isLost(node: Node): boolean {
  return isUnreachable(node) && !isOffline(node);
}

/**
 * The pods to mark as not ready, each once, so that Services stop sending to them. Which these are is settled when the
 * node is lost: one that becomes ready after that was reported by its agent, which is back and will report on the node
 * too. Times of the node and of its pods are compared only when nothing better is known, after a restart of the server:
 * the clock of their agent may be wrong.
 */
function podsToMarkOf(node: Node, view: View, before: NodeMemory["podsToMark"]): readonly Pod[] {
  if (!isLost(node)) return [];
  const ready = readyPods(node, view);
  if (before !== undefined) return ready.filter(({ metadata }) => before.has(metadata.uid));
  return ready.filter((pod) => readySinceMs(pod)! < lostSinceMs(node));
}

function readyPods({ metadata }: Node, view: View): readonly Pod[] {
  return view.by(pods, "node", metadata.name).filter(isReady);
}

function lostSinceMs({ status }: Node): number {
  return msOf(conditionOf(status.conditions, "Ready")!.lastTransitionTime);
}

function uidsOf(pods: readonly Pod[]): ReadonlySet<string> {
  return new Set(pods.map(({ metadata }) => metadata.uid));
}

function notReadyWrites(pod: Pod, nowMs: number): Write[] {
  const { status } = pod;
  const before = conditionOf(status.conditions, "Ready")!;
  const conditions = withCondition(status.conditions, { ...before, status: "False" }, nowMs);
  return [
    updateStatus(pods, { ...pod, status: { ...status, conditions } }),
    recordEvent({
      about: pod,
      type: "Warning",
      reason: "NodeNotReady",
      message: "Node is not ready",
    }),
  ];
}

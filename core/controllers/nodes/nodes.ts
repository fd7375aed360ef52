import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { leases } from "../../resources/coordination/leases.ts";
import type { NodeCondition } from "../../resources/core/nodes/node_status.ts";
import { type Node, nodes, type Taint } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type ControllerWithMemory,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  update,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { isReady, readySinceMs } from "../../resources/core/pods/pod_states.ts";
import {
  conditionOf,
  isConditionTrue,
  withCondition,
  withConditions,
} from "../../resources/conditions.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import { NOT_READY, UNREACHABLE } from "../../resources/core/pods/spec/default_tolerations.ts";
import { UNSCHEDULABLE } from "./taints.ts";

/** https://kubernetes.io/docs/concepts/architecture/nodes/#heartbeats */
const LEASE_NAMESPACE = "kube-node-lease";
/** Kubernetes: `--node-monitor-grace-period` as it was for long: four heartbeats of 10 s. */
export const HEARTBEAT_GRACE_MS = 40_000;
/** Kubernetes: `--node-startup-grace-period`. */
export const STARTUP_GRACE_MS = 60_000;

/** Conditions that the agent reports; unknown without it. */
const REPORTED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
/** Taints that follow from conditions, and the status of the condition that leads to them. */
const PRESSURES: readonly (readonly [type: string, status: "True", key: string])[] = [
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
];
const MANAGED_TAINTS = [
  NOT_READY,
  UNREACHABLE,
  UNSCHEDULABLE,
  ...PRESSURES.map(([, , key]) => key),
];

interface Heartbeat {
  /** The lease as it was last seen; only whether it changes counts, for clocks of nodes may be wrong. */
  version: string | undefined;
  /** On a clock that does not jump: one that is set must not make all nodes lost. */
  seenMs: number;
}

/** What is remembered of a node. */
interface NodeMemory {
  heartbeat: Heartbeat;
  /** Uids of pods to mark as not ready; `undefined` while the node can be reached. */
  podsToMark: ReadonlySet<string> | undefined;
}

/**
 * Marks nodes whose agents no longer renew their leases, and taints nodes by their conditions, so that nothing new is
 * scheduled there and, in time, pods are evicted.
 *
 * Time counts from when this controller saw the lease change, on a clock that nobody can set; so after a restart of the
 * server every node has its whole grace period again.
 *
 * Kubernetes: `pkg/controller/nodelifecycle`.
 */
export const nodeController: ControllerWithMemory<Node, NodeMemory> = {
  name: "node-controller",
  resource: nodes,
  watches: [
    { resource: leases, concerns: nodeOfLease },
    { resource: pods, concerns: unreachableNodeOf },
  ],
  workers: 1,
  reconcile(node, view, nowMs, { memory, elapsedMs }) {
    const { name } = node.metadata;
    const before = memory.get(name);
    const heartbeat = heartbeatOf(node, before?.heartbeat, view, elapsedMs);
    const restMs = graceLeftMs(node, heartbeat, elapsedMs);
    const status = restMs > 0 ? node.status : unknownStatus(node, nowMs);
    if (!isEqual(status, node.status)) {
      const podsToMark = uidsOf(readyPods(node, view));
      return { ...lostPlan(node, status), remember: [[name, { heartbeat, podsToMark }]] };
    }
    const toMark = podsToMarkOf(node, view, before?.podsToMark);
    const podsToMark = isUnreachable(node) ? uidsOf(toMark) : undefined;
    const taints = taintsOf(node, nowMs);
    const tainted = isEqual(taints, node.spec.taints ?? []) ? [] : [withTaints(node, taints)];
    const writes = [...tainted, ...toMark.flatMap((pod) => notReadyWrites(pod, nowMs))];
    const next = plan(writes, restMs > 0 ? restMs : undefined);
    return { ...next, remember: [[name, { heartbeat, podsToMark }]] };
  },
  gone: ({ name }) => ({ ...NOTHING, remember: [[name, undefined]] }),
};

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

function graceLeftMs(node: Node, { version, seenMs }: Heartbeat, elapsedMs: number): number {
  const isNew = version === undefined && conditionOf(node.status.conditions, "Ready") === undefined;
  return seenMs + (isNew ? STARTUP_GRACE_MS : HEARTBEAT_GRACE_MS) - elapsedMs;
}

/** The status of a node whose agent is silent. */
function unknownStatus(node: Node, nowMs: number): Node["status"] {
  const unknown = REPORTED.flatMap((type): NodeCondition[] => {
    const before = conditionOf(node.status.conditions, type);
    if (before?.status === "Unknown") return [];
    const cause = before === undefined
      ? { reason: "NodeStatusNeverUpdated", message: "Kubelet never posted node status." }
      : { reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
    return [{ ...before, type, status: "Unknown", ...cause }];
  });
  if (unknown.length === 0) return node.status;
  return { ...node.status, conditions: withConditions(node.status.conditions, unknown, nowMs) };
}

function lostPlan(node: Node, status: Node["status"]): Plan {
  const wasReady = isConditionTrue(node.status.conditions, "Ready");
  const { name } = node.metadata;
  const event = recordEvent({
    about: node,
    type: "Normal",
    reason: "NodeNotReady",
    message: `Node ${name} status is now: NodeNotReady`,
  });
  return plan([updateStatus(nodes, { ...node, status }), ...wasReady ? [event] : []]);
}

function isUnreachable({ status }: Node): boolean {
  return conditionOf(status.conditions, "Ready")?.status === "Unknown";
}

/** The taints that follow from the state of the node, with the times that they have; those of others stay. */
function taintsOf(node: Node, nowMs: number): Taint[] {
  const { spec: { taints = [], unschedulable }, status: { conditions } } = node;
  const ready = conditionOf(conditions, "Ready");
  const wanted: Taint[] = [];
  const want = (key: string, effect: Taint["effect"]) => {
    const before = taints.find((taint) => taint.key === key && taint.effect === effect);
    wanted.push(before ?? { key, effect, timeAdded: timestamp(nowMs) });
  };
  if (unschedulable) want(UNSCHEDULABLE, "NoSchedule");
  for (const [type, status, key] of PRESSURES) {
    if (conditionOf(conditions, type)?.status === status) want(key, "NoSchedule");
  }
  if (ready?.status !== "True") {
    const key = ready?.status === "Unknown" ? UNREACHABLE : NOT_READY;
    want(key, "NoSchedule");
    if (ready !== undefined) want(key, "NoExecute");
  }
  const others = taints.filter((taint) => !MANAGED_TAINTS.includes(taint.key));
  const kept = taints.filter((taint) => others.includes(taint) || wanted.includes(taint));
  return [...kept, ...wanted.filter((taint) => !kept.includes(taint))];
}

function withTaints(node: Node, taints: Taint[]): Write {
  const { taints: _, ...spec } = node.spec;
  return update(nodes, { ...node, spec: taints.length > 0 ? { ...spec, taints } : spec });
}

/**
 * The pods to mark as not ready, each once, so that Services stop sending to them. Which these are is settled when the
 * node is lost: one that becomes ready after that was reported by its agent, which is back and will report on the node
 * too. Times of the node and of its pods are compared only when nothing better is known, after a restart of the server:
 * the clock of their agent may be wrong.
 */
function podsToMarkOf(node: Node, view: View, before: NodeMemory["podsToMark"]): readonly Pod[] {
  if (!isUnreachable(node)) return [];
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

import { msOf } from "../../lib/timestamp.ts";
import type { ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import type { Moment } from "../../lib/clock.ts";
import { type Node, nodes, type Taint } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type ControllerWithMemory,
  earliest,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { isActive, withDisruptionTarget } from "../../resources/core/pods/pod_states.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { OFFLINE } from "../../resources/core/nodes/autonomy.ts";
import {
  isDefaultToleration,
  UNREACHABLE,
  withDefaultTolerations,
} from "../../resources/core/pods/spec/default_tolerations.ts";
import { evictingTaints } from "./node_taints.ts";
import { HEARTBEAT_GRACE_MS } from "./nodes.ts";
import { tolerates } from "./taints.ts";

/** Since when taints are on a node, by their keys, and pods, by their uids, on a clock that does not jump. */
type PresentSince = ReadonlyMap<string, number>;

/** Pods that will be deleted when their time has come, by their uids. */
type Scheduled = ReadonlyMap<string, Pod>;

interface EvictionMemory {
  readonly since: PresentSince;
  readonly scheduled: Scheduled;
}

const NOBODY: Scheduled = new Map();

/**
 * Deletes pods from nodes with taints of the effect NoExecute, once both have been there for as long as the
 * pods tolerate.
 *
 * When a taint or a pod is first seen, `timeAdded` and the time of scheduling say how old it is; from then on a clock
 * counts that nobody can set. So a server whose clock is corrected does not evict the pods of all nodes that are away
 * for a moment. Nor does one that starts: taints of nodes that were away before are taken off then (see
 * `large_outages.ts`), and do not count for the first grace period.
 *
 * Kubernetes: `pkg/controller/tainteviction`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export function evictionController(
  { graceMs = HEARTBEAT_GRACE_MS }: { graceMs?: number } = {},
): ControllerWithMemory<Node, EvictionMemory> {
  return {
    name: "taint-eviction-controller",
    resource: nodes,
    watches: [{ resource: pods, concerns: nodeOf }],
    workers: 1,
    reconcile(node, view, nowMs, { memory, elapsedMs }) {
      const { name } = node.metadata;
      const before = memory.get(name);
      const startMs = memory.get(START)?.since.get(START) ?? elapsedMs;
      const quietMs = startMs + graceMs - elapsedMs;
      const all = noExecuteTaints(node);
      const taints = quietMs > 0 ? all.filter((taint) => !isOurs(taint)) : all;
      const there = taints.length > 0 ? view.by(pods, "node", name) : [];
      const active = there.filter(isActive);
      const since = sinceOf(taints, active, before?.since, { nowMs, elapsedMs });
      const due = active.map((pod) => ({ pod, dueMs: evictionMs(pod, taints, since) }));
      const scheduled = scheduledOf(due, there, before?.scheduled, elapsedMs);
      const { writes, againAfterMs } = evictions(due, { nowMs, elapsedMs });
      const cancelled = cancellations(due, before?.scheduled, scheduled, elapsedMs);
      const laterMs = taints.length < all.length ? quietMs : undefined;
      return {
        ...plan([...cancelled, ...writes], earliest(againAfterMs, laterMs)),
        remember: [
          [START, { since: new Map([[START, startMs]]), scheduled: NOBODY }],
          [name, taints.length > 0 ? { since, scheduled } : undefined],
        ],
      };
    },
    gone: ({ name }) => ({ ...NOTHING, remember: [[name, undefined]] }),
  };
}

/** Under this key it is remembered when the controller began; no node has this name. */
const START = "";

function isOurs(taint: Taint): boolean {
  return evictingTaints([taint]).length > 0;
}

function sinceOf(
  taints: readonly Taint[],
  active: readonly Pod[],
  known: PresentSince | undefined,
  { nowMs, elapsedMs }: Moment,
): PresentSince {
  const times = [
    ...taints.map((taint) => [taintKey(taint), taint.timeAdded] as const),
    ...active.map((pod) => [pod.metadata.uid, scheduledAt(pod)] as const),
  ];
  return new Map(times.map(([key, time]) => {
    const ageMs = time === undefined ? 0 : Math.max(0, nowMs - msOf(time));
    return [key, known?.get(key) ?? elapsedMs - ageMs];
  }));
}

/** A pod that was created on its node has been there from the start. */
function scheduledAt({ metadata, status }: Pod): string | undefined {
  const scheduled = conditionOf(status.conditions, "PodScheduled");
  return scheduled?.lastTransitionTime ?? metadata.creationTimestamp;
}

function taintKey({ key, value = "", timeAdded = "" }: Taint): string {
  return `${key}=${value} ${timeAdded}`;
}

function nodeOf(pod: KubeObject, view: View): ObjectName[] {
  const name = (pod as Pod).spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node && noExecuteTaints(node).length > 0 ? [node.metadata] : [];
}

const WHY_EVICTED = {
  reason: "DeletionByTaintManager",
  message: "Taint manager: deleting due to NoExecute taint",
};

/** A pod, and when it has to go; `undefined`: never. */
interface Due {
  readonly pod: Pod;
  readonly dueMs: number | undefined;
}

function evictions(due: readonly Due[], { nowMs, elapsedMs }: Moment): Plan {
  const victims = due.filter((one) => isVictim(one, elapsedMs));
  const next = due.map(({ dueMs }) => dueMs).filter((dueMs) =>
    dueMs === undefined || dueMs > elapsedMs
  )
    .reduce(earliest, undefined);
  const marks = victims.map(({ pod }) =>
    updateStatus(pods, withDisruptionTarget(pod, WHY_EVICTED, nowMs))
  );
  const deletions = victims.map(({ pod }) =>
    remove(pods, pod, { event: noticeOf(pod, "Marking for deletion Pod") })
  );
  return plan([...marks, ...deletions], next === undefined ? undefined : next - elapsedMs);
}

function isVictim({ dueMs }: Due, elapsedMs: number): boolean {
  return dueMs !== undefined && dueMs <= elapsedMs;
}

/** Those whose time will come. One that somebody else is deleting remains, until it is gone. */
function scheduledOf(
  due: readonly Due[],
  there: readonly Pod[],
  before: Scheduled = NOBODY,
  elapsedMs: number,
): Scheduled {
  const waiting = due.flatMap(({ pod, dueMs }) =>
    dueMs !== undefined && dueMs > elapsedMs ? [pod] : []
  );
  const ending = there.filter((pod) => !isActive(pod) && before.has(pod.metadata.uid));
  return new Map([...waiting, ...ending].map((pod) => [pod.metadata.uid, pod]));
}

/** Events of those that were to be deleted and will not be: their taint is gone, or they tolerate it now, or they are gone. */
function cancellations(
  due: readonly Due[],
  before: Scheduled = NOBODY,
  scheduled: Scheduled,
  elapsedMs: number,
): Write[] {
  if (before.size === 0) return [];
  const deletedInTime = new Set(
    due.filter((one) => isVictim(one, elapsedMs) && one.dueMs !== -Infinity)
      .map(({ pod }) => pod.metadata.uid),
  );
  return [...before].flatMap(([uid, pod]) =>
    scheduled.has(uid) || deletedInTime.has(uid)
      ? []
      : [recordEvent(noticeOf(pod, "Cancelling deletion of Pod"))]
  );
}

function noticeOf(pod: Pod, what: string): Notice {
  const { namespace, name } = pod.metadata;
  const message = `${what} ${namespace}/${name}`;
  return { about: pod, type: "Normal", reason: "TaintManagerEviction", message };
}

function noExecuteTaints({ spec: { taints = [] } }: Node): Taint[] {
  return taints.filter(({ effect }) => effect === "NoExecute");
}

/**
 * When the pod is evicted: at once when it does not tolerate one of the taints, else when the shortest time
 * for which it tolerates one is over, since both came together; `undefined` when it may stay. Of several tolerations
 * that fit a taint the first counts. Kubernetes: `GetMatchingTolerations`.
 */
function evictionMs(pod: Pod, taints: readonly Taint[], since: PresentSince): number | undefined {
  const dueTimes = taints.flatMap((taint) => {
    const stayMs = isOfOffline(taint) ? ownStayMs(pod) ?? Infinity : stayMsOf(pod, taint);
    if (stayMs === Infinity) return [];
    const fromMs = Math.max(since.get(taintKey(taint))!, since.get(pod.metadata.uid)!);
    return [fromMs + stayMs];
  });
  return dueTimes.length === 0 ? undefined : Math.min(...dueTimes);
}

/** How long the pod stays on a node with the taint. */
function stayMsOf({ spec }: Pod, taint: Taint): number {
  const tolerations = withDefaultTolerations(spec.tolerations);
  const fitting = tolerations.find((toleration) => tolerates(toleration, taint));
  if (fitting === undefined) return -Infinity;
  const { tolerationSeconds } = fitting;
  return tolerationSeconds === undefined ? Infinity : Math.max(0, tolerationSeconds) * 1_000;
}

/**
 * How long the pod stays on a node that cannot be reached although it is left alone; `undefined`: for as long as the
 * node is. It has to say so itself: what admission gives to every pod does not count.
 */
export function ownStayMs({ spec: { tolerations = [] } }: Pod): number | undefined {
  const fitting = tolerations.find((toleration) => tolerates(toleration, LOST));
  if (fitting?.tolerationSeconds === undefined || isDefaultToleration(fitting)) return undefined;
  return Math.max(0, fitting.tolerationSeconds) * 1_000;
}

const LOST: Taint = { key: UNREACHABLE, effect: "NoExecute" };

function isOfOffline({ key, value }: Taint): boolean {
  return key === UNREACHABLE && value === OFFLINE;
}

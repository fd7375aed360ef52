import type { View } from "../client/client.ts";
import {
  bind,
  keyOf,
  type Loop,
  nameOf,
  NOTHING,
  type Plan,
  plan,
  tell,
  updateStatus,
} from "../controllers/runtime/controller.ts";
import { isFinished } from "../resources/core/pods/pod_states.ts";
import { conditionOf, withCondition } from "../resources/conditions.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import type { PodCondition } from "../resources/core/pods/pod_status.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { NodeStates } from "./node_states.ts";
import { place } from "./place.ts";
import type { Plugin } from "./plugin.ts";

/** Also what pods call this scheduler in `spec.schedulerName`. */
export const SCHEDULER_NAME = "default-scheduler";
/** Bindings under way at once; placing itself is never interrupted. */
const WORKERS = 64;

/**
 * Binds pods to nodes. A loop like any controller's, but it keeps what is used of each node instead of counting
 * all pods for each: changes feed it, and a pod counts from when its node is chosen. A pod that fits nowhere is
 * looked at again when a pod goes or a node comes or changes, not before.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
 */
export function scheduler(plugins: readonly Plugin[]): Loop {
  return {
    name: SCHEDULER_NAME,
    workers: WORKERS,
    start(view, add) {
      const desk = new Desk(plugins, add);
      const stops = [
        view.subscribe(nodes, ({ type, object }) => {
          if (type === "DELETED") desk.nodeGone(object.metadata.name);
          else desk.nodeSeen(object);
        }),
        view.subscribe(pods, ({ type, object }) => {
          if (type === "DELETED") desk.podGone(object);
          else desk.podSeen(object);
        }),
      ];
      for (const node of view.list(nodes)) desk.nodeSeen(node);
      for (const pod of view.list(pods)) desk.podSeen(pod);
      return {
        reconcile: (key, { nowMs }) => desk.decide(key, view, nowMs),
        stop: () => stops.forEach((stop) => stop()),
      };
    },
  };
}

/** What the scheduler knows between two decisions. */
class Desk {
  readonly #plugins: readonly Plugin[];
  readonly #add: (key: string) => void;
  readonly #states = new NodeStates();
  /** Keys of pods that fit nowhere. */
  readonly #waiting = new Set<string>();
  #from = 0;

  constructor(plugins: readonly Plugin[], add: (key: string) => void) {
    this.#plugins = plugins;
    this.#add = add;
  }

  nodeSeen(node: Parameters<NodeStates["setNode"]>[0]): void {
    if (this.#states.setNode(node)) this.#wake();
  }

  nodeGone(name: string): void {
    this.#states.removeNode(name);
    this.#wake(); // what it says of why it waits is no longer true
  }

  podSeen(pod: Pod): void {
    if (isFinished(pod)) return this.podGone(pod);
    if (pod.spec.nodeName === undefined) return this.#add(keyOf(pod.metadata));
    this.#waiting.delete(keyOf(pod.metadata));
    this.#states.place(pod, pod.spec.nodeName);
  }

  podGone(pod: Pod): void {
    this.#waiting.delete(keyOf(pod.metadata));
    if (this.#states.release(pod.metadata.uid) !== undefined) this.#wake();
  }

  decide(key: string, view: View, nowMs: number): Plan {
    const pod = view.get(pods, nameOf(key));
    this.#waiting.delete(key);
    if (pod === undefined || !isOurs(pod)) return NOTHING;
    // Looked at again without a node: its binding has failed.
    const before = this.#states.release(pod.metadata.uid);
    if (pod.spec.schedulingGates?.length) return waits(pod, GATED, nowMs);
    const placement = place(pod, this.#states.all(), this.#plugins, this.#from++);
    if ("unschedulable" in placement) {
      this.#waiting.add(key);
      if (before !== undefined) this.#wake();
      return waits(pod, { reason: "Unschedulable", message: placement.unschedulable }, nowMs);
    }
    this.#states.place(pod, placement.node);
    if (before !== undefined && before !== placement.node) this.#wake();
    return bound(pod, placement.node);
  }

  #wake(): void {
    for (const key of this.#waiting) this.#add(key);
  }
}

function isOurs({ metadata, spec, status }: Pod): boolean {
  return spec.nodeName === undefined && metadata.deletionTimestamp === undefined &&
    spec.schedulerName === SCHEDULER_NAME && status.phase === "Pending";
}

function bound(pod: Pod, node: string): Plan {
  const { namespace, name } = pod.metadata;
  return plan([
    bind(pod.metadata, node),
    tell({
      about: pod,
      type: "Normal",
      reason: "Scheduled",
      message: `Successfully assigned ${namespace}/${name} to ${node}`,
    }),
  ]);
}

type Why = Required<Pick<PodCondition, "reason" | "message">>;

const GATED: Why = {
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Says why the pod waits, unless it is known. */
function waits(pod: Pod, { reason, message }: Why, nowMs: number): Plan {
  const before = conditionOf(pod.status.conditions, "PodScheduled");
  if (before?.status === "False" && before.reason === reason && before.message === message) {
    return NOTHING;
  }
  const conditions = withCondition(
    pod.status.conditions,
    { type: "PodScheduled", status: "False", reason, message },
    nowMs,
  );
  const written = updateStatus(pods, { ...pod, status: { ...pod.status, conditions } });
  if (reason === GATED.reason) return plan([written]);
  return plan([
    written,
    tell({ about: pod, type: "Warning", reason: "FailedScheduling", message }),
  ]);
}

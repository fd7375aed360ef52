import type { View } from "../client/client.ts";
import {
  act,
  keyOf,
  type Loop,
  nameOf,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  updateStatus,
  type Write,
} from "../controllers/runtime/controller.ts";
import { bindingTo } from "../resources/core/pods/binding.ts";
import { isFinished } from "../resources/core/pods/pod_states.ts";
import { conditionOf, withCondition } from "../resources/conditions.ts";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import type { PodCondition } from "../resources/core/pods/pod_status.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { type NodeChange, NodeStates } from "./node_states.ts";
import { place, type Unschedulable } from "./place.ts";
import type { Plugin } from "./plugin.ts";
import type { Snapshot } from "./snapshot.ts";
import { UnschedulablePods } from "./unschedulable_pods.ts";

/** Also what pods call this scheduler in `spec.schedulerName`. */
export const SCHEDULER_NAME = "default-scheduler";
/** Bindings in flight at once; placing itself is synchronous. */
const WORKERS = 64;

/**
 * Binds pods to nodes. A loop like any controller's, but it keeps the state of each node current instead of reading
 * all pods for each decision; a pod counts from the moment its node is chosen. A pod that fits nowhere is tried again
 * after a change that may help, according to the plugins that refused it.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
 */
export function scheduler(plugins: readonly Plugin[]): Loop {
  return {
    name: SCHEDULER_NAME,
    workers: WORKERS,
    start(view, add) {
      const state = new SchedulingState(plugins, view, add);
      const stops = [
        view.subscribe(nodes, ({ type, object }) => {
          if (type === "DELETED") state.nodeGone(object.metadata.name);
          else state.nodeSeen(object);
        }),
        view.subscribe(pods, ({ type, object }) => {
          if (type === "DELETED") state.podGone(object);
          else state.podSeen(object);
        }),
        ...readByPlugins(plugins).map((resource) =>
          view.subscribe(resource, ({ object }) => state.objectChanged(resource, object))
        ),
      ];
      for (const node of view.list(nodes)) state.nodeSeen(node);
      for (const pod of view.list(pods)) state.podSeen(pod);
      return {
        reconcile: (key, { nowMs }) => state.decide(key, nowMs),
        stop: () => stops.forEach((stop) => stop()),
      };
    },
  };
}

function readByPlugins(plugins: readonly Plugin[]): AnyResource[] {
  return [...new Set(plugins.flatMap(({ reads = [] }) => reads))];
}

/** What the scheduler knows between two decisions. */
class SchedulingState {
  readonly #plugins: readonly Plugin[];
  readonly #add: (key: string) => void;
  readonly #states: NodeStates;
  readonly #snapshot: Snapshot;
  readonly #unschedulable: UnschedulablePods;
  #start = 0;

  constructor(plugins: readonly Plugin[], view: View, add: (key: string) => void) {
    const states = new NodeStates(plugins);
    this.#plugins = plugins;
    this.#add = add;
    this.#states = states;
    this.#snapshot = {
      get nodes() {
        return states.all();
      },
      view,
    };
    this.#unschedulable = new UnschedulablePods(plugins, add);
  }

  nodeSeen(node: Node): void {
    this.#wakeBy(this.#states.setNode(node));
  }

  nodeGone(name: string): void {
    this.#states.removeNode(name);
    this.#unschedulable.wakeAll(); // their messages say how many nodes there are
  }

  podSeen(pod: Pod): void {
    if (isFinished(pod)) return this.podGone(pod);
    const key = keyOf(pod.metadata);
    if (pod.spec.nodeName === undefined) return this.#add(key);
    this.#unschedulable.delete(key);
    this.#states.place(pod, pod.spec.nodeName).forEach((change) => this.#wakeBy(change));
  }

  podGone({ metadata }: Pod): void {
    this.#unschedulable.delete(keyOf(metadata));
    this.#wakeBy(this.#states.release(metadata.uid));
  }

  objectChanged(resource: AnyResource, object: KubeObject): void {
    this.#unschedulable.objectChanged(resource, object, this.#snapshot);
  }

  decide(key: string, nowMs: number): Plan {
    const pod = this.#snapshot.view.get(pods, nameOf(key));
    this.#unschedulable.delete(key);
    if (pod === undefined || !isOurs(pod)) return NOTHING;
    // It was placed and still has no node: its binding failed.
    const released = this.#states.release(pod.metadata.uid);
    if (pod.spec.schedulingGates?.length) {
      this.#wakeBy(released);
      return waitBecause(pod, GATED, nowMs);
    }
    const placement = place(pod, this.#snapshot, this.#plugins, this.#start++);
    if ("message" in placement) {
      this.#wakeBy(released);
      this.#unschedulable.add(pod, placement.refusers);
      return waitForRoom(pod, placement, nowMs);
    }
    const [change] = this.#states.place(pod, placement.node);
    if (released?.state !== change?.state) this.#wakeBy(released);
    this.#wakeBy(change);
    return this.#prepared(pod, placement.node) ?? bindTo(pod, placement.node);
  }

  /** What is done first, while the pod keeps its place. */
  #prepared(pod: Pod, name: string): Plan | undefined {
    const node = this.#snapshot.view.get(nodes, { name });
    if (node === undefined) return undefined;
    const writes: Write[] = [];
    const waitsFor = this.#plugins.filter((plugin) => {
      const missing = plugin.preBind?.(pod, node, this.#snapshot);
      writes.push(...missing ?? []);
      return missing !== undefined;
    });
    if (waitsFor.length === 0) return undefined;
    this.#unschedulable.add(pod, new Set(waitsFor));
    return plan(writes);
  }

  #wakeBy(change: NodeChange | undefined): void {
    if (change !== undefined) this.#unschedulable.nodeChanged(change, this.#snapshot);
  }
}

function isOurs({ metadata, spec, status }: Pod): boolean {
  return spec.nodeName === undefined && metadata.deletionTimestamp === undefined &&
    spec.schedulerName === SCHEDULER_NAME && status.phase === "Pending";
}

function bindTo(pod: Pod, node: string): Plan {
  const { namespace, name } = pod.metadata;
  return plan([
    act(pods, pod.metadata, "binding", bindingTo(node)),
    recordEvent({
      about: pod,
      type: "Normal",
      reason: "Scheduled",
      message: `Successfully assigned ${namespace}/${name} to ${node}`,
    }),
  ]);
}

type WaitReason = Required<Pick<PodCondition, "reason" | "message">>;

const GATED: WaitReason = {
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Reports why the pod waits, and evicts the victims that would make room for it. */
function waitForRoom(pod: Pod, { message, preemption }: Unschedulable, nowMs: number): Plan {
  const { writes } = waitBecause(pod, { reason: "Unschedulable", message }, nowMs);
  if (preemption === undefined) return plan(writes);
  const { node, victims } = preemption;
  return plan([...victims.map((victim) => evict(victim, pod, node)), ...writes]);
}

/** Kubernetes: `prepareCandidate` in `pkg/scheduler/framework/preemption`. */
function evict(victim: Pod, { metadata: { uid } }: Pod, node: string): Write {
  const message = `Preempted by pod ${uid} on node ${node}`;
  return remove(pods, victim, {
    event: { about: victim, type: "Normal", reason: "Preempted", message },
  });
}

/** Reports why the pod waits, unless its condition says so already. */
function waitBecause(pod: Pod, { reason, message }: WaitReason, nowMs: number): Plan {
  const before = conditionOf(pod.status.conditions, "PodScheduled");
  if (before?.status === "False" && before.reason === reason && before.message === message) {
    return NOTHING;
  }
  const conditions = withCondition(
    pod.status.conditions,
    { type: "PodScheduled", status: "False", reason, message },
    nowMs,
  );
  const write = updateStatus(pods, { ...pod, status: { ...pod.status, conditions } });
  if (reason === GATED.reason) return plan([write]);
  return plan([
    write,
    recordEvent({ about: pod, type: "Warning", reason: "FailedScheduling", message }),
  ]);
}

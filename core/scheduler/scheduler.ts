import type { View } from "../client/client.ts";
import {
  keyOf,
  type Loop,
  nameOf,
  NOTHING,
  type Plan,
  plan,
  type Write,
} from "../controllers/runtime/controller.ts";
import type { Moment } from "../lib/clock.ts";
import { isFinished } from "../resources/core/pods/pod_states.ts";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { isGoing, priorityOf } from "./evictable_pods.ts";
import { type NodeChange, NodeStates } from "./node_states.ts";
import { Nominations } from "./nominations.ts";
import { place, type PluginRun, type Unschedulable } from "./place.ts";
import type { Plugin } from "./plugin.ts";
import { profileOf } from "./profiles.ts";
import { bindTo, evictAll, GATED, waitBecause, withdrawNomination } from "./pod_writes.ts";
import type { Snapshot } from "./snapshot.ts";
import { UnschedulablePods } from "./unschedulable_pods.ts";

/** What its events come from. */
const NAME = "default-scheduler";
/** Bindings in flight at once; placing itself is synchronous. */
const WORKERS = 64;
/** A pod that waits is tried again after so long even if nothing changes: `podMaxInUnschedulablePodsDuration`. */
const RETRY_MS = 300_000;

/**
 * Binds pods to nodes, those of the highest priority first. A loop like any controller's, but it keeps the state of each
 * node current instead of reading all pods for each decision; a pod counts from the moment its node is chosen. A pod that
 * fits nowhere is tried again after a change that may help, according to the plugins that refused it.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
 */
export function scheduler(plugins: readonly Plugin[]): Loop {
  return {
    name: NAME,
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
        priorityOf: (key) => state.priorityOf(key),
        reconcile: (key, moment) => state.decide(key, moment),
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
  readonly #run: PluginRun;
  readonly #add: (key: string, notBeforeMs?: number) => void;
  readonly #states: NodeStates;
  readonly #snapshot: Snapshot;
  readonly #unschedulable: UnschedulablePods;
  readonly #nominations = new Nominations();
  /** Pods that are to be evicted and have not left yet, with the uid of the pod that they make room for. */
  readonly #condemned = new Map<string, string>();
  #start = 0;

  constructor(
    plugins: readonly Plugin[],
    view: View,
    add: (key: string, notBeforeMs?: number) => void,
  ) {
    const states = new NodeStates(plugins);
    this.#run = { plugins, clusterTallies: states.clusterTallies };
    this.#add = add;
    this.#states = states;
    this.#snapshot = {
      get nodes() {
        return states.all();
      },
      view,
      condemned: this.#condemned,
      nodeNamed: (name) => states.get(name),
      nominatedOn: (node) => this.#nominations.on(node),
      tryOn: (node, decide) => states.tryOn(node, decide),
    };
    this.#unschedulable = new UnschedulablePods(this.#run, add);
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
    const { nodeName } = pod.spec;
    if (nodeName === undefined) {
      this.#noteNomination(pod);
      if (!this.#unschedulable.isStillWaiting(pod)) this.#add(key);
      return;
    }
    this.#unschedulable.forget(key);
    const changes = this.#states.place(pod, nodeName);
    this.#giveUpRoom(pod.metadata.uid, nodeName);
    changes.forEach((change) => this.#wakeBy(change));
  }

  podGone({ metadata }: Pod): void {
    const { uid } = metadata;
    this.#unschedulable.forget(keyOf(metadata));
    this.#condemned.delete(uid);
    this.#giveUpRoom(uid, undefined);
    this.#pardon(uid);
    this.#wakeBy(this.#states.release(uid));
  }

  objectChanged(resource: AnyResource, object: KubeObject): void {
    this.#unschedulable.objectChanged(resource, object, this.#snapshot);
  }

  priorityOf(key: string): number {
    return this.#snapshot.view.get(pods, nameOf(key))?.spec.priority ?? 0;
  }

  decide(key: string, { nowMs, elapsedMs }: Moment): Plan {
    const pod = this.#snapshot.view.get(pods, nameOf(key));
    this.#unschedulable.takeOut(key);
    if (pod === undefined || !isOurs(pod)) return NOTHING;
    const { uid } = pod.metadata;
    // It was placed and still has no node: its binding failed. Or pods were not evicted as it had been decided.
    const released = this.#states.release(uid);
    this.#pardon(uid);
    if (pod.spec.schedulingGates?.length) {
      this.#wakeBy(released);
      return waitBecause(pod, GATED, pod.status.nominatedNodeName, nowMs);
    }
    const placement = place(this.#withNomination(pod), this.#snapshot, this.#run, this.#start);
    if ("message" in placement) {
      this.#wakeBy(released);
      this.#unschedulable.add(pod, placement.refusers, elapsedMs);
      return this.#waitForRoom(pod, placement, nowMs);
    }
    this.#start = (this.#start + placement.examined) % this.#snapshot.nodes.length;
    const [change] = this.#states.place(pod, placement.node);
    if (released?.state !== change?.state) this.#wakeBy(released);
    this.#giveUpRoom(uid, placement.node);
    this.#wakeBy(change);
    return this.#prepared(pod, placement.node) ?? bindTo(pod, placement.node);
  }

  /** What is done first, while the pod keeps its place. */
  #prepared(pod: Pod, name: string): Plan | undefined {
    const { node } = this.#states.get(name)!;
    const writes: Write[] = [];
    const waitsFor = this.#run.plugins.filter((plugin) => {
      const missing = plugin.preBind?.(pod, node, this.#snapshot);
      writes.push(...missing ?? []);
      return missing !== undefined;
    });
    if (waitsFor.length === 0) return undefined;
    this.#unschedulable.add(pod, new Set(waitsFor));
    return plan(writes);
  }

  /** Reports why the pod waits, and evicts the victims that would make room for it. */
  #waitForRoom(pod: Pod, { message, preemption }: Unschedulable, nowMs: number): Plan {
    const { uid } = pod.metadata;
    const writes: Write[] = [];
    if (preemption !== undefined && "node" in preemption) {
      writes.push(...this.#preempt(pod, preemption, nowMs));
    } else if (preemption?.keepsNomination === false) {
      this.#giveUpRoom(uid, undefined);
    }
    const nominated = this.#nominations.nodeOf(uid);
    const waiting = waitBecause(pod, { reason: "Unschedulable", message }, nominated, nowMs);
    return plan([...writes, ...waiting.writes], RETRY_MS);
  }

  /** Pods of lower priority for which room was kept on the node have to look for another one. */
  #preempt(
    pod: Pod,
    { node, victims }: { node: string; victims: readonly Pod[] },
    nowMs: number,
  ): Write[] {
    const displaced = this.#nominations.on(node).filter((other) =>
      priorityOf(other) < priorityOf(pod)
    );
    const living = victims.filter((victim) => !isGoing(victim, this.#condemned));
    for (const other of displaced) {
      this.#nominations.delete(other.metadata.uid);
      this.#unschedulable.wake(keyOf(other.metadata));
    }
    this.#nominations.set(pod, node);
    for (const { metadata } of living) this.#condemned.set(metadata.uid, pod.metadata.uid);
    const current = (each: Pod) => this.#snapshot.view.get(pods, each.metadata) ?? each;
    return [
      ...evictAll(living.map(current), pod, node, nowMs),
      ...displaced.map(current).filter(({ status }) => status.nominatedNodeName !== undefined)
        .map(withdrawNomination),
    ];
  }

  /** What is decided, but not written yet, counts too. */
  #withNomination(pod: Pod): Pod {
    const node = this.#nominations.nodeOf(pod.metadata.uid);
    if (node === pod.status.nominatedNodeName || node === undefined) return pod;
    return { ...pod, status: { ...pod.status, nominatedNodeName: node } };
  }

  #noteNomination(pod: Pod): void {
    const { nominatedNodeName } = pod.status;
    if (nominatedNodeName && isOurs(pod)) this.#nominations.set(pod, nominatedNodeName);
  }

  /** No room is kept for a pod any longer; that helps others, unless it went there itself. */
  #giveUpRoom(uid: string, placedOn: string | undefined): void {
    const given = this.#nominations.delete(uid);
    if (given === undefined || given.node === placedOn) return;
    const state = this.#states.get(given.node);
    if (state !== undefined) this.#wakeBy({ type: "podRemoved", state, pod: given.pod });
  }

  /** Pods that were to be evicted for this one, and have not been yet, are not. */
  #pardon(preemptor: string): void {
    for (const [victim, uid] of this.#condemned) {
      if (uid === preemptor) this.#condemned.delete(victim);
    }
  }

  #wakeBy(change: NodeChange | undefined): void {
    if (change !== undefined) this.#unschedulable.nodeChanged(change, this.#snapshot);
  }
}

function isOurs(pod: Pod): boolean {
  const { metadata, spec, status } = pod;
  return spec.nodeName === undefined && metadata.deletionTimestamp === undefined &&
    profileOf(pod) !== undefined && status.phase === "Pending";
}

import type { ContainerState } from "../../agent/runtimes/container_runtime.ts";
import type { ViewEvent } from "../../core/client/client.ts";
import type { Deployment } from "../../core/resources/apps/deployments.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import { leases } from "../../core/resources/coordination/leases.ts";
import { groupResourceOf } from "../../core/resources/resource.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import type { Entry, Revision, Store, StoreEvent } from "../../core/store/store.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import type { WatchedDisk } from "./faulty_journal.ts";
import { MACHINE_CPU_MILLIS, MACHINE_PODS_MAX, type SimulatedMachine } from "./machine.ts";
import { PodLedger } from "./pod_facts.ts";
import { RolloutLimits } from "./rollout_limits.ts";

/** Kinds that live in memory only. */
const VOLATILE: ReadonlySet<string> = new Set([groupResourceOf(leases)]);
/** A container of a pod that is gone may run this long: its grace, back-offs and a missed notice included. */
const ORPHAN_MS = 150_000;
/** Endpoints of a pod that is gone may be served this long while all goes well … */
const ENDPOINT_MS = 2_000;
/** … and this long after something went wrong with the server: its loops wait up to a minute. */
const ENDPOINT_AFTER_TROUBLE_MS = 130_000;
/** A machine that has been well for so long has been heard of within the time in which nodes must be. */
const LOST_AFTER_MS = 70_000;
/** What has held for so long has reached an agent over a good link. */
const KNOWN_MS = 1_000;
/** Requests that turn back to a pod that has answered its last one may find it stopped. */
const TURNED_BACK_MS = 10;
/** Half of the grace that the simulator's pods have: so long requests under way are waited for at least. */
const DRAIN_MS_MIN = 2_400;
/** No object is written more often than this in a second: whoever does so answers to an echo. */
const WRITES_A_SECOND_MAX = 60;

export interface SafetyOptions {
  elapsedMs: () => number;
  /** When the server or its disk last failed; `-Infinity` when they never did. */
  serverTroubleMs: () => number;
  /** When the machine, its agent or its link last failed. */
  machineTroubleMs: (name: string) => number;
}

/**
 * What must hold at every moment. Everything is worked out from the changes that the store tells, apart from the
 * product's own code. Faults are collected; the first one is what matters.
 */
export class Safety {
  readonly faults: string[] = [];
  readonly pods = new PodLedger();
  readonly #options: SafetyOptions;
  readonly #limits: RolloutLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #goneUids = new Set<string>();
  readonly #writes = new Map<string, number>();
  /** The last version of each object that a life of a machine's agent was told of. */
  readonly #mirrored = new Map<string, number>();
  readonly #lostNodes = new Set<string>();
  #second = 0;
  #revision: Revision = 0;

  constructor(options: SafetyOptions) {
    this.#options = options;
    const { elapsedMs, serverTroubleMs } = options;
    this.#limits = new RolloutLimits(this.pods, {
      extraStaleMs: () => elapsedMs() - serverTroubleMs() < 120_000 ? 120_000 : 0,
    });
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  /** A server has read its disk: what anybody could see before is there, and nothing else but the last write. */
  opened(store: Store, disk: WatchedDisk): void {
    if (store.revision < this.#revision) {
      this.fault(`the revision fell from ${this.#revision} to ${store.revision}`);
    }
    const unseen = disk.writtenAfter(this.#revision);
    for (const [path, entry] of [...this.#entries]) {
      if (VOLATILE.has(entry.key[0])) this.#entries.delete(path);
      else this.#compare(entry, store.get(entry.key), unseen.has(path));
    }
    for (const entry of RESOURCES.flatMap((kind) => store.list([groupResourceOf(kind)]))) {
      if (this.#entries.has(pathOf(entry))) continue;
      if (!unseen.has(pathOf(entry))) this.fault(`${pathOf(entry)} is there, and was not`);
      this.#take("ADDED", entry);
    }
    this.#revision = store.revision;
  }

  /** Everything that the store tells, in order. `disk`: what is durable by now. */
  changed({ type, entry, previous, revision }: StoreEvent, disk: WatchedDisk): void {
    const path = pathOf(entry);
    const known = this.#entries.get(path);
    if (revision <= this.#revision) {
      this.fault(`${path} came as ${revision} after ${this.#revision}`);
    }
    this.#revision = revision;
    if (entry.object.metadata.resourceVersion !== String(revision)) {
      this.fault(`${path} has the wrong resourceVersion at ${revision}`);
    }
    const expected = known === undefined ? "ADDED" : "MODIFIED";
    if (type !== "DELETED" && type !== expected) this.fault(`${path} was ${type}, not ${expected}`);
    if (previous?.revision !== known?.revision) {
      this.fault(`${path} changed from ${previous?.revision}, it was at ${known?.revision}`);
    }
    if (!VOLATILE.has(entry.key[0]) && disk.revision < revision) {
      this.fault(`${path} could be seen at ${revision} before it was durable`);
    }
    this.#countWrite(path);
    this.#take(type, entry);
  }

  /** Whoever was told that a write is done must find it done. */
  acknowledged(version: number): void {
    if (version > this.#revision) {
      this.fault(`a write was acknowledged as ${version}, only ${this.#revision} can be seen`);
    }
  }

  /** `isOrphaned`: the agent that had asked for it was killed in the meantime, and cannot know. */
  started(machine: SimulatedMachine, container: ContainerState, isOrphaned: boolean): void {
    const pod = this.pods.of(container.podUid);
    if (pod === undefined) return this.fault(`${container.id} was started for no pod`);
    if (pod.nodeName !== machine.name) {
      this.fault(`${pod.name} is on ${pod.nodeName} and was started on ${machine.name}`);
    }
    if (pod.finishedMs !== undefined && !isOrphaned) {
      this.fault(`pod ${pod.name} had finished and was started`);
    }
  }

  /**
   * A pod is asked to end only when no more requests go to it, unless there is no other to take them; and only when
   * those under way have ended, unless half of its grace is over or they have turned back to it in this very moment.
   */
  stopping(
    { name }: SimulatedMachine,
    podUid: string,
    { table, busyMs }: { table: RouteTable | undefined; busyMs: number },
  ): void {
    const nowMs = this.#options.elapsedMs();
    const troubleMs = Math.max(
      this.#options.serverTroubleMs(),
      this.#options.machineTroubleMs(name),
    );
    const pod = this.pods.of(podUid);
    const isOrderly = pod?.goneMs === undefined && pod?.deletionGraceSeconds !== 0 &&
      pod?.activeUntilMs !== Infinity;
    if (!isOrderly || nowMs - troubleMs < ENDPOINT_AFTER_TROUBLE_MS) return;
    const wasReady = pod !== undefined && pod.readySinceMs < pod.activeUntilMs - KNOWN_MS &&
      (pod.isReady || pod.activeUntilMs <= pod.readyUntilMs);
    const mayWait = nowMs - (pod?.activeUntilMs ?? nowMs) < DRAIN_MS_MIN;
    if (busyMs > TURNED_BACK_MS && wasReady && mayWait) {
      this.fault(`pod ${pod.name} is stopped amid requests`);
    }
    for (const { endpoints } of table?.backends ?? []) {
      const others = endpoints.filter((endpoint) => this.pods.of(endpoint.podUid)?.isActive);
      if (others.length > 0 && endpoints.some((endpoint) => endpoint.podUid === podUid)) {
        this.fault(`pod ${pod?.name} is stopped while requests go to it`);
      }
    }
  }

  /** What a machine is told of the API: of each object ever newer versions, and nothing after its end. */
  mirrored(machine: SimulatedMachine, { type, object }: ViewEvent): void {
    const { uid, name, resourceVersion } = object.metadata;
    const key = `${machine.name} ${machine.lives} ${uid}`;
    const last = this.#mirrored.get(key) ?? 0;
    const isOld = type === "DELETED"
      ? Number(resourceVersion) < last
      : Number(resourceVersion) <= last;
    if (isOld) {
      this.fault(`${machine.name} is told of ${name} at ${resourceVersion} after ${last}`);
    }
    this.#mirrored.set(key, type === "DELETED" ? Infinity : Number(resourceVersion));
  }

  /** What can be seen on the machines at any moment. */
  machines(machines: readonly SimulatedMachine[]): void {
    const running = new Set<string>();
    const nowMs = this.#options.elapsedMs();
    for (const machine of machines) {
      for (const { state, podUid, name } of machine.runtime.containers) {
        if (state !== "running") continue;
        const key = `${podUid}/${name}`;
        if (running.has(key)) this.fault(`container ${key} runs twice`);
        running.add(key);
        const sinceMs = this.pods.of(podUid)?.goneMs ?? Infinity;
        const troubleMs = this.#options.machineTroubleMs(machine.name);
        if (nowMs - Math.max(sinceMs, troubleMs) > ORPHAN_MS) {
          this.fault(`container ${key} runs on ${machine.name}, its pod is gone for long`);
        }
      }
    }
  }

  routed({ backends }: RouteTable): void {
    const nowMs = this.#options.elapsedMs();
    const troubleMs = this.#options.serverTroubleMs();
    const patienceMs = nowMs - troubleMs < ENDPOINT_AFTER_TROUBLE_MS
      ? ENDPOINT_AFTER_TROUBLE_MS
      : ENDPOINT_MS;
    const ofPods = backends.filter(({ name }) => !name.startsWith("default/kubernetes:"));
    for (const { podUid, address } of ofPods.flatMap(({ endpoints }) => endpoints)) {
      const pod = this.pods.of(podUid);
      if (pod === undefined) this.fault(`requests go to ${address}, which is no pod`);
      else if (!pod.wasReady) this.fault(`requests go to ${pod.name}, which was never ready`);
      else if (nowMs - (pod.goneMs ?? Infinity) > patienceMs) {
        this.fault(`requests go to ${pod.name}, which is gone`);
      }
    }
  }

  #countWrite(path: string): void {
    const second = Math.floor(this.#options.elapsedMs() / 1_000);
    if (second !== this.#second) this.#writes.clear();
    this.#second = second;
    const count = (this.#writes.get(path) ?? 0) + 1;
    this.#writes.set(path, count);
    if (count === WRITES_A_SECOND_MAX) this.fault(`${path} was written ${count} times in a second`);
  }

  /** `mayDiffer`: its last write was durable before anybody could see it. */
  #compare(before: Entry, now: Entry | undefined, mayDiffer: boolean): void {
    if (now?.revision === before.revision) return;
    const path = pathOf(before);
    if (!mayDiffer) {
      return this.fault(
        `${path} was at ${before.revision} and is at ${now?.revision}: a lost write`,
      );
    }
    if (now === undefined) return this.#take("DELETED", before);
    const isSame = now.object.metadata.uid === before.object.metadata.uid;
    if (!isSame) this.#take("DELETED", before);
    this.#take(isSame ? "MODIFIED" : "ADDED", now);
  }

  #take(type: StoreEvent["type"], entry: Entry): void {
    const { object, key: [kind] } = entry;
    const { uid, name } = object.metadata;
    if (this.#goneUids.has(uid)) this.fault(`${kind} ${name} came back from the dead`);
    if (type === "DELETED") {
      this.#entries.delete(pathOf(entry));
      this.#goneUids.add(uid);
    } else this.#entries.set(pathOf(entry), entry);
    if (kind === "nodes") this.#takeNode(type, object as unknown as Node);
    if (kind === "pods") this.#takePod(type, object as unknown as Pod);
    if (kind === "replicasets.apps") this.#takeReplicaSet(type, object as unknown as ReplicaSet);
    if (kind === "deployments.apps") this.#takeDeployment(type, object as unknown as Deployment);
  }

  /** A node is called lost only when something has kept its agent from saying that it lives. */
  #takeNode(type: StoreEvent["type"], { metadata: { uid, name }, status }: Node): void {
    const ready = status.conditions?.find((condition) => condition.type === "Ready");
    const isLost = ready?.status === "Unknown";
    const wasLost = this.#lostNodes.has(uid);
    if (type === "DELETED" || !isLost) this.#lostNodes.delete(uid);
    else this.#lostNodes.add(uid);
    const troubleMs = this.#options.machineTroubleMs(name);
    const wasFineMs = this.#options.elapsedMs() - Math.max(0, troubleMs);
    if (isLost && !wasLost && type === "MODIFIED" && wasFineMs > LOST_AFTER_MS) {
      this.fault(`node ${name} is called lost, and nothing is wrong with it`);
    }
  }

  #takePod(type: StoreEvent["type"], pod: Pod): void {
    const nowMs = this.#options.elapsedMs();
    const { uid } = pod.metadata;
    if (type === "DELETED") return this.pods.gone(uid, nowMs);
    const wasOn = this.pods.of(uid)?.nodeName;
    this.#note(this.pods.seen(pod, nowMs));
    const facts = this.pods.of(uid)!;
    if (type === "ADDED") this.#note(this.#limits.podMade(facts, nowMs));
    if (facts.nodeName !== undefined && wasOn === undefined) this.#checkRoom(facts.nodeName);
  }

  #checkRoom(node: string): void {
    const there = [...this.pods.all].filter((pod) =>
      pod.nodeName === node && pod.goneMs === undefined && pod.finishedMs === undefined
    );
    const used = there.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
    if (used > MACHINE_CPU_MILLIS) this.fault(`${node} is overcommitted: ${used}m of CPU`);
    if (there.length > MACHINE_PODS_MAX) this.fault(`${node} has ${there.length} pods`);
  }

  #takeReplicaSet(type: StoreEvent["type"], replicaSet: ReplicaSet): void {
    if (type === "DELETED") return this.#limits.replicaSetGone(replicaSet.metadata.uid);
    this.#note(this.#limits.replicaSetSeen(replicaSet, this.#options.elapsedMs()));
  }

  #takeDeployment(type: StoreEvent["type"], deployment: Deployment): void {
    if (type === "DELETED") return this.#limits.deploymentGone(deployment.metadata.uid);
    this.#limits.deploymentSeen(deployment, this.#options.elapsedMs());
  }

  #note(fault: string | undefined): void {
    if (fault !== undefined) this.fault(fault);
  }
}

function pathOf({ key }: Entry): string {
  return key.join("/");
}

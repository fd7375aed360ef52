import type { ContainerState } from "../../agent/runtimes/container_runtime.ts";
import type { ViewEvent } from "../../core/client/client.ts";
import type { AnalysisRun, Rollout } from "../../core/resources/argoproj/mod.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import type { Deployment } from "../../core/resources/apps/deployments.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Job } from "../../core/resources/batch/jobs.ts";
import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import { leases } from "../../core/resources/coordination/leases.ts";
import { groupResourceOf } from "../../core/resources/resource.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import type { Entry, Revision, Store, StoreEvent } from "../../core/store/store.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import type { WatchedDisk } from "./faulty_journal.ts";
import { MACHINE_CPU_MILLIS, MACHINE_PODS_MAX, type SimulatedMachine } from "./machine.ts";
import { PodLedger } from "./pod_facts.ts";
import { AnalysisCounts } from "./analysis_counts.ts";
import { JobCounts } from "./job_counts.ts";
import { RolloutLimits } from "./rollout_limits.ts";
import { RolloutShares } from "./rollout_shares.ts";
import { SwitchLimits } from "./switch_limits.ts";
import { EdgeLimits, type EdgeOptions } from "./edge/edge_limits.ts";
import { SetLimits } from "./set_limits.ts";

/** Kinds that live in memory only. */
const VOLATILE: ReadonlySet<string> = new Set([groupResourceOf(leases)]);
/** A container of a deleted pod may run this long: its grace, back-offs and a missed notification included. */
const ORPHAN_MS = 150_000;
/** Endpoints of a deleted pod may be in the route table this long while nothing fails … */
const ENDPOINT_MS = 2_000;
/** … and this long after a fault of the server: its loops retry after up to a minute. */
const ENDPOINT_AFTER_TROUBLE_MS = 130_000;
/** The heartbeat of a machine without faults for this long cannot be overdue. */
const LOST_AFTER_MS = 70_000;
/** A state that has lasted this long is known to an agent with a good link. */
const KNOWN_MS = 1_000;
/** An agent that was cut off knows everything this long after. */
const EDGE_KNOWN_MS = 40_000;
/** Requests that are routed again to a pod right after its last one may find it stopped. */
const ROUTED_AGAIN_MS = 10;
/** Half of the grace of the simulator's pods: requests in flight are awaited at least this long. */
const DRAIN_MS_MIN = 2_400;
/** An object that is written more often in a second is written in an endless loop. */
const WRITES_A_SECOND_MAX = 60;

/** The versions of nodes that are shown in part begin so. */
const TRIMMED = "t";
const COMING_AND_GOING = ["ConfigMap", "PersistentVolume", "PersistentVolumeClaim", "Secret"];

export interface SafetyOptions {
  elapsedMs: () => number;
  /** When the server or its disk last failed; `-Infinity` when they never did. */
  serverTroubleMs: () => number;
  /** When the machine, its agent or its link last failed. */
  machineTroubleMs: (name: string) => number;
  /** What is known of nodes at the edge; absent: they are not watched. */
  edge?: Pick<EdgeOptions, "serverUpMs" | "serverClockMs" | "cutMs">;
}

/**
 * What must hold at every moment. Everything is derived from the changes that the store emits, without the product's
 * own code. Violations are collected; the first one is what matters.
 */
export class Safety {
  readonly faults: string[] = [];
  readonly pods = new PodLedger();
  readonly #options: SafetyOptions;
  readonly #limits: RolloutLimits;
  readonly #setLimits: SetLimits;
  readonly #edge: EdgeLimits | undefined;
  readonly #switches: SwitchLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #goneUids = new Set<string>();
  readonly #writes = new Map<string, number>();
  /** The last version of each object that each agent process has received. */
  readonly #mirrored = new Map<string, number>();
  readonly #jobCounts = new JobCounts();
  readonly #shares: RolloutShares;
  readonly #analysisCounts = new AnalysisCounts();
  readonly #lostNodes = new Set<string>();
  #second = 0;
  #revision: Revision = 0;

  constructor(options: SafetyOptions) {
    this.#options = options;
    const { elapsedMs, serverTroubleMs, edge } = options;
    this.#edge = edge && new EdgeLimits(this.pods, { elapsedMs, serverTroubleMs, ...edge });
    const extraStaleMs = () => elapsedMs() - serverTroubleMs() < 120_000 ? 120_000 : 0;
    this.#limits = new RolloutLimits(this.pods, { extraStaleMs });
    this.#switches = new SwitchLimits({ extraStaleMs });
    this.#setLimits = new SetLimits(this.pods, { extraStaleMs });
    this.#shares = new RolloutShares(this.pods, { extraStaleMs });
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  /** A server has read its disk: everything visible before is there, and nothing else but the last write. */
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
      if (!unseen.has(pathOf(entry))) this.fault(`${pathOf(entry)} appeared from nowhere`);
      this.#apply("ADDED", entry);
    }
    this.#revision = store.revision;
  }

  /** Each change of the store, in order. `disk`: what is durable by now. */
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
      this.fault(`${path} was visible at ${revision} before it was durable`);
    }
    this.#countWrite(path);
    this.#apply(type, entry);
  }

  /** An acknowledged write must be visible. */
  acknowledged(version: number): void {
    if (version > this.#revision) {
      this.fault(`a write was acknowledged as ${version}, but only ${this.#revision} is visible`);
    }
  }

  /** `isOrphaned`: the agent that asked for the start has been killed since, and cannot know. */
  started(machine: SimulatedMachine, container: ContainerState, isOrphaned: boolean): void {
    const pod = this.pods.of(container.podUid);
    if (pod === undefined) return this.fault(`${container.id} was started for no pod`);
    if (pod.nodeName !== machine.name) {
      this.fault(`${pod.name} is on ${pod.nodeName} and was started on ${machine.name}`);
    }
    if (
      pod.finishedMs !== undefined && !isOrphaned && this.#mayKnow(machine.name, pod.finishedMs)
    ) {
      this.fault(`pod ${pod.name} had finished and was started`);
    }
    if (!isOrphaned) this.#initialized(machine, container);
  }

  /** Whether the agent of a machine may know what was written then: one at the edge may have been cut off. */
  #mayKnow(machine: string, atMs: number): boolean {
    const { edge, elapsedMs, machineTroubleMs } = this.#options;
    if (edge === undefined) return true;
    const cutMs = edge.cutMs(machine);
    if (cutMs !== undefined) return atMs < cutMs - KNOWN_MS;
    return elapsedMs() - machineTroubleMs(machine) > EDGE_KNOWN_MS;
  }

  /** Init containers come before all that is listed after them: a pod of a Job has one, then a sidecar. */
  #initialized({ runtime }: SimulatedMachine, { podUid, name, id }: ContainerState): void {
    if (name === "init" || !this.pods.of(podUid)?.hasInit) return;
    const runs = runtime.containers.filter((each) => each.podUid === podUid && each.name === "init")
      .sort((a, b) => b.restartCount - a.restartCount);
    const runsBeside = runtime.containers.some((each) =>
      each.podUid === podUid && each.name === "main" && each.state === "running" && each.id !== id
    );
    if (runs[0]?.exitCode !== 0 && !runsBeside) {
      this.fault(`${id} was started before its pod's init container had succeeded`);
    }
  }

  /**
   * A pod is stopped only when no more requests are routed to it, unless there is no other pod; and only when those in
   * flight have ended, unless half of its grace is over or requests were routed to it again at this very moment.
   */
  stopping(
    machine: SimulatedMachine,
    podUid: string,
    { table, busyMs }: { table: RouteTable | undefined; busyMs: number },
  ): void {
    const { name } = machine;
    this.#report(this.#edge?.stopping(machine, podUid));
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
    if (busyMs > ROUTED_AGAIN_MS && wasReady && mayWait) {
      this.fault(`pod ${pod.name} is stopped with requests in flight`);
    }
    for (const { endpoints } of table?.backends ?? []) {
      const others = endpoints.filter((endpoint) => this.pods.of(endpoint.podUid)?.isActive);
      if (others.length > 0 && endpoints.some((endpoint) => endpoint.podUid === podUid)) {
        this.fault(`pod ${pod?.name} is stopped while requests go to it`);
      }
    }
  }

  /**
   * An agent's mirror receives ever newer versions of each object, and nothing after its deletion, except for what is only
   * shown while a pod needs it.
   */
  mirrored(machine: SimulatedMachine, { type, object }: ViewEvent): void {
    const { uid, name, resourceVersion } = object.metadata;
    const key = `${machine.name} ${machine.lives} ${uid}`;
    const last = this.#mirrored.get(key) ?? 0;
    if (resourceVersion.startsWith(TRIMMED)) return; // made of what is in it: it may come again
    // What was kept, without all of its metadata, is told whole once more.
    const mayRepeat = type === "DELETED" || this.#options.edge !== undefined;
    const isOld = mayRepeat ? Number(resourceVersion) < last : Number(resourceVersion) <= last;
    if (isOld) {
      this.fault(`${machine.name} receives ${name} at ${resourceVersion} after ${last}`);
    }
    if (type === "DELETED" && COMING_AND_GOING.includes(object.kind)) this.#mirrored.delete(key);
    else this.#mirrored.set(key, type === "DELETED" ? Infinity : Number(resourceVersion));
  }

  /** Checks the containers of all machines. */
  machines(machines: readonly SimulatedMachine[]): void {
    const running = new Set<string>();
    const uids = new Set<string>();
    const nowMs = this.#options.elapsedMs();
    for (const machine of machines) {
      for (const { state, podUid, name } of machine.runtime.containers) {
        if (state !== "running") continue;
        const key = `${podUid}/${name}`;
        if (running.has(key)) this.fault(`container ${key} runs twice`);
        running.add(key);
        uids.add(podUid);
        const sinceMs = this.pods.of(podUid)?.goneMs ?? Infinity;
        const troubleMs = this.#options.machineTroubleMs(machine.name);
        if (nowMs - Math.max(sinceMs, troubleMs) > ORPHAN_MS) {
          this.fault(`container ${key} runs on ${machine.name} long after its pod was deleted`);
        }
      }
    }
    this.#report(this.#setLimits.checkOrdinals(uids));
    this.#report(this.#edge?.machines(machines));
  }

  /** The cut of a machine ends, whose agent has run without a fault since `upMs`. */
  cutEnds(machine: SimulatedMachine, cutMs: number, upMs: number): void {
    this.#report(this.#edge?.cutEnds(machine, cutMs, upMs));
  }

  /** Somebody takes a pod out of the API by force. */
  forced(uid: string): void {
    this.#setLimits.forced(uid);
  }

  routed(table: RouteTable): void {
    const { backends } = table;
    this.#report(this.#edge?.routed(table));
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

  /** `mayDiffer`: its last write was durable before it was visible. */
  #compare(before: Entry, now: Entry | undefined, mayDiffer: boolean): void {
    if (now?.revision === before.revision) return;
    const path = pathOf(before);
    if (!mayDiffer) {
      return this.fault(
        `${path} was at ${before.revision} and is at ${now?.revision}: a lost write`,
      );
    }
    if (now === undefined) return this.#apply("DELETED", before);
    const isSame = now.object.metadata.uid === before.object.metadata.uid;
    if (!isSame) this.#apply("DELETED", before);
    this.#apply(isSame ? "MODIFIED" : "ADDED", now);
  }

  #apply(type: StoreEvent["type"], entry: Entry): void {
    const { object, key: [kind] } = entry;
    const { uid, name } = object.metadata;
    if (this.#goneUids.has(uid)) this.fault(`${kind} ${name} came back from the dead`);
    if (type === "DELETED") {
      this.#entries.delete(pathOf(entry));
      this.#goneUids.add(uid);
    } else this.#entries.set(pathOf(entry), entry);
    if (kind === "nodes") this.#applyNode(type, object as unknown as Node);
    if (kind === "pods") this.#applyPod(type, object as unknown as Pod);
    if (kind === "jobs.batch") this.#applyJob(type, object as unknown as Job);
    if (kind === "replicasets.apps") this.#applyReplicaSet(type, object as unknown as ReplicaSet);
    if (kind === "services") this.#applyService(type, object as unknown as Service);
    if (kind === "deployments.apps") this.#applyDeployment(type, object as unknown as Deployment);
    if (kind === "analysisruns.argoproj.io") this.#applyRun(type, object as unknown as AnalysisRun);
    if (kind === "rollouts.argoproj.io") this.#applyRollout(type, object as unknown as Rollout);
  }

  /** A node may become NotReady only when a fault has kept its agent from renewing its lease. */
  #applyNode(type: StoreEvent["type"], node: Node): void {
    const { metadata: { uid, name }, status } = node;
    this.#report(this.#edge?.nodeSeen(type, node));
    const ready = status.conditions?.find((condition) => condition.type === "Ready");
    const isLost = ready?.status === "Unknown";
    const wasLost = this.#lostNodes.has(uid);
    if (type === "DELETED" || !isLost) this.#lostNodes.delete(uid);
    else this.#lostNodes.add(uid);
    const troubleMs = this.#options.machineTroubleMs(name);
    const wasFineMs = this.#options.elapsedMs() - Math.max(0, troubleMs);
    if (isLost && !wasLost && type === "MODIFIED" && wasFineMs > LOST_AFTER_MS) {
      this.fault(`node ${name} is NotReady without a fault`);
    }
  }

  #applyPod(type: StoreEvent["type"], pod: Pod): void {
    const nowMs = this.#options.elapsedMs();
    const { uid } = pod.metadata;
    this.#report(this.#jobCounts.podSeen(pod, type === "DELETED"));
    if (type === "DELETED") {
      if (!this.#hasNode(pod.spec.nodeName)) this.forced(uid);
      return this.pods.gone(uid, nowMs);
    }
    const wasOn = this.pods.of(uid)?.nodeName;
    this.#report(this.#edge?.podSeen(pod));
    this.#report(this.pods.seen(pod, nowMs));
    const facts = this.pods.of(uid)!;
    if (type === "ADDED") {
      this.#report(this.#limits.podCreated(facts, nowMs));
      this.#report(this.#setLimits.podCreated(pod, nowMs));
    }
    if (facts.nodeName !== undefined && wasOn === undefined) this.#checkRoom(facts.nodeName);
  }

  #hasNode(name: string | undefined): boolean {
    return [...this.#entries.values()].some(({ key: [kind], object }) =>
      kind === "nodes" && object.metadata.name === name
    );
  }

  #checkRoom(node: string): void {
    const there = [...this.pods.all].filter((pod) =>
      pod.nodeName === node && pod.goneMs === undefined && pod.finishedMs === undefined
    );
    const used = there.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
    if (used > MACHINE_CPU_MILLIS) this.fault(`${node} is overcommitted: ${used}m of CPU`);
    if (there.length > MACHINE_PODS_MAX) this.fault(`${node} has ${there.length} pods`);
  }

  #applyJob(type: StoreEvent["type"], job: Job): void {
    if (type === "ADDED") this.#report(this.#analysisCounts.jobCreated(job));
    if (type === "DELETED") this.#jobCounts.jobGone(job);
    else this.#report(this.#jobCounts.jobSeen(job));
  }

  #applyRun(type: StoreEvent["type"], run: AnalysisRun): void {
    if (type === "DELETED") this.#analysisCounts.runGone(run);
    else this.#report(this.#analysisCounts.runSeen(run));
  }

  #applyReplicaSet(type: StoreEvent["type"], replicaSet: ReplicaSet): void {
    const { uid } = replicaSet.metadata;
    if (type === "DELETED") {
      this.#switches.replicaSetGone(uid);
      return this.#limits.replicaSetGone(uid);
    }
    this.#shares.replicaSetSeen(replicaSet);
    this.#report(this.#switches.replicaSetSeen(replicaSet, this.#options.elapsedMs()));
    this.#report(this.#limits.replicaSetSeen(replicaSet, this.#options.elapsedMs()));
  }

  #applyService(type: StoreEvent["type"], service: Service): void {
    if (type === "DELETED") return this.#switches.serviceGone(service.metadata.uid);
    this.#report(this.#switches.serviceSeen(service, this.#options.elapsedMs()));
    this.#report(this.#shares.serviceSeen(service, this.#options.elapsedMs()));
  }

  #applyDeployment(type: StoreEvent["type"], deployment: Deployment): void {
    if (type === "DELETED") return this.#limits.deploymentGone(deployment.metadata.uid);
    this.#limits.deploymentSeen(deployment, this.#options.elapsedMs());
  }

  #applyRollout(type: StoreEvent["type"], rollout: Rollout): void {
    if (type === "DELETED") return this.#limits.deploymentGone(rollout.metadata.uid);
    this.#limits.rolloutSeen(rollout, this.#options.elapsedMs());
    this.#shares.rolloutSeen(rollout, this.#options.elapsedMs());
  }

  #report(fault: string | undefined): void {
    if (fault !== undefined) this.fault(fault);
  }
}

function pathOf({ key }: Entry): string {
  return key.join("/");
}

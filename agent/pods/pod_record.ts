import type { Moment } from "../../core/lib/clock.ts";
import {
  containerNamed,
  containersOf,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { isReady } from "../../core/resources/core/pods/pod_states.ts";
import type { PodEviction, PodRejection } from "./runs/observed_pod.ts";
import { hasEnded } from "./runs/container_runs.ts";
import type { Allocation, PendingResize } from "./runs/allocation.ts";
import type { Health } from "../probes/probes.ts";
import type {
  Busy,
  ContainerMemory,
  Deletion,
  Failure,
  ObservedPod,
  ObservedRun,
  RestartBackoff,
  Sandbox,
} from "./runs/observed_pod.ts";

/** Grace period of containers whose pod is unknown: Kubernetes' default. */
const ORPHAN_GRACE_MS = 30_000;
/** The same when the pod was deleted by force: the least that the kubelet gives. */
const FORCED_GRACE_MS = 1_000;

/** What is remembered of a container; a field set to `undefined` is removed. */
export interface MemoryChange {
  imageId?: string | undefined;
  failure?: Failure | undefined;
  backoff?: RestartBackoff | undefined;
  health?: Health | undefined;
  messages?: Readonly<Record<string, string>> | undefined;
}

/** The one place where what is known of a pod changes. Decisions get it as plain data from {@linkcode observed}. */
export class PodRecord {
  readonly uid: string;
  /** What is wanted; `undefined` when the API does not know the pod (any more). */
  pod: Pod | undefined;
  sandbox: Sandbox = { state: "unknown" };
  failure: Failure | undefined;
  rejection: PodRejection | undefined;
  /** How the node ends it although it is wanted. */
  eviction: PodEviction | undefined;
  allocation: Allocation | undefined;
  pendingResize: PendingResize | undefined;
  resizedGeneration: number | undefined;
  readonly busy = new Map<string, Busy>();
  /** Grows with each change of the containers, so that an older list is not taken for a newer one. */
  version = 0;
  readonly #podOfContainer: Map<string, string>;
  readonly #containers = new Map<string, ObservedRun>();
  readonly #memories = new Map<string, ContainerMemory>();
  readonly #listeners = new Set<() => void>();
  #deletion: Deletion | undefined;
  /** When the pod was started, on the monotonic clock. */
  #startedMs: number | undefined;
  #wasWanted = false;

  constructor(uid: string, podOfContainer: Map<string, string> = new Map()) {
    this.uid = uid;
    this.#podOfContainer = podOfContainer;
  }

  /** Takes over what is wanted now. `nowMs`: the wall clock, for times that others wrote. */
  want(pod: Pod | undefined, { nowMs, elapsedMs }: Moment): void {
    this.#forgetOldImages(pod);
    this.pod = pod;
    const { startTime } = pod?.status ?? {};
    if (startTime !== undefined) {
      this.#startedMs ??= elapsedMs - Math.max(0, nowMs - Date.parse(startTime));
    }
    this.#wasWanted ||= pod !== undefined;
    if (pod?.metadata.deletionTimestamp === undefined || this.#deletion) return;
    this.#deletion = { seenMs: elapsedMs, wasReady: isReady(pod) };
  }

  /** Whether proxies still have to stop sending requests to the pod before it may be stopped. */
  get mustDrain(): boolean {
    return this.#deletion?.wasReady === true && this.#deletion.drainedMs === undefined;
  }

  noteDrained(elapsedMs: number): void {
    if (this.#deletion) this.#deletion = { ...this.#deletion, drainedMs: elapsedMs };
  }

  get containers(): readonly ObservedRun[] {
    return [...this.#containers.values()];
  }

  containerOf(id: string): ObservedRun | undefined {
    return this.#containers.get(id);
  }

  /** Takes over what is known of a run. False: it has ended already, and stays so. What was cut off stays cut off. */
  put(container: ObservedRun): boolean {
    const known = this.#containers.get(container.id);
    if (hasEnded(known)) return false;
    const isCutOff = known?.isCutOff || container.isCutOff;
    this.#containers.set(container.id, { ...container, ...(isCutOff && { isCutOff }) });
    this.#podOfContainer.set(container.id, this.uid);
    this.#noteChange();
    return true;
  }

  /** The pod's network is gone: running containers have to be started again in another one. */
  loseNetwork(): readonly ObservedRun[] {
    const running = this.containers.filter(({ state }) => state === "running");
    for (const run of running) this.put({ ...run, isCutOff: true });
    if (this.sandbox.state === "ready") this.sandbox = { state: "unknown" };
    return running;
  }

  drop(id: string): void {
    this.#containers.delete(id);
    this.#podOfContainer.delete(id);
    this.#noteChange();
  }

  /** Calls `listener` after each change of the containers. Returns the stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  memoryOf(container: string): ContainerMemory | undefined {
    return this.#memories.get(container);
  }

  remember(container: string, change: MemoryChange): void {
    const whole = { ...this.#memories.get(container), ...change };
    const known = Object.entries(whole).filter(([, value]) => value !== undefined);
    this.#memories.set(container, Object.fromEntries(known) as ContainerMemory);
  }

  /** Lets failures be tried again at once, because what they waited for may be there now. */
  forgiveFailures(stage: Failure["stage"]): void {
    if (this.failure?.stage === stage) this.failure = { ...this.failure, retryAtMs: 0 };
    for (const [name, { failure }] of this.#memories) {
      if (failure?.stage === stage) this.remember(name, { failure: { ...failure, retryAtMs: 0 } });
    }
  }

  get observed(): ObservedPod {
    const { activeDeadlineSeconds } = this.pod?.spec ?? {};
    const hasDeadline = activeDeadlineSeconds !== undefined && this.#startedMs !== undefined;
    return {
      containers: this.containers,
      sandbox: this.sandbox,
      ...(this.failure && { failure: this.failure }),
      memories: Object.fromEntries(this.#memories),
      busy: Object.fromEntries(this.busy),
      ...(this.rejection && { rejection: this.rejection }),
      ...(this.eviction && { eviction: this.eviction }),
      ...(this.allocation && { allocation: this.allocation }),
      ...(this.pendingResize && { pendingResize: this.pendingResize }),
      ...(this.resizedGeneration !== undefined && { resizedGeneration: this.resizedGeneration }),
      ...(this.#deletion && { deletion: this.#deletion }),
      ...(hasDeadline && { overdueMs: this.#startedMs! + activeDeadlineSeconds * 1_000 }),
      forcedGraceMs: this.#wasWanted ? FORCED_GRACE_MS : ORPHAN_GRACE_MS,
    };
  }

  /** What was learnt about one image does not hold for another: neither its id nor how long to wait. */
  #forgetOldImages(pod: Pod | undefined): void {
    if (this.pod === undefined || pod === undefined) return;
    for (const { container: { name, image } } of containersOf(this.pod.spec)) {
      const after = containerNamed(pod.spec, name);
      if (after === undefined || after.image === image) continue;
      this.remember(name, { imageId: undefined, failure: undefined, backoff: undefined });
    }
  }

  #noteChange(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }
}

import type { Pod } from "../core/resources/pods.ts";
import type { ContainerState } from "./container_runtime.ts";
import type {
  Busy,
  ContainerMemory,
  Deletion,
  Failure,
  Health,
  ObservedPod,
  RestartBackoff,
  Sandbox,
} from "./observed_pod.ts";

/** How long containers get to end when nothing is known of their pod: Kubernetes' default. */
const ORPHAN_GRACE_MS = 30_000;
/** … and when the pod was deleted by force: the least that the kubelet gives. */
const FORCED_GRACE_MS = 1_000;

/** What is remembered of a container; a field set to `undefined` is forgotten. */
export interface MemoryChange {
  imageId?: string | undefined;
  image?: string | undefined;
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
  readonly busy = new Map<string, Busy>();
  /** Grows with each change of the containers, so that an older list is not taken for news. */
  version = 0;
  readonly #containers = new Map<string, ContainerState>();
  readonly #memories = new Map<string, ContainerMemory>();
  #deletion: Deletion | undefined;
  #wasWanted = false;

  constructor(uid: string) {
    this.uid = uid;
  }

  /** Takes over what is wanted now. */
  want(pod: Pod | undefined, nowMs: number): void {
    this.pod = pod;
    this.#wasWanted ||= pod !== undefined;
    if (pod?.metadata.deletionTimestamp === undefined || this.#deletion) return;
    this.#deletion = { seenMs: nowMs, wasReady: this.#isReady(pod) };
  }

  /** Whether proxies still have to turn away from the pod before it may be stopped. */
  get mustDrain(): boolean {
    return this.#deletion?.wasReady === true && this.#deletion.drainedMs === undefined;
  }

  noteDrained(nowMs: number): void {
    if (this.#deletion) this.#deletion = { ...this.#deletion, drainedMs: nowMs };
  }

  get containers(): readonly ContainerState[] {
    return [...this.#containers.values()];
  }

  containerOf(id: string): ContainerState | undefined {
    return this.#containers.get(id);
  }

  put(container: ContainerState): void {
    this.version++;
    this.#containers.set(container.id, container);
  }

  drop(id: string): void {
    this.version++;
    this.#containers.delete(id);
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
    return {
      containers: this.containers,
      sandbox: this.sandbox,
      ...(this.failure && { failure: this.failure }),
      memories: Object.fromEntries(this.#memories),
      busy: Object.fromEntries(this.busy),
      ...(this.#deletion && { deletion: this.#deletion }),
      forcedGraceMs: this.#wasWanted ? FORCED_GRACE_MS : ORPHAN_GRACE_MS,
    };
  }

  #isReady(pod: Pod): boolean {
    return pod.status.conditions?.some(({ type, status }) =>
      type === "Ready" && status === "True"
    ) ?? false;
  }
}

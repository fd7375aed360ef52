import { keyOf } from "../controllers/runtime/controller.ts";
import { type Backoff, waitMsAfter } from "../lib/backoff.ts";
import { isEqual } from "../lib/equality.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { NodeChange } from "./node_states.ts";
import type { PluginRun } from "./place.ts";
import type { Plugin } from "./plugin.ts";
import type { Snapshot } from "./snapshot.ts";

/** How long a pod is tried after others once it was refused: kube-scheduler's `podInitialBackoffSeconds` and `podMaxBackoffSeconds`. */
const BACKOFF: Backoff = { firstMs: 1_000, maxMs: 10_000, factor: 2 };

interface Waiting {
  pod: Pod;
  refusers: ReadonlySet<Plugin>;
}

interface Attempts {
  count: number;
  /** Of the last one, on the clock of `Moment.elapsedMs`. */
  lastMs: number;
}

/** Pods that fit nowhere. A change wakes those that it may help, according to the plugins that refused them. */
export class UnschedulablePods {
  readonly #run: PluginRun;
  readonly #wake: (key: string, notBeforeMs: number) => void;
  readonly #waiting = new Map<string, Waiting>();
  /** Of pods that have not been placed since. */
  readonly #attempts = new Map<string, Attempts>();

  /**
   * `wake` is called with the key of each pod to try again, and until when others go first; the pod stays here until it
   * is taken out.
   */
  constructor(run: PluginRun, wake: (key: string, notBeforeMs: number) => void) {
    this.#run = run;
    this.#wake = wake;
  }

  /**
   * `refusers`: the plugins that refused at least one node; empty when there were no nodes. `refusedMs`: when that was,
   * on the clock of `Moment.elapsedMs`; absent for a pod that has its place and waits for something else.
   */
  add(pod: Pod, refusers: ReadonlySet<Plugin>, refusedMs?: number): void {
    const key = keyOf(pod.metadata);
    this.#waiting.set(key, { pod, refusers });
    if (refusedMs === undefined) return;
    const { count } = this.#attempts.get(key) ?? { count: 0 };
    this.#attempts.set(key, { count: count + 1, lastMs: refusedMs });
  }

  /** The pod is tried again; how often it was refused is remembered. */
  takeOut(key: string): void {
    this.#waiting.delete(key);
  }

  /** The pod has a node, or is gone. */
  forget(key: string): void {
    this.#waiting.delete(key);
    this.#attempts.delete(key);
  }

  /** Takes note of another version of a pod that waits. Whether it still waits for the same. */
  isStillWaiting(pod: Pod): boolean {
    const waiting = this.#waiting.get(keyOf(pod.metadata));
    if (waiting === undefined || !isEqual(wishesOf(waiting.pod), wishesOf(pod))) return false;
    waiting.pod = pod;
    return true;
  }

  wakeAll(): void {
    for (const key of this.#waiting.keys()) this.wake(key);
  }

  wake(key: string): void {
    const { count, lastMs } = this.#attempts.get(key) ?? { count: 0, lastMs: 0 };
    this.#wake(key, lastMs + waitMsAfter(count, BACKOFF));
  }

  nodeChanged({ type, state, ...about }: NodeChange, snapshot: Snapshot): void {
    const { clusterTallies } = this.#run;
    this.#wakeIf((pod, { wakes }, index) =>
      wakes === undefined ||
      (wakes[type]?.(pod, snapshot, {
        node: state,
        tally: state.tallies[index],
        cluster: clusterTallies[index],
        ...about,
      }) ?? false)
    );
  }

  objectChanged(resource: AnyResource, changed: KubeObject, snapshot: Snapshot): void {
    this.#wakeIf((pod, { reads = [], wakes }) =>
      reads.includes(resource) &&
      (wakes === undefined || (wakes.objectChanged?.(pod, snapshot, changed) ?? false))
    );
  }

  /** A pod that no plugin refused waits for the first node: anything wakes it. */
  #wakeIf(mayHelp: (pod: Pod, plugin: Plugin, index: number) => boolean): void {
    for (const [key, { pod, refusers }] of this.#waiting) {
      const isHelped = refusers.size === 0 ||
        this.#run.plugins.some((plugin, index) =>
          refusers.has(plugin) && mayHelp(pod, plugin, index)
        );
      if (isHelped) this.wake(key);
    }
  }
}

/** What decides where a pod can go. */
function wishesOf(
  { metadata: { uid, labels, ownerReferences, deletionTimestamp }, spec }: Pod,
): unknown {
  return { uid, labels, ownerReferences, deletionTimestamp, spec };
}

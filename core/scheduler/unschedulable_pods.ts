import { keyOf } from "../controllers/runtime/controller.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { NodeChange } from "./node_states.ts";
import type { Plugin } from "./plugin.ts";
import type { Snapshot } from "./snapshot.ts";

interface Waiting {
  pod: Pod;
  refusers: ReadonlySet<Plugin>;
}

/** Pods that fit nowhere. A change wakes those that it may help, according to the plugins that refused them. */
export class UnschedulablePods {
  readonly #plugins: readonly Plugin[];
  readonly #wake: (key: string) => void;
  readonly #waiting = new Map<string, Waiting>();

  /** `wake` is called with the key of each pod to try again; the pod stays here until it is deleted. */
  constructor(plugins: readonly Plugin[], wake: (key: string) => void) {
    this.#plugins = plugins;
    this.#wake = wake;
  }

  /** `refusers`: the plugins that refused at least one node; empty when there were no nodes. */
  add(pod: Pod, refusers: ReadonlySet<Plugin>): void {
    this.#waiting.set(keyOf(pod.metadata), { pod, refusers });
  }

  delete(key: string): void {
    this.#waiting.delete(key);
  }

  wakeAll(): void {
    for (const key of this.#waiting.keys()) this.#wake(key);
  }

  nodeChanged({ type, state }: NodeChange, snapshot: Snapshot): void {
    this.#wakeIf((pod, { wakes }, index) =>
      wakes === undefined ||
      (wakes[type]?.(pod, snapshot, state, state.tallies[index]) ?? false)
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
        this.#plugins.some((plugin, index) => refusers.has(plugin) && mayHelp(pod, plugin, index));
      if (isHelped) this.#wake(key);
    }
  }
}

import type { Pod } from "../resources/core/pods/pods.ts";

const NOBODY: readonly Pod[] = [];

/**
 * For which pods room is kept on which nodes: others are evicted there so that they will fit.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information
 */
export class Nominations {
  /** The node of a pod, by its uid. */
  readonly #nodes = new Map<string, string>();
  /** The pods of a node. */
  readonly #pods = new Map<string, Map<string, Pod>>();

  nodeOf(uid: string): string | undefined {
    return this.#nodes.get(uid);
  }

  on(node: string): readonly Pod[] {
    const pods = this.#pods.get(node);
    return pods === undefined ? NOBODY : [...pods.values()];
  }

  /** Keeps room for the pod on that node alone. */
  set(pod: Pod, node: string): void {
    const { uid } = pod.metadata;
    this.delete(uid);
    this.#nodes.set(uid, node);
    const pods = this.#pods.get(node) ?? new Map<string, Pod>();
    this.#pods.set(node, pods.set(uid, pod));
  }

  /** Returns the node on which room was kept, and the pod, if there was one. */
  delete(uid: string): { node: string; pod: Pod } | undefined {
    const node = this.#nodes.get(uid);
    if (node === undefined) return undefined;
    this.#nodes.delete(uid);
    const pods = this.#pods.get(node)!;
    const pod = pods.get(uid)!;
    pods.delete(uid);
    if (pods.size === 0) this.#pods.delete(node);
    return { node, pod };
  }
}

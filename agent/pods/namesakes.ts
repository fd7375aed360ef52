/** A pod on this node, as far as others of its name are concerned. */
export interface NamedPod {
  readonly podName: { readonly namespace: string; readonly name: string };
  /** Whether something of it runs, or may in a moment. */
  readonly mayRun: boolean;
  /** Has it decide anew. */
  wake(): void;
}

/**
 * Pods of one name on one node: one was deleted by force, another has its name. Kubernetes promises that there are not
 * two at once; so the newer one waits until nothing of the older one runs.
 */
export class Namesakes {
  readonly #pods = new Map<string, Set<NamedPod>>();

  add(pod: NamedPod): void {
    const key = keyOf(pod);
    this.#pods.set(key, (this.#pods.get(key) ?? new Set()).add(pod));
  }

  /** Nothing of it is left: those that wait for it may go on. */
  remove(pod: NamedPod): void {
    const key = keyOf(pod);
    const others = this.#pods.get(key);
    if (!others?.delete(pod)) return;
    if (others.size === 0) this.#pods.delete(key);
    for (const other of others) other.wake();
  }

  /** Whether something of another pod of its name runs. */
  isAnyRunning(pod: NamedPod): boolean {
    const all = this.#pods.get(keyOf(pod));
    if (all === undefined || all.size < 2) return false;
    return [...all].some((other) => other !== pod && other.mayRun);
  }
}

function keyOf({ podName: { namespace, name } }: NamedPod): string {
  return `${namespace}/${name}`;
}

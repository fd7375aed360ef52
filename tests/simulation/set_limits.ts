import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { PodFacts, PodLedger } from "./pod_facts.ts";

/** A controller may act on what it read this long ago. */
const STALE_MS = 5_000;

/**
 * What StatefulSets and DaemonSets promise, whoever fails:
 *
 * - A DaemonSet without a surge creates a pod on a node only when it has no other one there that is not at its end.
 * - Containers of two pods of one ordinal never run at once, unless the first one was taken out of the API by force: by a
 *   user, or because its node is no more.
 * - An ordered StatefulSet creates a pod only when all pods of lower ordinals are ready, or were a moment ago.
 */
export class SetLimits {
  readonly #pods: PodLedger;
  /** The node that each pod of a DaemonSet is for, by its uid. */
  readonly #nodes = new Map<string, string>();
  /** Names of the pods of StatefulSets, by their uids. */
  readonly #numbered = new Map<string, string>();
  readonly #forced = new Set<string>();
  readonly #staleMs: () => number;

  constructor(pods: PodLedger, options: { extraStaleMs: () => number }) {
    this.#pods = pods;
    this.#staleMs = () => STALE_MS + options.extraStaleMs();
  }

  /** Must be called when a pod was created. Returns what is wrong with that. */
  podCreated(pod: Pod, nowMs: number): string | undefined {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner?.kind === "DaemonSet") return this.#daemonFault(pod, owner.uid);
    if (owner?.kind !== "StatefulSet") return undefined;
    this.#numbered.set(pod.metadata.uid, pod.metadata.name);
    return this.#orderFault(pod, owner, nowMs);
  }

  /** The pod goes from the API whether or not its containers have ended. */
  forced(uid: string): void {
    this.#forced.add(uid);
  }

  /** `running`: uids of the pods that have running containers. Returns what is wrong. */
  checkOrdinals(running: Iterable<string>): string | undefined {
    const byName = new Map<string, string>();
    for (const uid of running) {
      const name = this.#numbered.get(uid);
      if (name === undefined || this.#forced.has(uid)) continue;
      const other = byName.get(name);
      if (other !== undefined && other !== uid) return `two pods ${name} run: ${other} and ${uid}`;
      byName.set(name, uid);
    }
    return undefined;
  }

  #daemonFault({ metadata: { uid, name }, spec }: Pod, owner: string): string | undefined {
    const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const node = required!.nodeSelectorTerms[0]!.matchFields![0]!.values![0]!;
    this.#nodes.set(uid, node);
    const other = [...this.#pods.all].find((each) =>
      each.uid !== uid && each.owner === owner && this.#nodes.get(each.uid) === node &&
      each.goneMs === undefined && each.finishedMs === undefined
    );
    return other && `pod ${name} was created for ${node}, where ${other.name} still is`;
  }

  #orderFault(
    { metadata: { name } }: Pod,
    owner: { name: string; uid: string },
    nowMs: number,
  ): string | undefined {
    const ordinal = Number(name.slice(owner.name.length + 1));
    for (let lower = 0; lower < ordinal; lower++) {
      const pods = [...this.#pods.all].filter((each) => each.name === `${owner.name}-${lower}`);
      if (!pods.some((each) => this.#wasReady(each, nowMs))) {
        return `pod ${name} was created before ${owner.name}-${lower} was ready`;
      }
    }
    return undefined;
  }

  #wasReady({ isReady, readyUntilMs }: PodFacts, nowMs: number): boolean {
    return isReady || readyUntilMs >= nowMs - this.#staleMs();
  }
}

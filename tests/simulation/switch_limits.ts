import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import type { Service } from "../../core/resources/core/services/services.ts";

/** A controller may act on what it read this long ago. */
const STALE_MS = 5_000;
const HASH = "rollouts-pod-template-hash";

interface Selected {
  app: string | undefined;
  hash: string | undefined;
}

/**
 * What a blue-green Rollout promises to the users of its active Service: the Service is switched only to a set of which a
 * pod is available, or was a moment ago, and a set that it selects is not scaled to nothing.
 */
export class SwitchLimits {
  /** By the uid of the Service. */
  readonly #services = new Map<string, Selected>();
  /** Sets of Rollouts, by their uid. */
  readonly #sets = new Map<string, ReplicaSet>();
  /** When a set last had an available pod, by its uid. */
  readonly #availableMs = new Map<string, number>();
  /** The age that a decision may have when it takes effect. */
  readonly #staleMs: () => number;

  constructor(options: { extraStaleMs: () => number }) {
    this.#staleMs = () => STALE_MS + options.extraStaleMs();
  }

  /** Returns what is wrong with the change. */
  serviceSeen({ metadata: { uid, name }, spec }: Service, nowMs: number): string | undefined {
    if (!name.endsWith("-active")) return undefined;
    const { app, [HASH]: hash } = spec.selector ?? {};
    const before = this.#services.get(uid);
    this.#services.set(uid, { app, hash });
    if (hash === undefined || hash === before?.hash) return undefined;
    const set = this.#setOf({ app, hash });
    const isAvailable = (set?.status.availableReplicas ?? 0) > 0;
    const lastMs = isAvailable ? nowMs : this.#availableMs.get(set?.metadata.uid ?? "");
    if (lastMs !== undefined && lastMs >= nowMs - this.#staleMs()) return undefined;
    return `service ${name} was switched to ${hash}, of which no pod is available`;
  }

  serviceGone(uid: string): void {
    this.#services.delete(uid);
  }

  /** Returns what is wrong with the change. */
  replicaSetSeen(replicaSet: ReplicaSet, nowMs: number): string | undefined {
    const { metadata: { uid, name, labels, ownerReferences = [] }, spec } = replicaSet;
    const before = this.#sets.get(uid);
    if (!ownerReferences.some(({ kind }) => kind === "Rollout")) return void this.#sets.delete(uid);
    if ((before?.status.availableReplicas ?? 0) > 0) this.#availableMs.set(uid, nowMs);
    this.#sets.set(uid, replicaSet);
    if (before === undefined || before.spec.replicas === 0 || spec.replicas > 0) return undefined;
    const isSelected = [...this.#services.values()].some(({ app, hash }) =>
      app === labels?.app && hash !== undefined && hash === labels?.[HASH]
    );
    return isSelected ? `set ${name} was scaled to nothing while users see it` : undefined;
  }

  replicaSetGone(uid: string): void {
    this.#sets.delete(uid);
    this.#availableMs.delete(uid);
  }

  #setOf({ app, hash }: Selected): ReplicaSet | undefined {
    return [...this.#sets.values()].find(({ metadata: { labels } }) =>
      labels?.app === app && labels?.[HASH] === hash
    );
  }
}

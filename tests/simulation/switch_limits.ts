import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import type { Service } from "../../core/resources/core/services/services.ts";

const HASH = "rollouts-pod-template-hash";

interface Selected {
  app: string | undefined;
  hash: string | undefined;
}

/**
 * What a blue-green Rollout promises to the users of its active Service: the Service is switched only to a set that has
 * pods, and a set that it selects is not scaled to nothing.
 */
export class SwitchLimits {
  /** By the uid of the Service. */
  readonly #services = new Map<string, Selected>();
  /** Sets of Rollouts, by their uid. */
  readonly #sets = new Map<string, ReplicaSet>();

  /** Returns what is wrong with the change. */
  serviceSeen({ metadata: { uid, name }, spec }: Service): string | undefined {
    if (!name.endsWith("-active")) return undefined;
    const { app, [HASH]: hash } = spec.selector ?? {};
    const before = this.#services.get(uid);
    this.#services.set(uid, { app, hash });
    if (hash === undefined || hash === before?.hash) return undefined;
    const set = this.#setOf({ app, hash });
    const pods = set?.spec.replicas ?? 0;
    return pods > 0 ? undefined : `service ${name} was switched to ${hash}, which has no pods`;
  }

  serviceGone(uid: string): void {
    this.#services.delete(uid);
  }

  /** Returns what is wrong with the change. */
  replicaSetSeen(replicaSet: ReplicaSet): string | undefined {
    const { metadata: { uid, name, labels, ownerReferences = [] }, spec } = replicaSet;
    const before = this.#sets.get(uid);
    if (!ownerReferences.some(({ kind }) => kind === "Rollout")) return void this.#sets.delete(uid);
    this.#sets.set(uid, replicaSet);
    if (before === undefined || before.spec.replicas === 0 || spec.replicas > 0) return undefined;
    const isSelected = [...this.#services.values()].some(({ app, hash }) =>
      app === labels?.app && hash !== undefined && hash === labels?.[HASH]
    );
    return isSelected ? `set ${name} was scaled to nothing while users see it` : undefined;
  }

  replicaSetGone(uid: string): void {
    this.#sets.delete(uid);
  }

  #setOf({ app, hash }: Selected): ReplicaSet | undefined {
    return [...this.#sets.values()].find(({ metadata: { labels } }) =>
      labels?.app === app && labels?.[HASH] === hash
    );
  }
}

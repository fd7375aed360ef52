import type { Deployment } from "../../core/resources/apps/deployments.ts";
import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import type { Rollout } from "../../core/resources/argoproj/mod.ts";
import { boundsOf } from "./rollouts.ts";
import type { PodFacts, PodLedger } from "./pod_facts.ts";

/** A controller may act on what it read this long ago: it decides, then writes, and a write takes time. */
const STALE_MS = 5_000;
/** A state that has lasted this long is known to the controller. */
const KNOWN_MS = 1_000;

interface Version {
  fromMs: number;
  /** `Infinity` for the current version. */
  untilMs: number;
  pods: number;
  surge: number;
  unavailable: number;
  /** Whether the limit of availability applies. */
  isRolling: boolean;
  recreates: boolean;
}

interface ReplicaSetSizes {
  owner: string | undefined;
  ownerSinceMs: number;
  sizes: { untilMs: number; pods: number }[];
  pods: number;
}

/**
 * The limits of rolling updates, as far as Kubernetes guarantees them
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment):
 *
 * - Surge: whenever a ReplicaSet of a Deployment is scaled up, all ReplicaSets of the Deployment together have at
 *   most its replicas plus its surge. Terminating pods do not count.
 * - Availability: whenever a rollout scales a ReplicaSet down, either no available pod is lost by it, or at least as
 *   many are left as the Deployment requires. A pod that crashed a moment ago counts as available: the controller
 *   could not know. For a moment after a change of the number of replicas this does not apply.
 * - A ReplicaSet never creates more pods than its replicas.
 * - With the strategy Recreate, no pod is created while one of another template still exists.
 */
export class RolloutLimits {
  readonly #pods: PodLedger;
  readonly #deployments = new Map<string, Version[]>();
  readonly #replicaSets = new Map<string, ReplicaSetSizes>();
  /** The age that a decision may have when it takes effect. */
  readonly #staleMs: () => number;

  constructor(pods: PodLedger, options: { extraStaleMs: () => number }) {
    this.#pods = pods;
    this.#staleMs = () => STALE_MS + options.extraStaleMs();
  }

  deploymentSeen({ metadata: { uid }, spec }: Deployment, nowMs: number): void {
    this.#versionSeen(uid, versionOf(spec, nowMs), nowMs);
  }

  /** A canary without traffic routing promises the same. */
  rolloutSeen(rollout: Rollout, nowMs: number): void {
    const { canary } = rollout.spec.strategy ?? {};
    if (!canary || canary.trafficRouting) return;
    const isRolling = rollout.spec.paused !== true;
    const version = { ...boundsOf(rollout), isRolling, recreates: false };
    this.#versionSeen(
      rollout.metadata.uid,
      { ...version, fromMs: nowMs, untilMs: Infinity },
      nowMs,
    );
  }

  #versionSeen(uid: string, version: Version, nowMs: number): void {
    const versions = this.#deployments.get(uid) ?? [];
    this.#deployments.set(uid, versions);
    const last = versions.at(-1);
    const isSame = last !== undefined && last.pods === version.pods &&
      last.surge === version.surge && last.unavailable === version.unavailable &&
      last.isRolling === version.isRolling && last.recreates === version.recreates;
    if (isSame) return;
    if (last !== undefined) last.untilMs = nowMs;
    versions.push(version);
  }

  deploymentGone(uid: string): void {
    this.#deployments.delete(uid);
  }

  /** Returns what is wrong with the change. */
  replicaSetSeen({ metadata, spec }: ReplicaSet, nowMs: number): string | undefined {
    const { uid, name, ownerReferences = [] } = metadata;
    const owner = ownerReferences.find(({ controller }) => controller)?.uid;
    const known = this.#replicaSets.get(uid);
    const before = known?.pods ?? 0;
    const sized = known ?? { owner, ownerSinceMs: nowMs, sizes: [], pods: 0 };
    if (sized.owner !== owner) Object.assign(sized, { owner, ownerSinceMs: nowMs });
    this.#replicaSets.set(uid, sized);
    if (before !== spec.replicas) sized.sizes.push({ untilMs: nowMs, pods: before });
    sized.pods = spec.replicas;
    if (owner === undefined || !this.#deployments.has(owner)) return undefined;
    if (spec.replicas > before) return this.#surgeFault(owner, name, nowMs);
    if (spec.replicas < before) {
      return this.#availabilityFault(owner, { uid, name, before }, nowMs);
    }
    return undefined;
  }

  replicaSetGone(uid: string): void {
    this.#replicaSets.delete(uid);
  }

  /** Must be called when a pod was created. Returns what is wrong with that. */
  podCreated({ owner, name }: PodFacts, nowMs: number): string | undefined {
    const sized = owner === undefined ? undefined : this.#replicaSets.get(owner);
    if (sized === undefined) return undefined;
    const recent = sized.sizes.filter(({ untilMs }) => untilMs >= nowMs - this.#staleMs());
    const allowed = Math.max(sized.pods, ...recent.map(({ pods }) => pods));
    const active = this.#podsOf(owner!).filter(({ isActive }) => isActive).length;
    if (active > allowed) {
      return `pod ${name} was created as number ${active} of ${allowed} that its ReplicaSet wants`;
    }
    return this.#recreateFault(sized.owner, { owner, name }, nowMs);
  }

  #recreateFault(
    deployment: string | undefined,
    pod: Pick<PodFacts, "owner" | "name">,
    nowMs: number,
  ): string | undefined {
    if (deployment === undefined || !this.#deployments.has(deployment)) return undefined;
    const isSteady = this.#versionsOf(deployment, nowMs).every(({ recreates }) => recreates);
    const siblings = this.#replicaSetsOf(deployment);
    const isOld = siblings.every(([, { ownerSinceMs, sizes }]) =>
      sizes.length <= 1 || ownerSinceMs < nowMs - this.#staleMs()
    );
    if (!isSteady || !isOld) return undefined;
    const other = siblings.filter(([uid]) => uid !== pod.owner)
      .flatMap(([uid]) => this.#podsOf(uid))
      .find(({ goneMs, finishedMs }) => goneMs === undefined && finishedMs === undefined);
    return other && `pod ${pod.name} was created while ${other.name} still exists`;
  }

  #surgeFault(owner: string, name: string, nowMs: number): string | undefined {
    const allowed = Math.max(
      ...this.#versionsOf(owner, nowMs).map(({ pods, surge }) => pods + surge),
    );
    const total = this.#replicaSetsOf(owner).reduce((sum, [, { pods }]) => sum + pods, 0);
    if (total <= allowed) return undefined;
    return `replica set ${name} grew, and its Deployment wants ${total} pods where ${allowed} are allowed`;
  }

  #availabilityFault(
    owner: string,
    shrunk: { uid: string; name: string; before: number },
    nowMs: number,
  ): string | undefined {
    const versions = this.#versionsOf(owner, nowMs);
    const [first] = versions;
    const siblings = this.#replicaSetsOf(owner);
    const isSteady = versions.every(({ isRolling, pods }) => isRolling && pods === first!.pods) &&
      siblings.every(([, { ownerSinceMs, sizes }]) =>
        sizes.length <= 1 || ownerSinceMs < nowMs - this.#staleMs()
      );
    if (!isSteady || this.#staleMs() > STALE_MS) return undefined;
    const wanted = Math.min(...versions.map(({ pods, unavailable }) => pods - unavailable));
    const left = siblings.reduce(
      (sum, [uid, { pods }]) => sum + Math.min(pods, this.#availableOf(uid, nowMs)),
      0,
    );
    const given = this.#replicaSets.get(shrunk.uid)!.pods;
    const lost = Math.min(shrunk.before, this.#surelyAvailableOf(shrunk.uid, nowMs)) - given;
    if (lost <= 0 || left >= wanted) return undefined;
    return `replica set ${shrunk.name} shrank by ${lost} available pods, and ${left} are left ` +
      `where ${wanted} are wanted at least`;
  }

  /** Pods that are available, or were a moment ago. */
  #availableOf(replicaSet: string, nowMs: number): number {
    return this.#podsOf(replicaSet).filter((pod) =>
      pod.isReady || pod.readyUntilMs >= nowMs - STALE_MS
    ).length;
  }

  /** Pods that the controller knows to be available: those that have been for a moment. */
  #surelyAvailableOf(replicaSet: string, nowMs: number): number {
    return this.#podsOf(replicaSet).filter((pod) =>
      pod.isReady && pod.isActive && pod.readySinceMs <= nowMs - KNOWN_MS
    ).length;
  }

  #podsOf(replicaSet: string): PodFacts[] {
    return [...this.#pods.all].filter(({ owner }) => owner === replicaSet);
  }

  #versionsOf(deployment: string, nowMs: number): Version[] {
    return this.#deployments.get(deployment)!
      .filter(({ untilMs }) => untilMs >= nowMs - this.#staleMs());
  }

  #replicaSetsOf(deployment: string): [string, ReplicaSetSizes][] {
    return [...this.#replicaSets].filter(([, { owner }]) => owner === deployment);
  }
}

function versionOf({ replicas, strategy, paused }: Deployment["spec"], fromMs: number): Version {
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy.rollingUpdate ?? {};
  const isRolling = strategy.type === "RollingUpdate" && !paused;
  const inPods = (limit: number | string, round: (pods: number) => number) =>
    typeof limit === "number" ? limit : round(Number.parseInt(limit) * replicas / 100);
  const surge = strategy.type === "Recreate" ? 0 : inPods(maxSurge, Math.ceil);
  const unavailable = Math.min(inPods(maxUnavailable, Math.floor), replicas);
  return {
    fromMs,
    untilMs: Infinity,
    pods: replicas,
    surge,
    isRolling,
    recreates: strategy.type === "Recreate" && !paused,
    unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable,
  };
}

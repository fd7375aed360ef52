import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";
import type { Rollout } from "../../core/resources/argoproj/mod.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { sharesOf } from "../../core/traffic/service_shares.ts";
import type { PodLedger } from "./pod_facts.ts";

/** The Rollout, its Service with the shares, and that of its canary. */
const ROLLOUT = "split";
const STABLE = "split-active";
const CANARY = "split-preview";
/** A controller may act on what it read this long ago. */
const STALE_MS = 5_000;
const HASH_LABEL = "rollouts-pod-template-hash";

interface Seen<T> {
  value: T;
  untilMs: number;
}

/**
 * Coracle's promise for canaries whose traffic its own proxy splits: whenever shares are written, the canary's is not
 * larger than what the ready pods can carry that its Service leads to. A pod that was ready a moment ago counts.
 */
export class RolloutShares {
  readonly #pods: PodLedger;
  readonly #staleMs: () => number;
  readonly #setUids = new Map<string, string>();
  /** The last ones first. */
  #replicas: Seen<number>[] = [];
  #hashes: Seen<string>[] = [];

  constructor(pods: PodLedger, options: { extraStaleMs: () => number }) {
    this.#pods = pods;
    this.#staleMs = () => STALE_MS + options.extraStaleMs();
  }

  rolloutSeen({ metadata: { name }, spec }: Rollout, nowMs: number): void {
    if (name !== ROLLOUT) return;
    this.#replicas = withSeen(this.#replicas, spec.replicas ?? 1, nowMs);
  }

  replicaSetSeen({ metadata: { labels, uid } }: ReplicaSet): void {
    const hash = labels?.[HASH_LABEL];
    if (hash !== undefined) this.#setUids.set(hash, uid);
  }

  /** Returns what is wrong with the change. */
  serviceSeen(service: Service, nowMs: number): string | undefined {
    const { name } = service.metadata;
    const hash = service.spec.selector?.[HASH_LABEL] ?? "";
    if (name === CANARY) this.#hashes = withSeen(this.#hashes, hash, nowMs);
    return name === STABLE ? this.#faultOf(service, nowMs) : undefined;
  }

  #faultOf(service: Service, nowMs: number): string | undefined {
    const read = sharesOf(service);
    if (read === undefined) return undefined;
    if ("fault" in read) return `the shares of ${STABLE} cannot be read: ${read.fault}`;
    const total = read.shares.reduce((sum, { weight }) => sum + weight, 0);
    const weight = read.shares.find((share) => share.service === CANARY)?.weight ?? 0;
    const replicas = Math.min(...this.#recent(this.#replicas, nowMs));
    const ready = Math.max(
      0,
      ...this.#recent(this.#hashes, nowMs).map((hash) => this.#readyOf(hash, nowMs)),
    );
    if (weight * replicas <= total * ready) return undefined;
    return `the canary gets ${weight} of ${total} with ${ready} ready pods where ${replicas} carry all`;
  }

  #recent<T>(seen: readonly Seen<T>[], nowMs: number): T[] {
    return seen.filter(({ untilMs }) => untilMs >= nowMs - this.#staleMs())
      .map(({ value }) => value);
  }

  #readyOf(hash: string, nowMs: number): number {
    const uid = this.#setUids.get(hash);
    return [...this.#pods.all].filter(({ owner, isReady, readyUntilMs }) =>
      owner === uid && (isReady || readyUntilMs >= nowMs - this.#staleMs())
    ).length;
  }
}

function withSeen<T>(seen: readonly Seen<T>[], value: T, nowMs: number): Seen<T>[] {
  const [last, ...older] = seen;
  if (last?.value === value) return [...seen];
  const fresh = { value, untilMs: Infinity };
  return last === undefined ? [fresh] : [fresh, { ...last, untilMs: nowMs }, ...older];
}

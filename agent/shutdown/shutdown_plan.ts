import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** How long the pods of a node have when it shuts down: all of them, and of that the critical ones alone at the end. */
export interface ShutdownGrace {
  readonly graceMs: number;
  readonly criticalMs: number;
}

/** Pods that end together. */
export interface ShutdownGroup<P extends { readonly pod: Pod }> {
  readonly members: readonly { readonly worker: P; readonly graceMs: number }[];
  /** The next group follows then, or when all have ended. */
  readonly untilMs: number;
}

/** `SystemCriticalPriority`. */
const CRITICAL_PRIORITY = 2_000_000_000;

/**
 * Which pods end when, and with how much grace: theirs, or what is left. Pure.
 * https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
 */
export function shutdownPlan<P extends { readonly pod: Pod }>(
  workers: readonly P[],
  { graceMs, criticalMs }: ShutdownGrace,
): ShutdownGroup<P>[] {
  const isCritical = ({ pod }: P) => (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY;
  const shares = [
    { share: Math.max(0, graceMs - criticalMs), some: workers.filter((each) => !isCritical(each)) },
    { share: Math.min(graceMs, criticalMs), some: workers.filter(isCritical) },
  ];
  return shares.filter(({ some }) => some.length > 0).map(({ share, some }) => ({
    untilMs: share,
    members: some.map((worker) => ({
      worker,
      graceMs: Math.min(share, worker.pod.spec.terminationGracePeriodSeconds * 1_000),
    })),
  }));
}

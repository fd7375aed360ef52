/** What is to be reached with a canary that shares one Service with the stable set. */
export interface BasicGoal {
  /** Pods that there should be. */
  replicas: number;
  /** Share of the canary, from 0 to `weightMax`. */
  weight: number;
  weightMax: number;
  /** Pods that there may be beyond `replicas`. */
  surge: number;
  /** Pods of `replicas` that may be missing. */
  unavailable: number;
}

/** Of a ReplicaSet: how many pods it should have, and how many of them are available. */
export interface SetCount {
  size: number;
  available: number;
}

export interface BasicCounts {
  canary: SetCount;
  /** Absent when the canary is the stable set, or nothing has become stable yet. */
  stable?: SetCount;
  /** Sets of further revisions, together. */
  others: SetCount;
}

/** Sizes of the two sets. */
export interface Sizes {
  canary: number;
  stable: number;
}

/**
 * The numbers of pods that come closest to the weight, of `replicas` pods or, where pods may surge, of one more. Between 0
 * and all, neither set is left without a pod if there can be two. Argo Rollouts: `approximateWeightedCanaryStableReplicaCounts`.
 */
export function basicWanted(goal: BasicGoal): Sizes {
  const { replicas, weight, weightMax } = goal;
  if (replicas === 0) return { canary: 0, stable: 0 };
  let best: { canary: number; total: number } | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidatesOf(goal)) {
    const distance = Math.abs(candidate.canary * weightMax / candidate.total - weight);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  if (best === undefined) return { canary: 0, stable: replicas };
  return { canary: best.canary, stable: best.total - best.canary };
}

function candidatesOf(
  { replicas, weight, weightMax, surge }: BasicGoal,
): { canary: number; total: number }[] {
  const exact = replicas * weight / weightMax;
  const [up, down] = [Math.ceil(exact), Math.floor(exact)];
  const mayBeEmpty = weight === 0 || weight === weightMax || (replicas === 1 && surge === 0);
  const downIsAllowed = (total: number) =>
    !isHalf(total * (weight / weightMax)) && (down !== 0 || mayBeEmpty);
  return [
    ...(up < replicas || mayBeEmpty ? [{ canary: up, total: replicas }] : []),
    ...(downIsAllowed(replicas) ? [{ canary: down, total: replicas }] : []),
    ...(surge > 0 ? [{ canary: up, total: replicas + 1 }] : []),
    ...(surge > 0 && downIsAllowed(replicas + 1) ? [{ canary: down, total: replicas + 1 }] : []),
  ];
}

/** Of two numbers that are equally near, the greater one is taken. */
function isHalf(count: number): boolean {
  return count - Math.trunc(count) === 0.5;
}

/**
 * The sizes to ask for now: a step towards {@linkcode basicWanted} that keeps `replicas - unavailable` pods available and
 * no more than `replicas + surge` there. Sets of further revisions shrink before these two do.
 * Argo Rollouts: `CalculateReplicaCountsForBasicCanary`.
 */
export function basicSizes(goal: BasicGoal, counts: BasicCounts): Sizes {
  const { canary, stable } = counts;
  const wanted = stable ? basicWanted(goal) : { canary: goal.replicas, stable: 0 };
  const grown = grownSizes(goal, counts, wanted);
  if (counts.others.size > 0) return isStuck(goal, counts) ? unstuck(counts, grown, wanted) : grown;
  const canGrow = wanted.canary >= canary.size;
  const mayLose = countedPods(canary, !canGrow) + (stable ? countedPods(stable, canGrow) : 0) -
    (goal.replicas - goal.unavailable);
  if (mayLose <= 0) return grown;
  if (!canGrow) {
    const shrunk = shrunkSize(canary, grown.canary, wanted.canary, mayLose);
    const sizes = { draining: shrunk, other: grown.stable };
    const fitted = withinLimits(goal, { draining: canary, other: stable }, sizes);
    return { canary: fitted.draining, stable: fitted.other };
  }
  if (stable === undefined) return grown;
  const shrunk = shrunkSize(stable, grown.stable, wanted.stable, mayLose);
  const sizes = { draining: shrunk, other: grown.canary };
  const fitted = withinLimits(goal, { draining: stable, other: canary }, sizes);
  return { canary: fitted.other, stable: fitted.draining };
}

/** What may be added is given to the stable set first. */
function grownSizes(
  { replicas, surge }: BasicGoal,
  { canary, stable, others }: BasicCounts,
  wanted: Sizes,
): Sizes {
  let free = replicas + surge - canary.size - (stable?.size ?? 0) - others.size;
  const grown = (set: SetCount, goal: number) => {
    const more = Math.max(0, Math.min(goal - set.size, free));
    free -= more;
    return set.size + more;
  };
  const stableSize = stable ? grown(stable, wanted.stable) : 0;
  return { stable: stableSize, canary: grown(canary, wanted.canary) };
}

/** Whether there is no room for another pod, and no pod of a further revision can be missed. */
function isStuck(
  { replicas, surge, unavailable }: BasicGoal,
  { canary, stable = { size: 0, available: 0 }, others }: BasicCounts,
): boolean {
  return others.available === others.size &&
    canary.size + stable.size + others.size >= replicas + surge &&
    canary.available + stable.available + others.available <= replicas - unavailable;
}

/**
 * Pods that do not work, of a set that is to shrink, make room for others. Argo Rollouts waits for ever then:
 * https://github.com/argoproj/argo-rollouts/issues/2050
 */
function unstuck({ canary, stable }: BasicCounts, grown: Sizes, wanted: Sizes): Sizes {
  const kept = ({ size, available }: SetCount, goal: number) =>
    Math.min(size, Math.max(goal, available));
  return wanted.canary >= canary.size
    ? { ...grown, stable: stable ? kept(stable, wanted.stable) : 0 }
    : { ...grown, canary: kept(canary, wanted.canary) };
}

/**
 * Pods of a set that count as available. Those of the set that shrinks all do: whether they work or not, they can go.
 * Pods that are ending already never do.
 */
function countedPods({ size, available }: SetCount, isShrinking: boolean): number {
  return isShrinking || size < available ? size : available;
}

function shrunkSize(set: SetCount, size: number, wanted: number, mayLose: number): number {
  return set.size > wanted ? Math.max(wanted, set.size - mayLose) : size;
}

interface Pair<T, O = T> {
  /** The set that shrinks. */
  draining: T;
  other: O;
}

/** Argo Rollouts: `adjustReplicaWithinLimits`. */
function withinLimits(
  { replicas, surge, unavailable }: BasicGoal,
  sets: Pair<SetCount, SetCount | undefined>,
  { draining, other }: Pair<number>,
): Pair<number> {
  if (sets.other === undefined) return { draining, other };
  const excess = (otherSize: number) => Math.max(0, otherSize + draining - replicas - surge);
  const cut = other - excess(other);
  const available = Math.min(sets.draining.available, draining) +
    Math.min(sets.other.available, cut);
  const lost = Math.max(0, sets.other.available - cut);
  const missing = Math.max(0, replicas - unavailable - available);
  const refilled = cut + Math.min(lost, missing);
  return { draining: draining - excess(refilled), other: refilled };
}

import type { ApiError } from "../../../client/api_error.ts";
import type { View } from "../../../client/client.ts";
import type { StatefulSet } from "../../../resources/apps/stateful_sets.ts";
import { persistentVolumeClaims } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { isFinished } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { create, remove, update, type Write } from "../../runtime/controller.ts";
import { WRITES_MAX } from "../pod_creation.ts";
import {
  type ClaimName,
  claimsOf,
  conflictEvents,
  isStale,
  newClaim,
  retentionWrites,
  storedClaim,
} from "./claims.ts";
import type { History, State } from "./history.ts";
import { stateAt } from "./ordinal_steps.ts";
import { isIn, podNameOf, rangeOf } from "./ordinals.ts";
import {
  claimEvent,
  isAvailable,
  isEnding,
  isRunningAndReady,
  isUnavailable,
  newStatefulPod,
  podEvent,
  withIdentity,
} from "./stateful_pods.ts";

/** What a look at a set works on. */
export interface SetState {
  set: StatefulSet;
  history: History;
  /** The pods that it has, by ordinal, those outside its range included. */
  pods: ReadonlyMap<number, Pod>;
  view: View;
  nowMs: number;
  /** What to write when something cannot be created, besides telling so: the status. */
  refused: readonly Write[];
}

/** What is done about one pod. `waits`: in an ordered set, nothing is done about the next ones yet. */
interface Step {
  writes: readonly Write[];
  waits: boolean;
}

const GOES_ON: Step = { writes: [], waits: false };
const WAITS: Step = { writes: [], waits: true };

/** A step of the set as a whole. `isSettled`: every pod that it should have is there, and none too many. */
export interface Scaling {
  writes: readonly Write[];
  isSettled: boolean;
}

/**
 * What to do for the set to have the pods of its range, and no others: one pod at a time, the next one when the one before
 * is available; from the last one to the first when they go. Parallel sets do not wait.
 *
 * Kubernetes: `updateStatefulSet` in `pkg/controller/statefulset/stateful_set_control.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
 */
export function scaling(state: SetState): Scaling {
  const { set } = state;
  const range = rangeOf(set);
  const surplus = [...state.pods].filter(([ordinal]) => !isIn(range, ordinal))
    .sort(([a], [b]) => b - a).map(([, pod]) => pod);
  const kept = inTurn(set, slotsOf(state), (ordinal) => replicaStep(state, ordinal));
  if (kept.waits) return { writes: kept.writes, isSettled: false };
  const owners = surplus.flatMap((pod) => retentionWrites(set, pod, state.view));
  const gone = inTurn(set, surplus, (pod) => surplusStep(state, pod, surplus));
  return { writes: [...kept.writes, ...owners, ...gone.writes], isSettled: !gone.waits };
}

function isOrdered({ spec }: StatefulSet): boolean {
  return spec.podManagementPolicy !== "Parallel";
}

function inTurn<T>(set: StatefulSet, items: readonly T[], stepOf: (item: T) => Step): Step {
  const writes: Write[] = [];
  for (const item of items) {
    const step = stepOf(item);
    writes.push(...step.writes);
    if (step.waits && isOrdered(set)) return { writes, waits: true };
    if (writes.length >= WRITES_MAX) return { writes, waits: true };
  }
  return { writes, waits: false };
}

/** Ordinals of the range from low to high: all that have a pod, and as many of the others as one plan can create. */
function slotsOf({ set, pods }: SetState): number[] {
  const range = rangeOf(set);
  const slots = [...pods.keys()].filter((ordinal) => isIn(range, ordinal));
  const missingMax = isOrdered(set) ? 1 : WRITES_MAX;
  let missing = 0;
  for (let ordinal = range.first; ordinal <= range.last && missing < missingMax; ordinal++) {
    if (pods.has(ordinal)) continue;
    slots.push(ordinal);
    missing++;
  }
  return slots.sort((a, b) => a - b);
}

/** Kubernetes: `processReplica`. */
function replicaStep(state: SetState, ordinal: number): Step {
  const { set, view, nowMs } = state;
  const pod = state.pods.get(ordinal);
  if (pod === undefined) return creation(state, ordinal);
  if (isFinished(pod)) return { writes: isEnding(pod) ? [] : [deletion(set, pod)], waits: true };
  const isPending = pod.status.phase === "Pending";
  const repairs = isPending ? claimRepairs(state, pod, ordinal) : GOES_ON;
  if (repairs.waits) return repairs;
  if (isEnding(pod) || !isRunningAndReady(pod) || !isAvailable(set, pod, nowMs)) {
    if (isOrdered(set)) return { writes: repairs.writes, waits: true };
  }
  const identified = withIdentity(set, pod);
  const owners = isPending ? [] : retentionWrites(set, pod, view);
  if (identified === undefined && owners.length === 0) return { ...repairs, waits: false };
  const writes = [
    ...repairs.writes,
    ...owners,
    ...identified ? [update(pods, identified)] : [],
    podEvent(set, "update", pod.metadata.name),
  ];
  return { writes, waits: false };
}

/** Claims come first; the pod with the next look, once they are there. */
function creation(state: SetState, ordinal: number): Step {
  const { set, view, refused } = state;
  const name = podNameOf(set, ordinal);
  const { namespace } = set.metadata;
  if (view.get(pods, { namespace, name }) !== undefined) return WAITS; // somebody else's, or let go
  const named = claimsOf(set, ordinal);
  const stored = named.map((each) => storedClaim(set, each, view)).filter((each) =>
    each !== undefined
  );
  if (stored.some((claim) => isStale(set, name, claim))) return WAITS;
  const ending = stored.find(({ metadata }) => metadata.deletionTimestamp);
  if (ending !== undefined) {
    const error = `pvc ${ending.metadata.name} is being deleted`;
    return { writes: [podEvent(set, "create", name, error)], waits: true };
  }
  if (stored.length < named.length) {
    return { writes: claimCreations(state, ordinal, named), waits: true };
  }
  const made = create(pods, newStatefulPod(set, ordinal, stateFor(state, ordinal)), {
    event: podEvent(set, "create", name).event,
    refused: (error) => [...refused, podEvent(set, "create", name, error.message)],
  });
  const conflicts = stored.flatMap((claim) => conflictEvents(set, name, claim));
  return { writes: [made, ...conflicts], waits: true };
}

function claimCreations(state: SetState, ordinal: number, named: readonly ClaimName[]): Write[] {
  const { set, view, refused } = state;
  const pod = podNameOf(set, ordinal);
  return named.filter((each) => storedClaim(set, each, view) === undefined).map((each) => {
    const told = (error?: ApiError) => claimEvent(set, { claim: each.name, pod }, error?.message);
    return create(persistentVolumeClaims, newClaim(set, each), {
      event: told().event,
      refused: (error) => [
        ...refused,
        told(error),
        podEvent(set, "create", pod, `failed to create PVC ${each.name}: ${error.message}`),
      ],
    });
  });
}

/** Claims that a pod waits for are made anew when somebody has deleted them. */
function claimRepairs(state: SetState, pod: Pod, ordinal: number): Step {
  const { set, view } = state;
  const named = claimsOf(set, ordinal);
  const isEndingClaim = (each: ClaimName) =>
    storedClaim(set, each, view)?.metadata.deletionTimestamp !== undefined;
  if (named.some(isEndingClaim)) return WAITS;
  const writes = [...claimCreations(state, ordinal, named), ...retentionWrites(set, pod, view)];
  return { writes, waits: false };
}

/**
 * What a missing pod is made of: below the partition of the state before the update; without a partition, as many as have
 * not been updated. Kubernetes: `newVersionedStatefulSetPod`.
 */
function stateFor({ set, history }: SetState, ordinal: number): State {
  if (history.steps) return stateAt(history, ordinal);
  const { spec: { updateStrategy: { type, rollingUpdate } }, status } = set;
  const before = rollingUpdate?.partition ??
    (type === "RollingUpdate" ? status.currentReplicas ?? 0 : 0);
  return ordinal < rangeOf(set).first + before ? history.current : history.update;
}

/** Kubernetes: `processCondemned`. `surplus`: from the highest ordinal to the lowest. */
function surplusStep({ set, nowMs }: SetState, pod: Pod, surplus: readonly Pod[]): Step {
  if (isEnding(pod)) return WAITS;
  const firstUnavailable = surplus.findLast((each) => isUnavailable(set, each, nowMs));
  const isHealthy = isRunningAndReady(pod) && isAvailable(set, pod, nowMs);
  if (isOrdered(set) && !isHealthy && pod !== firstUnavailable) return WAITS;
  return { writes: [deletion(set, pod)], waits: true };
}

/** Ends a pod of the set, and tells so. */
export function deletion(set: StatefulSet, pod: Pod): Write {
  return remove(pods, pod, { event: podEvent(set, "delete", pod.metadata.name).event });
}

import { timestamp } from "../../../lib/timestamp.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { services } from "../../../resources/core/services/services.ts";
import { abortScaleDownDelayS, scaleDownDelayS } from "../situation/delays.ts";
import type { Pass } from "../situation/pass.ts";
import {
  availableOf,
  deadlineMsOf,
  DESIRED_REPLICAS,
  hasDeadline,
  HASH_LABEL,
  hashOf,
  revisionOf,
  SCALE_DOWN_DEADLINE,
} from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";
import { scaleWorkload } from "./workload_reference.ts";

/** Gives a set a size, and notes what it was made for. Gives whether the size is another one. */
export function scale(situation: Situation, pass: Pass, which: ReplicaSet, size: number): boolean {
  const { replicas } = situation.rollout.spec;
  const set = pass.setNow(which);
  const { annotations } = set.metadata;
  const from = set.spec.replicas;
  const isMarked = annotations?.[DESIRED_REPLICAS] === String(replicas) &&
    !(replicas === 0 && hasDeadline(set));
  if (from === size && isMarked) return false;
  const losesDeadline = size === 0 && !delaysScaleDownOnAbort(situation, pass);
  pass.changeSet(set, (now) => {
    const marked = withAnnotation(now, DESIRED_REPLICAS, String(replicas));
    const { metadata } = losesDeadline ? withoutDeadline(marked) : marked;
    return { ...now, metadata, spec: { ...now.spec, replicas: size } };
  }, from === size ? undefined : scaledEvent(set, size));
  return from !== size;
}

function scaledEvent(set: ReplicaSet, size: number): { reason: string; message: string } {
  const from = set.spec.replicas;
  const which = `ReplicaSet ${set.metadata.name} (revision ${revisionOf(set)})`;
  return {
    reason: "ScalingReplicaSet",
    message: `Scaled ${from < size ? "up" : "down"} ${which} from ${from} to ${size}`,
  };
}

function withAnnotation(set: ReplicaSet, key: string, value: string): ReplicaSet {
  const { metadata } = set;
  return {
    ...set,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [key]: value } },
  };
}

function withoutDeadline(set: ReplicaSet): ReplicaSet {
  if (set.metadata.annotations?.[SCALE_DOWN_DEADLINE] === undefined) return set;
  const { [SCALE_DOWN_DEADLINE]: _, ...annotations } = set.metadata.annotations;
  return { ...set, metadata: { ...set.metadata, annotations } };
}

/** Lets the pods of a set stay for so many seconds; 0 takes an earlier deadline away. */
export function addDeadline(
  { nowMs }: Situation,
  pass: Pass,
  set: ReplicaSet,
  seconds: number,
): void {
  if (seconds === 0) return pass.changeSet(set, withoutDeadline);
  const deadline = timestamp(nowMs + seconds * 1_000);
  pass.changeSet(set, (now) => withAnnotation(now, SCALE_DOWN_DEADLINE, deadline));
  pass.wakeIn(seconds * 1_000);
}

/** Sets that are wanted again have no deadline any more. */
export function removeDeadlines(situation: Situation, pass: Pass): void {
  const { current, stable } = situation;
  const wanted = new Set(delaysScaleDownOnAbort(situation, pass) ? [] : [current]);
  if (stable && stable !== current) wanted.add(stable);
  if (stable && wanted.size === 0) wanted.add(stable);
  for (const set of wanted) if (hasDeadline(set)) pass.changeSet(set, withoutDeadline);
}

/** Whether the new set stays for a while now that the rollout is aborted. Argo Rollouts: `shouldDelayScaleDownOnAbort`. */
export function delaysScaleDownOnAbort(
  { rollout, stable }: Pick<Situation, "rollout" | "stable">,
  { isAborted }: Pick<Pass, "isAborted">,
): boolean {
  const { canary } = rollout.spec.strategy;
  if (!isAborted || stable === undefined || (canary && !canary.trafficRouting)) return false;
  if (abortScaleDownDelayS(rollout) === undefined) return false;
  return !(canary?.dynamicStableScale && canary.abortScaleDownDelaySeconds === undefined);
}

/**
 * Gives the current set its size; after an abort only once its time is over. `least`: pods that it needs for what comes to
 * it. Gives whether the size changed.
 */
export function scaleCurrent(
  situation: Situation,
  pass: Pass,
  wanted: number,
  least = 0,
): boolean {
  const { current, stable, rollout, nowMs } = situation;
  let size = wanted;
  if (delaysScaleDownOnAbort(situation, pass)) {
    if (!hasDeadline(current)) {
      // Its time begins when the stable set can carry everything.
      if (availableOf(stable) === rollout.spec.replicas) {
        addDeadline(situation, pass, current, abortScaleDownDelayS(rollout)!);
      }
      return false;
    }
    const deadlineMs = deadlineMsOf(current);
    if (deadlineMs !== undefined && deadlineMs > nowMs) {
      pass.wakeIn(deadlineMs - nowMs);
      return false;
    }
    if (deadlineMs !== undefined) size = 0;
  }
  size = Math.max(size, least);
  const isScaled = scale(situation, pass, current, size);
  scaleReferredWorkload(situation, pass, size);
  return isScaled;
}

/** The workload that the template is of loses its pods as the rollout gets its own. */
function scaleReferredWorkload(situation: Situation, pass: Pass, size: number): void {
  const { current, rollout: { spec, status } } = situation;
  if (spec.workloadRef?.scaleDown !== "progressively" || revisionOf(current) !== 1) return;
  const ready = status.readyReplicas ?? 0;
  if (ready > 0 || current.spec.replicas > size) {
    scaleWorkload(situation, pass, Math.max(0, spec.replicas - ready));
  }
}

/**
 * The size of a set whose pods are not needed any more: `kept` until its deadline, then 0. `waiting`: sets that wait
 * already. Argo Rollouts: `scaleDownDelayHelper`.
 */
export function delayedSize(
  situation: Situation,
  pass: Pass,
  set: ReplicaSet,
  { waiting, kept }: { waiting: number; kept: number },
): { waiting: number; size: number } {
  const { rollout, nowMs } = situation;
  const { canary, blueGreen } = rollout.spec.strategy;
  const waitingMax = (blueGreen ?? canary)?.scaleDownDelayRevisionLimit ?? Infinity;
  const now = pass.setNow(set);
  if (!hasDeadline(set)) {
    const delayS = scaleDownDelayS(rollout);
    if (now.spec.replicas === 0 || waiting >= waitingMax || delayS === 0) {
      return { waiting, size: 0 };
    }
    addDeadline(situation, pass, set, delayS);
    return { waiting: waiting + 1, size: now.spec.replicas };
  }
  const deadlineMs = deadlineMsOf(set);
  const isWaiting = waiting < waitingMax && deadlineMs !== undefined && deadlineMs > nowMs;
  if (isWaiting) pass.wakeIn(deadlineMs - nowMs);
  return { waiting: waiting + 1, size: isWaiting ? kept : 0 };
}

/** Whether the status, the weights or a Service of the rollout name the set, so that requests may reach it. */
export function isReferenced({ rollout, view }: Situation, set: ReplicaSet): boolean {
  const hash = hashOf(set);
  const { status, spec: { strategy } } = rollout;
  const { weights } = status.canary;
  const named = [
    status.stableRS,
    status.currentPodHash,
    status.blueGreen.activeSelector,
    status.blueGreen.previewSelector,
    weights?.canary.podTemplateHash,
    weights?.stable.podTemplateHash,
  ];
  if (hash === "") return false;
  if (named.includes(hash)) return true;
  const { canary, blueGreen } = strategy;
  const names = canary
    ? [
      canary.canaryService,
      canary.stableService,
      canary.pingPong?.pingService,
      canary.pingPong?.pongService,
    ]
    : [blueGreen?.activeService, blueGreen?.previewService];
  const { namespace } = rollout.metadata;
  return names.some((name) =>
    name !== undefined && name !== "" &&
    view.get(services, { namespace, name })?.spec.selector?.[HASH_LABEL] === hash
  );
}

import type { Rollout, Step } from "../cluster/objects.ts";

export const WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation";
const MAX_WEIGHT = 100;

/** The phase of a rollout and why, as clients see it: what the controller has not seen yet is still in progress. */
export function phaseOf(rollout: Rollout): { phase: string; message: string } {
  const { status = {} } = rollout;
  const waiting = waitingFor(rollout);
  if (waiting !== undefined) return { phase: "Progressing", message: waiting };
  if (status.phase) return { phase: status.phase, message: status.message ?? "" };
  return { phase: "Progressing", message: "more replicas need to be updated" };
}

function waitingFor({ metadata, spec, status = {} }: Rollout): string | undefined {
  const observed = numberIn(status.observedGeneration);
  if (observed !== undefined && observed < (metadata.generation ?? 0)) {
    return "waiting for rollout spec update to be observed";
  }
  if (status.controllerPause && !status.pauseConditions?.length) {
    return "waiting for rollout to unpause";
  }
  if (spec.workloadRef === undefined) return undefined;
  const wanted = numberIn(metadata.annotations?.[WORKLOAD_GENERATION]);
  const seen = numberIn(status.workloadObservedGeneration);
  return wanted !== undefined && seen !== undefined && wanted !== seen
    ? "waiting for rollout spec update to be observed for the reference workload"
    : undefined;
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The steps of a canary; none for other strategies. */
export function stepsOf({ spec }: Rollout): readonly Step[] {
  return spec.strategy?.canary?.steps ?? [];
}

/** Where a rollout stands in its steps; `undefined`: it has none. Beyond the last one: all are done. */
export function stepIndexOf(rollout: Rollout): number | undefined {
  return stepsOf(rollout).length === 0 ? undefined : rollout.status?.currentStepIndex ?? 0;
}

/** The step after the current one, at most the number of steps; `undefined`: there are none. */
export function nextStepIndexOf(rollout: Rollout): number | undefined {
  const index = stepIndexOf(rollout);
  return index === undefined ? undefined : Math.min(index + 1, stepsOf(rollout).length);
}

/** Whether a step is going on. */
export function isInSteps(rollout: Rollout): boolean {
  const index = stepIndexOf(rollout);
  return index !== undefined && index < stepsOf(rollout).length;
}

export function maxWeightOf({ spec }: Rollout): number {
  return spec.strategy?.canary?.trafficRouting?.maxTrafficWeight ?? MAX_WEIGHT;
}

/** The weight that the steps ask for now. */
export function setWeightOf(rollout: Rollout): number {
  if (rollout.status?.abort) return 0;
  if (!isInSteps(rollout)) return maxWeightOf(rollout);
  const done = stepsOf(rollout).slice(0, stepIndexOf(rollout)! + 1);
  return done.findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
}

/** `2/8`: the step and how many there are; `undefined` when there are none, or none was begun. */
export function stepTextOf(rollout: Rollout): string | undefined {
  const index = rollout.status?.currentStepIndex;
  const { length } = stepsOf(rollout);
  return index === undefined || length === 0 ? undefined : `${index}/${length}`;
}

export function strategyOf({ spec }: Rollout): "Canary" | "BlueGreen" | "" {
  if (spec.strategy?.canary) return "Canary";
  return spec.strategy?.blueGreen ? "BlueGreen" : "";
}

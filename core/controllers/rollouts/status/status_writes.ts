import { isEqual } from "../../../lib/equality.ts";
import { rollouts, type RolloutStatus } from "../../../resources/argoproj/mod.ts";
import { updateStatus, type Write } from "../../runtime/controller.ts";
import { REVISION } from "../situation/sets.ts";
import type { FullStatus, OpenSituation } from "../situation/situation.ts";
import { phaseOf } from "./phase.ts";
import { WORKLOAD_GENERATION } from "../parts/workload_reference.ts";

type About = Pick<OpenSituation, "stored" | "rollout" | "workloadGeneration">;

/** Members that say something even when they are 0. */
const KEPT_ZEROS: readonly string[] = ["currentStepIndex", "collisionCount"];

/**
 * The one write of a look at a Rollout: its status, and the annotations with its revision and the generation of its
 * workload, which a write of the status may change, too. Nothing when nothing changes.
 */
export function statusWrites(situation: About, status: FullStatus): Write[] {
  const { stored } = situation;
  const annotations = withOwnAnnotations(situation);
  const next = withoutEmpty(status);
  const isSame = isEqual(next, stored.status ?? {}) &&
    isEqual(annotations, stored.metadata.annotations);
  if (isSame) return [];
  const metadata = annotations ? { ...stored.metadata, annotations } : stored.metadata;
  return [updateStatus(rollouts, { ...stored, metadata, status: next })];
}

/** The status with what is worked out last: which generation it is about, and what it all means. */
export function observed(situation: About, status: FullStatus): FullStatus {
  const { stored, rollout, workloadGeneration = "" } = situation;
  const { phase: _, message: _m, ...rest } = status;
  const next = {
    ...rest,
    observedGeneration: String(stored.metadata.generation ?? 0),
    workloadObservedGeneration: workloadGeneration,
  };
  return { ...next, ...phaseOf(rollout, next) };
}

function withOwnAnnotations(
  { stored, rollout, workloadGeneration }: About,
): Record<string, string> | undefined {
  const { [WORKLOAD_GENERATION]: _, ...others } = stored.metadata.annotations ?? {};
  const revision = rollout.metadata.annotations?.[REVISION];
  const annotations = {
    ...others,
    ...(revision !== undefined && { [REVISION]: revision }),
    ...(workloadGeneration !== undefined && { [WORKLOAD_GENERATION]: workloadGeneration }),
  };
  return Object.keys(annotations).length === 0 ? undefined : annotations;
}

/** Without members that are empty, which Go leaves out. */
function withoutEmpty(status: FullStatus): RolloutStatus {
  const isEmpty = (value: unknown) =>
    value === undefined || value === "" || value === 0 || value === false ||
    (Array.isArray(value) && value.length === 0);
  const full = { ...status, canary: withoutAbsent(status.canary) };
  return Object.fromEntries(
    Object.entries({ ...full, blueGreen: withoutAbsent(status.blueGreen) }).filter(([key, value]) =>
      !isEmpty(value) || (value === 0 && KEPT_ZEROS.includes(key))
    ),
  );
}

function withoutAbsent<T extends object>(part: T): T {
  return Object.fromEntries(
    Object.entries(part).filter(([, value]) =>
      value !== undefined && value !== false && value !== ""
    ),
  ) as T; // all that is taken away may be absent
}

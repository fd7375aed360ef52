import { isEqual } from "../lib/equality.ts";
import { timestamp } from "../lib/timestamp.ts";
import {
  fallback,
  long,
  object,
  oneOf,
  required,
  string,
  time,
  type TypeOf,
} from "../schema/schema.ts";

export const conditionStatus = oneOf("Whether the condition holds.", ["True", "False", "Unknown"]);
export type ConditionStatus = TypeOf<typeof conditionStatus>;

/** The fields of a condition in the kinds that are older than `metav1.Condition`. `about` says what its type may be. */
// deno-lint-ignore explicit-module-boundary-types -- what it returns is the type
export function conditionFields(about: string) {
  return {
    type: required(string(about)),
    status: required(conditionStatus),
    lastTransitionTime: time("When the status last changed."),
    reason: string("One word, in CamelCase, for machines."),
    message: string("A sentence for people."),
  };
}

/** `metav1.Condition`: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/ */
export const condition = object("One aspect of the state of an object.", {
  type: required(string("What the condition is about.")),
  status: required(conditionStatus),
  observedGeneration: long("Generation of the object that the condition was set for."),
  lastTransitionTime: required(time("When the status last went from one word to another.")),
  reason: required(string("One word, in CamelCase, for machines.")),
  message: fallback("", string("A sentence for people; may be empty.")),
});
export type Condition = TypeOf<typeof condition>;

/** What the conditions of all kinds have in common. */
export interface AnyCondition {
  type: string;
  status: ConditionStatus;
  lastTransitionTime?: string;
}

export function conditionOf<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: C["type"],
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether a condition of the type is there and its status is `True`. */
export function isConditionTrue(
  conditions: readonly AnyCondition[] | undefined,
  type: string,
): boolean {
  return conditionOf(conditions, type)?.status === "True";
}

/** `next` with the time of its last transition: as in `previous` while the status is the same, otherwise now. */
export function withTransitionTime<C extends AnyCondition>(
  next: C,
  previous: AnyCondition | undefined,
  nowMs: number,
): C & { lastTransitionTime: string } {
  const kept = previous?.status === next.status ? previous.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: kept ?? timestamp(nowMs) };
}

/**
 * The conditions with `next` in place of the one of its type, or at the end. `lastTransitionTime` changes only when the
 * status does. Returns the same list when nothing changes.
 */
export function withCondition<C extends AnyCondition>(
  conditions: C[] | undefined,
  next: C,
  nowMs: number,
): C[] {
  const before = conditionOf(conditions, next.type);
  const dated = withTransitionTime(next, before, nowMs);
  if (before === undefined) return [...conditions ?? [], dated];
  if (isEqual(before, dated)) return conditions!;
  return conditions!.map((condition) => condition === before ? dated : condition);
}

/** The conditions with each of `updates` merged in, as {@linkcode withCondition} does. */
export function withConditions<C extends AnyCondition>(
  conditions: C[] | undefined,
  updates: readonly C[],
  nowMs: number,
): C[] {
  return updates.reduce<C[]>(
    (merged, next) => withCondition(merged, next, nowMs),
    conditions ?? [],
  );
}

/** The conditions without the one of the type. Returns the same list when there is none. */
export function withoutCondition<C extends AnyCondition>(
  conditions: C[] | undefined,
  type: C["type"],
): C[] {
  if (conditionOf(conditions, type) === undefined) return conditions ?? [];
  return conditions!.filter((condition) => condition.type !== type);
}

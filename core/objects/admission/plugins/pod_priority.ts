import { forbidden } from "../../../client/refusals.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import {
  type PriorityClass,
  priorityClasses,
} from "../../../resources/scheduling/priority_classes.ts";
import type { Store } from "../../../store/store.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { isOfKind } from "./kind_match.ts";

const CLASSES = groupResourceOf(priorityClasses);

/** What pods of no class have. */
const ORDINARY = { value: 0, preemptionPolicy: "PreemptLowerPriority" } as const;

/**
 * Gives a new pod the priority of its class, or of the one that is for all pods that name none. Who writes another
 * number is refused: only classes say what is important.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#priority
 */
export function podPriority({ resource, next, previous, store }: AdmissionRequest): KubeObject {
  if (previous || !isOfKind(resource, pods)) return next;
  const pod = next as Pod;
  const { priorityClassName, priority, preemptionPolicy } = pod.spec;
  const chosen = priorityClassName ? classNamed(store, priorityClassName) : defaultClass(store);
  const refuse = (why: string) => forbidden(resource, next.metadata.name, why);
  if (priorityClassName && !chosen) {
    throw refuse(`no PriorityClass with name ${priorityClassName} was found`);
  }
  const { value, preemptionPolicy: policy } = chosen ?? ORDINARY;
  if (priority !== undefined && priority !== value) {
    throw refuse(
      `the integer value of priority (${priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  if (preemptionPolicy !== undefined && preemptionPolicy !== policy) {
    throw refuse(
      `the string value of PreemptionPolicy (${preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  if (!chosen) return next; // what every pod has is set with its other defaults
  const { name } = chosen.metadata;
  const spec = { ...pod.spec, priorityClassName: name, priority: value, preemptionPolicy: policy };
  return { ...pod, spec } as Pod;
}

/** Only one class can be for pods that name none. */
export function onePriorityDefault({ resource, next, store }: AdmissionRequest): void {
  if (!isOfKind(resource, priorityClasses) || !(next as PriorityClass).globalDefault) return;
  const found = defaultClass(store)?.metadata.name;
  if (found === undefined || found === next.metadata.name) return;
  const rule = `PriorityClass ${found} is already marked as default. Only one default can exist`;
  throw forbidden(resource, next.metadata.name, rule);
}

function classNamed(store: Store, name: string): PriorityClass | undefined {
  return store.newest([CLASSES, "", name])?.object as PriorityClass | undefined;
}

/** Of several that came at the same time, the one with the lowest priority. */
function defaultClass(store: Store): PriorityClass | undefined {
  const defaults = store.by(CLASSES, "default", "true").map(({ object }) =>
    object as PriorityClass
  );
  if (defaults.length === 0) return undefined;
  return defaults.reduce((least, other) => other.value < least.value ? other : least);
}

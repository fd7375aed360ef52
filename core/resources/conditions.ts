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

import { atomic, list, mapOf, object, oneOf, required, string, type TypeOf } from "./schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/ */
export const labelSelector = atomic(
  object("Selects objects by their labels; every rule must hold.", {
    matchLabels: mapOf("Labels that an object must have, with their values.", string("Value.")),
    matchExpressions: list(
      "Rules for labels.",
      object("A rule for one label.", {
        key: required(string("Key of the label.")),
        operator: required(
          oneOf("How the label is compared with the values.", [
            "In",
            "NotIn",
            "Exists",
            "DoesNotExist",
          ]),
        ),
        values: list("Values, for In and NotIn.", string("Value.")),
      }),
    ),
  }),
);
export type LabelSelector = TypeOf<typeof labelSelector>;

import { type Cause, forbidden, missing } from "./causes.ts";
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";
import { atomic, list, mapOf, object, oneOf, required, string, type TypeOf } from "./schema.ts";
import { nameCauses } from "./value_rules.ts";

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

/** The rules for a LabelSelector, in the words of k8s.io/apimachinery/pkg/apis/meta/v1/validation. */
export function labelSelectorCauses(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  field: string,
): Cause[] {
  return [
    ...Object.entries(matchLabels).flatMap(([key, value]) => [
      ...nameCauses(`${field}.matchLabels`, key, qualifiedNameFaults),
      ...nameCauses(`${field}.matchLabels`, value, labelValueFaults),
    ]),
    ...matchExpressions.flatMap(({ key, operator, values = [] }, i) => {
      const at = `${field}.matchExpressions[${i}]`;
      const causes = nameCauses(`${at}.key`, key, qualifiedNameFaults);
      const needsValues = operator === "In" || operator === "NotIn";
      if (needsValues && values.length === 0) {
        const rule = "must be specified when `operator` is 'In' or 'NotIn'";
        causes.push(missing(`${at}.values`, rule));
      }
      if (!needsValues && values.length > 0) {
        const rule = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        causes.push(forbidden(`${at}.values`, rule));
      }
      return causes;
    }),
  ];
}

import { type Cause, forbidden, invalid, missing } from "../../../../../schema/causes.ts";
import {
  labelValueFaults,
  qualifiedNameFaults,
  subdomainFaults,
} from "../../../../../schema/names.ts";
import { nameCauses } from "../../../../../schema/value_rules.ts";
import type { NodeSelector } from "../affinity.ts";

type Rule = NonNullable<NodeSelector["nodeSelectorTerms"][number]["matchExpressions"]>[number];

/** The rules for a selector of nodes, in the words of `ValidateNodeSelector`. */
export function nodeSelectorCauses({ nodeSelectorTerms }: NodeSelector, field: string): Cause[] {
  return (nodeSelectorTerms ?? []).flatMap(({ matchExpressions = [], matchFields = [] }, i) => {
    const at = `${field}.nodeSelectorTerms[${i}]`;
    return [
      ...matchExpressions.flatMap((rule, j) =>
        labelRuleCauses(rule, `${at}.matchExpressions[${j}]`)
      ),
      ...matchFields.flatMap((rule, j) => fieldRuleCauses(rule, `${at}.matchFields[${j}]`)),
    ];
  });
}

function labelRuleCauses({ key, operator, values = [] }: Rule, field: string): Cause[] {
  return [
    ...countCauses(operator, values.length, `${field}.values`),
    ...nameCauses(`${field}.key`, key, qualifiedNameFaults),
    ...values.flatMap((value, i) => nameCauses(`${field}.values[${i}]`, value, labelValueFaults)),
  ];
}

function countCauses(operator: string, count: number, field: string): Cause[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return count > 0
        ? []
        : [missing(field, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return count === 0
        ? []
        : [forbidden(field, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return count === 1
        ? []
        : [missing(field, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
  }
}

/** The only field is the name. */
function fieldRuleCauses({ key, operator, values = [] }: Rule, field: string): Cause[] {
  const causes: Cause[] = [];
  if (operator !== "In" && operator !== "NotIn") {
    causes.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  } else if (values.length !== 1) {
    const rule =
      "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    causes.push(missing(`${field}.values`, rule));
  }
  if (key !== "metadata.name") {
    return [...causes, invalid(`${field}.key`, key, "not a valid field selector key")];
  }
  return [
    ...causes,
    ...values.flatMap((value, i) =>
      subdomainFaults(value).map((fault) => invalid(`${field}.values[${i}]`, value, fault))
    ),
  ];
}

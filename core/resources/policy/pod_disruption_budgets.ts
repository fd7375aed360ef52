import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid, notSupported } from "../../schema/causes.ts";
import { labelSelector, labelSelectorCauses } from "../../schema/label_selector.ts";
import {
  allowingDuplicates,
  count,
  fallback,
  integer,
  intOrString,
  mapOf,
  mergeList,
  object,
  present,
  replaced,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { atMostAllCauses, shareCauses } from "../../schema/shares.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { condition } from "../conditions.ts";
import { type Column, defineResource, type NamespacedObject, type ObjectOf } from "../resource.ts";

const budgetSpec = object("How many pods must be left alone.", {
  minAvailable: intOrString("How many must be there, as a number or in percent."),
  selector: replaced(labelSelector),
  maxUnavailable: intOrString("How many may be missing, as a number or in percent."),
  unhealthyPodEvictionPolicy: string(
    "When pods that are not ready may be evicted: IfHealthyBudget or AlwaysAllow.",
  ),
});
export type BudgetSpec = TypeOf<typeof budgetSpec>;

const pods = (description: string) => fallback(0, integer(description, { minimum: 0 }));

const budgetStatus = object("How many pods may be evicted now.", {
  observedGeneration: count("Generation that the controller has seen.", { format: "int64" }),
  disruptedPods: mapOf("Pods that are being evicted, and since when.", time("Since when.")),
  disruptionsAllowed: pods("How many more pods may be evicted."),
  currentHealthy: pods("How many pods are healthy."),
  desiredHealthy: pods("How many pods must be healthy."),
  expectedPods: pods("How many pods there should be."),
  conditions: allowingDuplicates(mergeList("Aspects of its state.", ["type"], condition)),
});
export type BudgetStatus = TypeOf<typeof budgetStatus>;

type Shape = NamespacedObject & { spec: BudgetSpec; status: BudgetStatus };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  {
    name: "Min Available",
    description: "How many pods must be there.",
    value: ({ spec }) => String(spec.minAvailable ?? "N/A"),
  },
  {
    name: "Max Unavailable",
    description: "How many pods may be missing.",
    value: ({ spec }) => String(spec.maxUnavailable ?? "N/A"),
  },
  {
    name: "Allowed Disruptions",
    description: "How many more pods may be evicted.",
    type: "integer",
    value: ({ status }) => status.disruptionsAllowed,
  },
  ageColumn,
];

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/ */
export const podDisruptionBudgets = defineResource({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  namespaced: true,
  needsVersion: true,
  schema: object("Says how many of some pods may be evicted at the same time.", {
    spec: present(budgetSpec),
    status: present(budgetStatus),
  }),
  columns,
  validate: ({ spec }, previous) =>
    previous && isEqual(spec, previous.spec) ? [] : budgetCauses(spec),
});

export type PodDisruptionBudget = ObjectOf<typeof podDisruptionBudgets>;

/** In the words of k8s.io/kubernetes/pkg/apis/policy/validation. */
function budgetCauses(spec: BudgetSpec): Cause[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  const causes: Cause[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    causes.push(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const name of ["minAvailable", "maxUnavailable"] as const) {
    const share = spec[name];
    if (share === undefined) continue;
    causes.push(...shareCauses(`spec.${name}`, share), ...atMostAllCauses(`spec.${name}`, share));
  }
  if (selector) causes.push(...labelSelectorCauses(selector, "spec.selector"));
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  if (policy !== undefined && !policies.includes(policy)) {
    causes.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, policies));
  }
  return causes;
}

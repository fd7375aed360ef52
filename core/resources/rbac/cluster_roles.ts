import { type Cause, missing } from "../../schema/causes.ts";
import { labelSelector, labelSelectorCauses } from "../../schema/label_selector.ts";
import { pathSegmentFaults } from "../../schema/names.ts";
import { list, object, type TypeOf } from "../../schema/schema.ts";
import { createdColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { policyRuleCauses, policyRules, RBAC_GROUP } from "./policy_rules.ts";

const clusterRole = object("What may be done with objects of the whole cluster.", {
  rules: policyRules,
  aggregationRule: object("Where its rules come from: a controller writes them.", {
    clusterRoleSelectors: list(
      "Selectors of the cluster roles whose rules are joined.",
      labelSelector,
    ),
  }),
});
type Shape = TypeOf<typeof clusterRole>;

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole */
export const clusterRoles = defineResource({
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  nameFaults: pathSegmentFaults,
  schema: clusterRole,
  columns: [nameColumn, createdColumn],
  indexes: { aggregated: ({ aggregationRule }) => aggregationRule ? ["true"] : [] },
  validate: ({ rules = [], aggregationRule }) => [
    ...policyRuleCauses(rules, { isNamespaced: false }),
    ...aggregationCauses(aggregationRule),
  ],
});

export type ClusterRole = ObjectOf<typeof clusterRoles>;

function aggregationCauses(rule: Shape["aggregationRule"]): Cause[] {
  if (!rule) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const { clusterRoleSelectors = [] } = rule;
  if (clusterRoleSelectors.length === 0) {
    return [
      missing(field, "at least one clusterRoleSelector required if aggregationRule is non-nil"),
    ];
  }
  return clusterRoleSelectors.flatMap((selector, i) =>
    labelSelectorCauses(selector, `${field}[${i}]`)
  );
}

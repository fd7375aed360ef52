import { pathSegmentFaults } from "../../schema/names.ts";
import { object } from "../../schema/schema.ts";
import { createdColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { policyRuleCauses, policyRules, RBAC_GROUP } from "./policy_rules.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole */
export const roles = defineResource({
  group: RBAC_GROUP,
  version: "v1",
  kind: "Role",
  plural: "roles",
  namespaced: true,
  nameFaults: pathSegmentFaults,
  schema: object("What may be done with the objects of a namespace.", { rules: policyRules }),
  columns: [nameColumn, createdColumn],
  validate: ({ rules = [] }) => policyRuleCauses(rules, { isNamespaced: true }),
});

export type Role = ObjectOf<typeof roles>;

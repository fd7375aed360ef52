import { pathSegmentFaults } from "../../schema/names.ts";
import { object } from "../../schema/schema.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  bindingCauses,
  bindingColumns,
  bindingFields,
  prepareBinding,
  subjectKeys,
} from "./bindings.ts";
import { RBAC_GROUP } from "./policy_rules.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding */
export const clusterRoleBindings = defineResource({
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  nameFaults: pathSegmentFaults,
  schema: object("Gives the rights of a cluster role in the whole cluster.", bindingFields),
  columns: bindingColumns,
  indexes: { subject: ({ subjects }) => subjectKeys(subjects) },
  prepare: prepareBinding,
  validate: (next, previous) => bindingCauses(next, previous, { isNamespaced: false }),
});

export type ClusterRoleBinding = ObjectOf<typeof clusterRoleBindings>;

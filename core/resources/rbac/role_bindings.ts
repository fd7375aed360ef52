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
export const roleBindings = defineResource({
  group: RBAC_GROUP,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true,
  nameFaults: pathSegmentFaults,
  schema: object("Gives the rights of a role in one namespace.", bindingFields),
  columns: bindingColumns,
  indexes: {
    /** `NAMESPACE|SUBJECT`, see `subjectKey`. */
    subject: ({ metadata: { namespace }, subjects }) =>
      subjectKeys(subjects, namespace).map((key) => `${namespace}|${key}`),
  },
  prepare: prepareBinding,
  validate: (next, previous) => bindingCauses(next, previous, { isNamespaced: true }),
});

export type RoleBinding = ObjectOf<typeof roleBindings>;

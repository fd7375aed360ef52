import { isEqual } from "../../lib/equality.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { type Column, defineResource, type KubeObject, type ObjectOf } from "../resource.ts";
import { policyCauses } from "./policy_rules.ts";
import { policy, type PolicySpec, type PolicyStatus } from "./policy_shape.ts";

type Shape = KubeObject & { spec: PolicySpec; status: PolicyStatus };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  {
    name: "Validations",
    description: "How many rules there are.",
    type: "integer",
    value: ({ spec }) => spec.validations?.length ?? 0,
  },
  {
    name: "ParamKind",
    description: "Kind of the objects by which the policy is configured.",
    value: ({ spec: { paramKind } }) =>
      paramKind ? `${paramKind.apiVersion ?? ""}/${paramKind.kind ?? ""}` : "<unset>",
  },
  ageColumn,
];

/** https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
export const validatingAdmissionPolicies = defineResource({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  categories: ["api-extensions"],
  namespaced: false,
  schema: policy,
  columns,
  validate: ({ metadata, spec }, previous) =>
    previous && isEqual(spec, previous.spec) ? [] : policyCauses(metadata.name, spec),
});

export type ValidatingAdmissionPolicy = ObjectOf<typeof validatingAdmissionPolicies>;

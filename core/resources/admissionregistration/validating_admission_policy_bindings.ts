import { formatSelector, selectorOf } from "../../schema/selectors.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { type Column, defineResource, type KubeObject, type ObjectOf } from "../resource.ts";
import { bindingCauses } from "./policy_rules.ts";
import { policyBinding, type PolicyBindingSpec } from "./policy_shape.ts";

type Shape = KubeObject & { spec: PolicyBindingSpec };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  {
    name: "PolicyName",
    description: "The policy that is put to work.",
    value: ({ spec }) => spec.policyName ?? "",
  },
  {
    name: "ParamRef",
    description: "The objects by which it is configured.",
    value: ({ spec: { paramRef } }) => {
      if (!paramRef) return "<unset>";
      if (paramRef.name) return `${paramRef.namespace || "*"}/${paramRef.name}`;
      return paramRef.selector ? formatSelector(selectorOf(paramRef.selector)) : "<unset>";
    },
  },
  ageColumn,
];

/** https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
export const validatingAdmissionPolicyBindings = defineResource({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  categories: ["api-extensions"],
  namespaced: false,
  generation: "content",
  schema: policyBinding,
  columns,
  validate: ({ spec }) => bindingCauses(spec),
});

export type ValidatingAdmissionPolicyBinding = ObjectOf<typeof validatingAdmissionPolicyBindings>;

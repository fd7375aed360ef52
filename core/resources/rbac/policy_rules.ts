import { type Cause, invalid, missing } from "../../schema/causes.ts";
import { list, object, string, type TypeOf } from "../../schema/schema.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/role-v1/#Role */
const policyRule = object("Verbs that are allowed, and on what.", {
  verbs: list("Verbs, such as `get` or `create`; `*` for all.", string("A verb.")),
  apiGroups: list("API groups of the resources; `*` for all.", string("An API group.")),
  resources: list(
    "Resources, such as `pods` or `pods/log`; `*` for all, `*/scale` for a subresource of all.",
    string("A resource, with a subresource or not."),
  ),
  resourceNames: list("Names of the objects; empty for all.", string("A name.")),
  nonResourceURLs: list(
    "Paths other than those of resources, such as `/healthz` or `/metrics/*`. In cluster roles only.",
    string("A path, which may end with `*`."),
  ),
});
export type PolicyRule = TypeOf<typeof policyRule>;

export const policyRules = list("What is allowed.", policyRule);

/** `isNamespaced`: the rules of a Role. Source: k8s.io/kubernetes/pkg/apis/rbac/validation. */
export function policyRuleCauses(
  rules: readonly PolicyRule[],
  { isNamespaced }: { isNamespaced: boolean },
): Cause[] {
  return rules.flatMap((rule, i) => {
    const field = `rules[${i}]`;
    const { verbs = [], apiGroups = [], resources = [] } = rule;
    const causes = verbs.length > 0
      ? []
      : [missing(`${field}.verbs`, "verbs must contain at least one value")];
    if (rule.nonResourceURLs?.length) return [...causes, ...urlCauses(rule, field, isNamespaced)];
    if (apiGroups.length === 0) {
      const detail = "resource rules must supply at least one api group";
      causes.push(missing(`${field}.apiGroups`, detail));
    }
    if (resources.length === 0) {
      causes.push(
        missing(`${field}.resources`, "resource rules must supply at least one resource"),
      );
    }
    return causes;
  });
}

function urlCauses(rule: PolicyRule, field: string, isNamespaced: boolean): Cause[] {
  const { nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  const at = `${field}.nonResourceURLs`;
  const causes = isNamespaced
    ? [invalid(at, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs")]
    : [];
  if (apiGroups.length + resources.length + resourceNames.length > 0) {
    const detail = "rules cannot apply to both regular resources and non-resource URLs";
    causes.push(invalid(at, nonResourceURLs, detail));
  }
  return causes;
}

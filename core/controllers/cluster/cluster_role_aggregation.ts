import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type ClusterRole, clusterRoles } from "../../resources/rbac/cluster_roles.ts";
import type { PolicyRule } from "../../resources/rbac/policy_rules.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import { type Controller, NOTHING, type Plan, plan, update } from "../runtime/controller.ts";

/**
 * Writes the rules of cluster roles that aggregate others: the rules of all that their selectors select, in the order of
 * the names, each once.
 *
 * Kubernetes: `pkg/controller/clusterroleaggregation`.
 */
export const clusterRoleAggregation: Controller<ClusterRole> = {
  name: "clusterrole-aggregation-controller",
  resource: clusterRoles,
  watches: [{ resource: clusterRoles, concerns: aggregatingRoles }],
  workers: 1,
  reconcile,
};

/** A role may have been selected before it changed: all that aggregate are looked at. */
function aggregatingRoles(_changed: unknown, view: View): ObjectName[] {
  return view.by(clusterRoles, "aggregated", "true").map(({ metadata: { name } }) => ({ name }));
}

function reconcile(role: ClusterRole, view: View): Plan {
  if (!role.aggregationRule || role.metadata.deletionTimestamp) return NOTHING;
  const selectors = (role.aggregationRule.clusterRoleSelectors ?? []).map(selectorOf);
  const rules: PolicyRule[] = [];
  for (const { metadata, rules: others = [] } of view.list(clusterRoles)) {
    if (metadata.name === role.metadata.name) continue;
    if (!selectors.some((selector) => matches(selector, metadata.labels))) continue;
    rules.push(...others.filter((one) => !rules.some((other) => isEqual(one, other))));
  }
  return isEqual(rules, role.rules ?? [])
    ? NOTHING
    : plan([update(clusterRoles, { ...role, rules })]);
}

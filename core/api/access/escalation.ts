import { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import {
  type ClusterRoleBinding,
  clusterRoleBindings,
} from "../../resources/rbac/cluster_role_bindings.ts";
import { type ClusterRole, clusterRoles } from "../../resources/rbac/cluster_roles.ts";
import { type PolicyRule, RBAC_GROUP } from "../../resources/rbac/policy_rules.ts";
import { type RoleBinding, roleBindings } from "../../resources/rbac/role_bindings.ts";
import { type Role, roles } from "../../resources/rbac/roles.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { User } from "../http/api_context.ts";
import { isAdmin } from "./admin.ts";
import { type RoleRef, rulesOfRole } from "./rbac/grants.ts";
import { FULL_AUTHORITY, missingRights, RIGHTS_MAX, rulesText } from "./rbac/rule_coverage.ts";
import type { RbacAuthorizer } from "./rbac_authorizer.ts";

/** What decides whether somebody may give rights. */
export interface EscalationContext {
  view: View;
  rbac: RbacAuthorizer;
}

/** Throws Forbidden for a change that gives rights which the writer does not have. For `WriteOptions.refuse`. */
export type EscalationCheck = (next: KubeObject, previous: KubeObject | undefined) => void;

/**
 * Nobody gives what he does not have: neither by a role that he writes, nor by a binding to one. The verbs `escalate` and
 * `bind` allow it. `undefined`: the kind gives no rights, or the user may do everything.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function escalationCheck(
  context: EscalationContext,
  user: User,
  { group, plural }: AnyResource,
): EscalationCheck | undefined {
  if (group !== RBAC_GROUP || isAdmin(user)) return undefined;
  switch (plural) {
    case roles.plural:
    case clusterRoles.plural:
      return (next, previous) =>
        checkRole(context, user, plural, next as Role, previous as Role | undefined);
    case roleBindings.plural:
    case clusterRoleBindings.plural:
      return (next, previous) =>
        checkBinding(context, user, plural, next as Binding, previous as Binding | undefined);
    default:
      return undefined;
  }
}

type AnyRole = Role | ClusterRole;
type Binding = RoleBinding | ClusterRoleBinding;

function checkRole(
  context: EscalationContext,
  user: User,
  plural: string,
  next: AnyRole,
  previous: AnyRole | undefined,
): void {
  const aggregation = aggregationOf(next);
  const isSame = previous !== undefined && isEqual(next.rules, previous.rules) &&
    isEqual(aggregation, aggregationOf(previous));
  if (isSame || may(context, user, "escalate", { plural, role: next })) return;
  const { name } = next.metadata;
  const namespace = namespaceOf(next);
  // Aggregation gathers rights of roles that others may still write.
  if (aggregation && missingRights(context.rbac.heldBy(user, ""), FULL_AUTHORITY).length > 0) {
    const why = "must have cluster-admin privileges to use the aggregationRule";
    throw forbidden(plural, name, why);
  }
  refuseMissing(context, user, { plural, name, namespace, wanted: next.rules ?? [] });
}

function checkBinding(
  context: EscalationContext,
  user: User,
  plural: string,
  next: Binding,
  previous: Binding | undefined,
): void {
  const { roleRef, subjects } = next;
  if (previous && isEqual(roleRef, previous.roleRef) && isEqual(subjects, previous.subjects)) {
    return;
  }
  const namespace = namespaceOf(next);
  const rolePlural = roleRef.kind === "ClusterRole" ? clusterRoles.plural : roles.plural;
  const role = { metadata: { name: roleRef.name, namespace } };
  if (may(context, user, "bind", { plural: rolePlural, role })) return;
  const wanted = rulesOfRole(context.view, roleRef, namespace);
  if (!wanted) throw roleNotFound(roleRef, rolePlural);
  refuseMissing(context, user, { plural, name: next.metadata.name, namespace, wanted });
}

/** Whether the user has the verb on a role. */
function may(
  { rbac }: EscalationContext,
  user: User,
  verb: "bind" | "escalate",
  { plural, role }: {
    plural: string;
    role: { metadata: { name: string; namespace?: string } };
  },
): boolean {
  const { name, namespace } = role.metadata;
  const decision = rbac.authorize(user, {
    isResource: true,
    verb,
    group: RBAC_GROUP,
    resource: plural,
    subresource: undefined,
    namespace: namespace || undefined,
    name,
    fieldSelector: "",
  });
  return decision.outcome === "allow";
}

function refuseMissing(
  { rbac }: EscalationContext,
  user: User,
  { plural, name, namespace, wanted }: {
    plural: string;
    name: string;
    namespace: string;
    wanted: readonly PolicyRule[];
  },
): void {
  const missing = missingRights(rbac.heldBy(user, namespace), wanted);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
  const who = `user ${JSON.stringify(user.name)} (groups=[${groups}])`;
  const what = missing === "too many"
    ? `\nmore than ${RIGHTS_MAX} single rights, which are not compared: write several roles`
    : `\n${rulesText(missing)}`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:${what}`;
  throw forbidden(plural, name, why);
}

function forbidden(plural: string, name: string, why: string): ApiError {
  return new ApiError(
    "Forbidden",
    `${plural}.${RBAC_GROUP} ${JSON.stringify(name)} is forbidden: ${why}`,
    { kind: plural, group: RBAC_GROUP, name },
  );
}

function roleNotFound({ name }: RoleRef, plural: string): ApiError {
  return new ApiError("NotFound", `${plural}.${RBAC_GROUP} "${name}" not found`, {
    kind: plural,
    group: RBAC_GROUP,
    name,
  });
}

function aggregationOf(role: AnyRole): unknown {
  return (role as ClusterRole).aggregationRule;
}

function namespaceOf({ metadata }: { metadata: { namespace?: string } }): string {
  return metadata.namespace ?? "";
}

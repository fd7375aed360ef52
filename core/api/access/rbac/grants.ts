import type { View } from "../../../client/client.ts";
import { subjectKey } from "../../../resources/rbac/bindings.ts";
import { clusterRoleBindings } from "../../../resources/rbac/cluster_role_bindings.ts";
import { clusterRoles } from "../../../resources/rbac/cluster_roles.ts";
import type { PolicyRule } from "../../../resources/rbac/policy_rules.ts";
import { roleBindings } from "../../../resources/rbac/role_bindings.ts";
import { roles } from "../../../resources/rbac/roles.ts";
import type { User } from "../../http/api_context.ts";

/** A role, as a binding refers to it. */
export interface RoleRef {
  kind: string;
  name: string;
}

/** The rules of a role, and the binding by which somebody has them. */
export interface Grant {
  /** Absent: there is no such role. */
  rules: readonly PolicyRule[] | undefined;
  role: RoleRef;
  /** E.g. `ClusterRoleBinding "admins"`, or `RoleBinding "dev/team"`. */
  binding: string;
  /** The user or group of the binding by which the user has it, e.g. `Group "dev"`. */
  subject: string;
}

/**
 * Everything that bindings give a user: in the whole cluster, and in a namespace if one is named. Found through indexes,
 * so that bindings of others cost nothing.
 */
export function* grantsOf(view: View, user: User, namespace: string): Iterable<Grant> {
  for (const [kind, name] of subjectsOf(user)) {
    const key = subjectKey(kind, name);
    const subject = `${kind} ${JSON.stringify(name)}`;
    for (const { metadata, roleRef } of view.by(clusterRoleBindings, "subject", key)) {
      const binding = `ClusterRoleBinding ${JSON.stringify(metadata.name)}`;
      yield { rules: rulesOfRole(view, roleRef, ""), role: roleRef, binding, subject };
    }
    if (!namespace) continue;
    for (const { metadata, roleRef } of view.by(roleBindings, "subject", `${namespace}|${key}`)) {
      const binding = `RoleBinding ${JSON.stringify(`${namespace}/${metadata.name}`)}`;
      yield { rules: rulesOfRole(view, roleRef, namespace), role: roleRef, binding, subject };
    }
  }
}

/** `undefined`: there is no such role. `namespace`: that of the binding. */
export function rulesOfRole(
  view: View,
  { kind, name }: RoleRef,
  namespace: string,
): readonly PolicyRule[] | undefined {
  const role = kind === "ClusterRole"
    ? view.get(clusterRoles, { name })
    : view.get(roles, { namespace, name });
  return role && (role.rules ?? []);
}

function subjectsOf({ name, groups }: User): (readonly ["User" | "Group", string])[] {
  return [["User", name], ...groups.map((group) => ["Group", group] as const)];
}

import { isEqual } from "../lib/equality.ts";
import {
  type ClusterRoleBinding,
  clusterRoleBindings,
} from "../resources/rbac/cluster_role_bindings.ts";
import { type ClusterRole, clusterRoles } from "../resources/rbac/cluster_roles.ts";
import {
  addOnRoles,
  AUTOUPDATE,
  type DefaultBinding,
  defaultClusterRoleBindings,
  defaultClusterRoles,
  type DefaultRole,
  defaultRoleBindings,
  defaultRoles,
} from "../resources/rbac/default_roles.ts";
import { roleBindings } from "../resources/rbac/role_bindings.ts";
import { roles } from "../resources/rbac/roles.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { ensure } from "./ensure.ts";
import type { Objects } from "./objects.ts";

/**
 * Creates the default roles and their bindings, and adds what has been taken out of them, unless their annotation
 * forbids it. What users have added stays.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
 */
export async function ensureDefaultRights(objects: Objects): Promise<void> {
  const role = (resource: AnyResource) => (wanted: DefaultRole) =>
    keepComplete<ClusterRole>(objects, resource, wanted, (role) => ({
      ...role,
      ...(wanted.rules && { rules: union(role.rules, wanted.rules) }),
      ...(wanted.aggregationRule && !role.aggregationRule &&
        { aggregationRule: wanted.aggregationRule }),
    }));
  const binding = (resource: AnyResource) => (wanted: DefaultBinding) =>
    keepComplete<ClusterRoleBinding>(objects, resource, wanted, (binding) => ({
      ...binding,
      ...(wanted.subjects.length > 0 && { subjects: union(binding.subjects, wanted.subjects) }),
    }));
  await Promise.all([
    ...[...defaultClusterRoles(), ...addOnRoles()].map(role(clusterRoles)),
    ...defaultRoles().map(role(roles)),
    ...defaultClusterRoleBindings().map(binding(clusterRoleBindings)),
    ...defaultRoleBindings().map(binding(roleBindings)),
  ]);
}

async function keepComplete<T extends KubeObject>(
  objects: Objects,
  resource: AnyResource,
  wanted: { metadata: { name: string; namespace?: string } },
  completed: (object: T) => T,
): Promise<void> {
  const { metadata } = wanted;
  const found = await ensure(objects, resource, wanted) as T | undefined;
  if (!found) return;
  if (found.metadata.annotations?.[AUTOUPDATE] === "false") return;
  if (isEqual(completed(found), found)) return;
  await objects.change(resource, metadata, (current) => completed(current as T), { isOwn: true });
}

function union<I>(present: readonly I[] = [], wanted: readonly I[] = []): I[] {
  return [...present, ...wanted.filter((one) => !present.some((other) => isEqual(one, other)))];
}

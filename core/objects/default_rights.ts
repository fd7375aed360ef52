import { isEqual } from "../lib/equality.ts";
import {
  type ClusterRoleBinding,
  clusterRoleBindings,
} from "../resources/rbac/cluster_role_bindings.ts";
import { type ClusterRole, clusterRoles } from "../resources/rbac/cluster_roles.ts";
import {
  AUTOUPDATE,
  DEFAULT_CLUSTER_ROLE_BINDINGS,
  DEFAULT_CLUSTER_ROLES,
  defaultClusterRole,
  defaultClusterRoleBinding,
} from "../resources/rbac/default_roles.ts";
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
  await Promise.all([
    ...DEFAULT_CLUSTER_ROLES.map(defaultClusterRole).map((wanted) =>
      keepComplete<ClusterRole>(objects, clusterRoles, wanted, (role) => ({
        ...role,
        ...(wanted.rules && { rules: union(role.rules, wanted.rules) }),
        ...(wanted.aggregationRule && !role.aggregationRule &&
          { aggregationRule: wanted.aggregationRule }),
      }))
    ),
    ...DEFAULT_CLUSTER_ROLE_BINDINGS.map(defaultClusterRoleBinding).map((wanted) =>
      keepComplete<ClusterRoleBinding>(objects, clusterRoleBindings, wanted, (binding) => ({
        ...binding,
        subjects: union(binding.subjects, wanted.subjects),
      }))
    ),
  ]);
}

async function keepComplete<T extends KubeObject>(
  objects: Objects,
  resource: AnyResource,
  wanted: { metadata: { name: string } },
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

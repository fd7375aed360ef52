import type { AnyResource } from "../resource.ts";
import { clusterRoleBindings } from "./cluster_role_bindings.ts";
import { clusterRoles } from "./cluster_roles.ts";
import { roleBindings } from "./role_bindings.ts";
import { roles } from "./roles.ts";

/** The kinds of `rbac.authorization.k8s.io/v1`. */
export const RBAC_KINDS: readonly AnyResource[] = [
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
];

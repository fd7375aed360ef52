import { clusterRoleBindings } from "./rbac/cluster_role_bindings.ts";
import { clusterRoles } from "./rbac/cluster_roles.ts";
import { configMaps } from "./core/config_maps.ts";
import { deployments } from "./apps/deployments.ts";
import { endpointSlices } from "./discovery/endpoint_slices.ts";
import { events } from "./events/events.ts";
import { gatewayClasses } from "./gateway/gateway_classes.ts";
import { gateways } from "./gateway/gateways.ts";
import { httpRoutes } from "./gateway/http_routes.ts";
import { leases } from "./coordination/leases.ts";
import { namespaces } from "./core/namespaces.ts";
import { nodes } from "./core/nodes/nodes.ts";
import { pods } from "./core/pods/pods.ts";
import { replicaSets } from "./apps/replica_sets.ts";
import { roleBindings } from "./rbac/role_bindings.ts";
import { roles } from "./rbac/roles.ts";
import type { AnyResource } from "./resource.ts";
import { secrets } from "./core/secrets.ts";
import { services } from "./core/services/services.ts";

/** Every kind that is built in. A new kind is one file and one line here. */
export const RESOURCES: readonly AnyResource[] = [
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  deployments,
  endpointSlices,
  events,
  gatewayClasses,
  gateways,
  httpRoutes,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  roleBindings,
  roles,
  secrets,
  services,
];

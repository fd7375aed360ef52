import { configMaps } from "./config_maps.ts";
import { deployments } from "./deployments.ts";
import { endpointSlices } from "./endpoint_slices.ts";
import { events } from "./events.ts";
import { gatewayClasses } from "./gateway_classes.ts";
import { gateways } from "./gateways.ts";
import { httpRoutes } from "./http_routes.ts";
import { leases } from "./leases.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes.ts";
import { pods } from "./pods.ts";
import { replicaSets } from "./replica_sets.ts";
import type { AnyResource } from "./resource.ts";
import { secrets } from "./secrets.ts";
import { services } from "./services.ts";

/** Every kind that is built in. A new kind is one file and one line here. */
export const RESOURCES: readonly AnyResource[] = [
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
  secrets,
  services,
];

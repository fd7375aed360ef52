import type { AnyResource } from "../resource.ts";
import { backendTlsPolicies } from "./backend_tls_policies.ts";
import { gatewayClasses } from "./gateway_classes.ts";
import { gateways } from "./gateways.ts";
import { grpcRoutes } from "./grpc_routes.ts";
import { httpRoutes } from "./http_routes.ts";
import { referenceGrants } from "./reference_grants.ts";

/** The kinds of `gateway.networking.k8s.io`, as in release 1.4. */
export const GATEWAY_KINDS: readonly AnyResource[] = [
  backendTlsPolicies,
  gatewayClasses,
  gateways,
  grpcRoutes,
  httpRoutes,
  referenceGrants,
];

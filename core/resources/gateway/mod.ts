import type { AnyResource } from "../resource.ts";
import { gatewayClasses } from "./gateway_classes.ts";
import { gateways } from "./gateways.ts";
import { httpRoutes } from "./http_routes.ts";

/** The kinds of `gateway.networking.k8s.io/v1`. */
export const GATEWAY_KINDS: readonly AnyResource[] = [
  gatewayClasses,
  gateways,
  httpRoutes,
];

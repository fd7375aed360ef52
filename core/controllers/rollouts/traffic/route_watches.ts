import type { ObjectName, View } from "../../../client/client.ts";
import { type Rollout, rollouts } from "../../../resources/argoproj/mod.ts";
import { grpcRoutes } from "../../../resources/gateway/grpc_routes.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { ingresses } from "../../../resources/networking/ingresses.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import type { Watch } from "../../runtime/controller.ts";
import { GATEWAY_PLUGIN } from "../situation/shares.ts";

/** What rollouts write to split traffic, and what others may change of it. */
export const routeWatches: readonly Watch[] = [httpRoutes, grpcRoutes, ingresses].map(
  (resource: AnyResource) => ({ resource, concerns: routedBeside }),
);

/** Rollouts with traffic routing in the namespace, or whose routes are in it. */
function routedBeside({ metadata: { namespace } }: KubeObject, view: View): ObjectName[] {
  return view.list(rollouts)
    .filter(({ metadata, spec }) => {
      const routing = spec.strategy?.canary?.trafficRouting;
      return routing && (metadata.namespace === namespace || routesIn(routing) === namespace);
    })
    .map(({ metadata }) => metadata);
}

type Routing = NonNullable<
  NonNullable<NonNullable<Rollout["spec"]["strategy"]>["canary"]>["trafficRouting"]
>;

function routesIn({ plugins = {} }: Routing): unknown {
  const settings = plugins[GATEWAY_PLUGIN];
  return typeof settings === "object" && settings !== null
    ? (settings as { namespace?: unknown }).namespace
    : undefined;
}

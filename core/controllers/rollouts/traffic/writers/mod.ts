import { GATEWAY_PLUGIN, SERVICE_PLUGIN } from "../../situation/shares.ts";
import { type RoutedRollout, RoutingError, type TrafficWriter } from "../port/traffic_writer.ts";
import { gatewayWriter } from "./gateway/gateway_api.ts";
import { albWriter } from "./ingress/alb.ts";
import { nginxWriter } from "./ingress/nginx.ts";
import { serviceWriter } from "./service_shares.ts";

type WriterOf = (routed: RoutedRollout, settings: unknown) => TrafficWriter;

/** Plugins that are built in, by the names that rollouts give them. A new one is one file and one line here. */
const PLUGINS: Readonly<Record<string, WriterOf>> = {
  [GATEWAY_PLUGIN]: gatewayWriter,
  [SERVICE_PLUGIN]: serviceWriter,
};

/** Routers of Argo Rollouts that nothing here stands for, by their fields. */
const ABSENT = ["istio", "smi", "ambassador", "appMesh", "traefik", "apisix"] as const;

/**
 * The writers of all routers that the rollout names, in the order in which Argo Rollouts drives them. Throws
 * {@linkcode RoutingError} when it names one that is not there.
 */
export function writersOf(routed: RoutedRollout): TrafficWriter[] {
  const { nginx, alb, plugins = {} } = routed.routing;
  const absent = ABSENT.find((router) => routed.routing[router] !== undefined);
  if (absent !== undefined) {
    throw new RoutingError(
      `Traffic router "${absent}" is not supported; use plugins["${GATEWAY_PLUGIN}"] or plugins["${SERVICE_PLUGIN}"]`,
    );
  }
  return [
    ...(nginx ? [nginxWriter(routed, nginx)] : []),
    ...(alb ? [albWriter(routed, alb)] : []),
    ...Object.entries(plugins).map(([name, settings]) => pluginOf(name)(routed, settings)),
  ];
}

function pluginOf(name: string): WriterOf {
  if (Object.hasOwn(PLUGINS, name)) return PLUGINS[name]!;
  throw new RoutingError(
    `Plugin "${name}" is not there; built in are "${Object.keys(PLUGINS).join('" and "')}"`,
  );
}

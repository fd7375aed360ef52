import { type Service, services } from "../../../../resources/core/services/services.ts";
import { sumOf } from "../traffic_weights.ts";
import {
  type RoutedRollout,
  RoutingError,
  servicesOf,
  type TrafficWriter,
} from "../traffic_writer.ts";

export const SERVICE_PLUGIN = "coracle.dev/service";
/** What our proxy splits the traffic of a Service by: `web-stable=80,web-canary=20`. */
const SHARES = "coracle.dev/shares";

/**
 * Splits the traffic of a plain Service, without any route: our proxy sends what comes to it to the two services of the
 * rollout, by an annotation. `service` of the settings is the Service that clients use; the stable one when absent.
 */
export function serviceWriter(routed: RoutedRollout, raw: unknown): TrafficWriter {
  const name = { namespace: routed.rollout.metadata.namespace, name: rootOf(routed, raw) };
  const unsupported = (step: string) => () => {
    throw new RoutingError(
      `${step} needs an HTTPRoute; the traffic of a plain Service is only split by weight`,
    );
  };
  return {
    type: SERVICE_PLUGIN,
    isOwn: true,
    setWeight: (weight, extra) => {
      const { stable, canary } = servicesOf(routed);
      const service: Service | undefined = routed.objects.get(services, name);
      if (service === undefined) throw new RoutingError(`services "${name.name}" not found`);
      const shares = [
        [stable, routed.max - weight - sumOf(extra)],
        [canary, weight],
        ...extra.map((each) => [each.serviceName, each.weight]),
      ].map(([service, share]) => `${service}=${share}`).join(",");
      const annotations = { ...service.metadata.annotations, [SHARES]: shares };
      routed.objects.put(services, { ...service, metadata: { ...service.metadata, annotations } });
    },
    setHeaderRoute: unsupported("setHeaderRoute"),
    setMirrorRoute: unsupported("setMirrorRoute"),
    removeManagedRoutes: () => {},
    verified: ({ serves }) => {
      const service = routed.objects.view.get(services, name);
      return service !== undefined && !routed.objects.isChanged(services, name) &&
        serves("Service", service);
    },
  };
}

function rootOf(routed: RoutedRollout, raw: unknown): string {
  const given = typeof raw === "object" && raw !== null
    ? (raw as { service?: unknown }).service
    : undefined;
  const name = given ?? servicesOf(routed).stable;
  if (typeof name === "string" && name !== "") return name;
  throw new RoutingError(
    `Cannot read trafficRouting.plugins["${SERVICE_PLUGIN}"]: service must be the name of a Service`,
  );
}

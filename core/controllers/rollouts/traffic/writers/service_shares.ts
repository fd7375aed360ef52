import { isEqual } from "../../../../lib/equality.ts";
import { type Service, services } from "../../../../resources/core/services/services.ts";
import { SHARED_BY, SHARES, sharesText } from "../../../../traffic/service_shares.ts";
import { SERVICE_PLUGIN, sharedServiceOf } from "../../situation/shares.ts";
import {
  type RoutedRollout,
  RoutingError,
  servicesOf,
  sumOf,
  type TrafficWriter,
} from "../port/traffic_writer.ts";

/**
 * Splits the traffic of a plain Service, without any route: our proxy sends what comes to it to the two services of the
 * rollout, by an annotation. `service` of the settings is the Service that clients use; the stable one when absent.
 */
export function serviceWriter(routed: RoutedRollout): TrafficWriter {
  const name = { namespace: routed.rollout.metadata.namespace, name: rootOf(routed) };
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
      const service = routed.objects.view.get(services, name);
      if (service === undefined) throw new RoutingError(`services "${name.name}" not found`);
      const shares = [
        { service: stable, weight: routed.max - weight - sumOf(extra) },
        { service: canary, weight },
        ...extra.map(({ serviceName = "", weight }) => ({ service: serviceName, weight })),
      ];
      const text = sharesText(shares);
      const by = routed.rollout.metadata.name;
      routed.services.change(
        service,
        (now) => withShares(now, { [SHARES]: text, [SHARED_BY]: by }),
      );
    },
    setHeaderRoute: unsupported("setHeaderRoute"),
    setMirrorRoute: unsupported("setMirrorRoute"),
    removeManagedRoutes: () => {},
    verified: (proxies) => {
      const service = routed.objects.view.get(services, name);
      return service !== undefined && routed.services.now(service) === service &&
        proxies.serves("Service", service);
    },
  };
}

function withShares(service: Service, shares: Record<string, string>): Service {
  const { metadata } = service;
  const annotations = { ...metadata.annotations, ...shares };
  if (isEqual(annotations, metadata.annotations)) return service;
  return { ...service, metadata: { ...metadata, annotations } };
}

function rootOf({ rollout: { spec } }: RoutedRollout): string {
  const name = sharedServiceOf(spec);
  if (typeof name === "string" && name !== "") return name;
  throw new RoutingError(
    `Cannot read trafficRouting.plugins["${SERVICE_PLUGIN}"]: service must be the name of a Service`,
  );
}

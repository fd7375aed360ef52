import type { View } from "../../core/client/client.ts";
import { services } from "../../core/resources/core/services/services.ts";
import type { Ingress } from "../../core/resources/networking/ingresses.ts";
import type { IngressBackend, IngressPath } from "../../core/resources/networking/ingress_shape.ts";
import { invalidBackend } from "../../core/traffic/service_backends.ts";
import type { RuleTargets } from "./route_rules.ts";
import type { Route, RouteMatch, Share } from "./route_table.ts";

/** A route, and whose it is. */
export interface IngressRoute extends Route {
  readonly ingress: Ingress;
}

/**
 * What Ingresses make of requests, by host name; `""`: of all others. Requests for a host that no path fits get the default
 * backend of the Ingress that has the host.
 * https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource
 */
export function ingressRoutes(
  ingresses: readonly Ingress[],
  view: View,
  targets: RuleTargets,
): ReadonlyMap<string, readonly IngressRoute[]> {
  const routes = new Map<string, IngressRoute[]>();
  const add = (hostname: string, more: readonly IngressRoute[]) =>
    void routes.set(hostname, [...routes.get(hostname) ?? [], ...more]);
  for (const ingress of ingresses) {
    const { namespace, name } = ingress.metadata;
    const { defaultBackend, rules = [] } = ingress.spec;
    const routeTo = (hostname: string, backend: IngressBackend, match: RouteMatch, at: string) => ({
      ingress,
      hostname,
      match,
      rule: {
        key: `ingress ${namespace}/${name} ${at}`,
        shares: sharesOf(ingress, backend, view, targets),
      },
    });
    const hosts = new Set(rules.map(({ host = "" }) => host.toLowerCase()));
    rules.forEach(({ host = "", http }, i) => {
      const hostname = host.toLowerCase();
      add(
        hostname,
        (http?.paths ?? []).map((path, j) =>
          routeTo(hostname, path.backend, matchOf(path), `${i}/${j}`)
        ),
      );
    });
    if (defaultBackend === undefined) continue;
    for (const hostname of hosts.add("")) {
      add(hostname, [routeTo(hostname, defaultBackend, EVERY_PATH, "default")]);
    }
  }
  return routes;
}

const EVERY_PATH: RouteMatch = {
  path: { type: "PathPrefix", value: "/" },
  headers: [],
  queryParams: [],
};

/** What `ImplementationSpecific` means is ours to say: a prefix. */
function matchOf({ path, pathType }: IngressPath): RouteMatch {
  const type = pathType === "Exact" ? "Exact" : "PathPrefix";
  return { ...EVERY_PATH, path: { type, value: path || "/" } };
}

function sharesOf(
  { metadata: { namespace } }: Ingress,
  { service, resource }: IngressBackend,
  view: View,
  targets: RuleTargets,
): readonly Share[] {
  if (service === undefined) {
    const what = `${resource?.kind ?? "nothing"} "${namespace}/${resource?.name ?? ""}"`;
    const backend = targets.add(invalidBackend(`ingress ${what}`, `${what} is no Service`));
    return [{ weight: 1, backend }];
  }
  const { name, port: { name: portName, number } } = service;
  const named = view.get(services, { namespace, name })?.spec.ports
    ?.find((each) => each.name === portName)?.port;
  return targets.sharesOf({ namespace, name, port: number || named || 0 });
}

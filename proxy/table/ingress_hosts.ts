import type { View } from "../../core/client/client.ts";
import { ownField } from "../../core/lib/own_field.ts";
import type { Ingress } from "../../core/resources/networking/ingresses.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import { covers } from "../../core/traffic/hostnames.ts";
import {
  certificatesForHost,
  type IngressCertificates,
  ingressCertificates,
} from "../../core/traffic/own_ingresses.ts";
import {
  INGRESS_PORT,
  INGRESS_TLS_PORT,
  ownIngressesOf,
} from "../../core/traffic/own_ingresses.ts";
import { type IngressRoute, ingressRoutes } from "./ingress_routes.ts";
import type { RuleTargets } from "./route_rules.ts";

/** What Ingresses serve of a host, at one port. */
export interface IngressHost {
  readonly port: number;
  /** `""`: all others. */
  readonly hostname: string;
  readonly routes: readonly IngressRoute[];
  /** Present where it is served by TLS. */
  readonly certificates?: readonly ServedCertificate[];
}

/** As ingress-nginx has them; either sends clients that come without TLS to it. */
const REDIRECTS = [
  "nginx.ingress.kubernetes.io/ssl-redirect",
  "nginx.ingress.kubernetes.io/force-ssl-redirect",
];
const PERMANENT_REDIRECT = 308;

/** Every host by HTTP, and those that `tls` names by HTTPS, too. What cannot be shown is reported. */
export function ingressHosts(view: View, targets: RuleTargets): IngressHost[] {
  const ingresses = ownIngressesOf(view);
  const routes = ingressRoutes(ingresses, view, targets);
  const certificates = ingressCertificates(ingresses, view);
  for (const { ingress: { metadata: { namespace, name } }, fault } of certificates.faults) {
    targets.report({ kind: "Ingress", namespace, name, section: "tls", ...fault });
  }
  const plain = [...routes].map(([hostname, all]) => ({
    port: INGRESS_PORT,
    hostname,
    routes: all.map((route) => withRedirect(route, hostname, certificates)),
  }));
  return [...plain, ...encryptedHosts(routes, certificates)];
}

/** Hosts of rules that a certificate is for, and hosts of certificates that only a wider rule is for. */
function encryptedHosts(
  routes: ReadonlyMap<string, readonly IngressRoute[]>,
  certificates: IngressCertificates,
): IngressHost[] {
  const hostnames = new Set([...routes.keys(), ...certificates.byHost.keys()]);
  return [...hostnames].flatMap((hostname) => {
    const shown = certificatesForHost(hostname, certificates);
    const served = routesFor(hostname, routes);
    return shown === undefined || served === undefined
      ? []
      : [{ port: INGRESS_TLS_PORT, hostname, certificates: shown, routes: served }];
  });
}

/** Of the most specific host of a rule. */
function routesFor(
  hostname: string,
  routes: ReadonlyMap<string, readonly IngressRoute[]>,
): readonly IngressRoute[] | undefined {
  const [nearest] = [...routes.keys()].filter((each) => covers(each, hostname))
    .sort((a, b) => b.length - a.length);
  return nearest === undefined ? undefined : routes.get(nearest);
}

function withRedirect(
  route: IngressRoute,
  hostname: string,
  certificates: IngressCertificates,
): IngressRoute {
  const { rule } = route;
  if (!redirects(route.ingress) || certificatesForHost(hostname, certificates) === undefined) {
    return route;
  }
  const redirect = { scheme: "https", statusCode: PERMANENT_REDIRECT };
  const key = `${rule.key} redirect`;
  return { ...route, rule: { key, shares: [], redirect } };
}

function redirects({ metadata: { annotations = {} } }: Ingress): boolean {
  return REDIRECTS.some((name) => ownField(annotations, name) === "true");
}

import { isEqual } from "../../../lib/equality.ts";
import type { View } from "../../../client/client.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { gatewayClasses } from "../../../resources/gateway/gateway_classes.ts";
import { gateways } from "../../../resources/gateway/gateways.ts";
import { isPlacedOn } from "../../../resources/gateway/placement.ts";
import { referenceGrants } from "../../../resources/gateway/reference_grants.ts";
import { ingressClasses } from "../../../resources/networking/ingress_classes.ts";
import { ingresses } from "../../../resources/networking/ingresses.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import { secretNamed } from "../../../traffic/certificates.ts";
import { isTlsListener } from "../../../traffic/listeners.ts";
import { GATEWAY_GROUP, isOwnClass } from "../../../traffic/own_gateways.ts";
import { ownIngressesOf } from "../../../traffic/own_ingresses.ts";

/** The kinds that say which certificates a node needs. */
const SOURCES: ReadonlySet<AnyResource> = new Set<AnyResource>([
  gatewayClasses,
  gateways,
  referenceGrants,
  ingressClasses,
  ingresses,
]);

/**
 * The Secrets, as `namespace/name`, with the certificates that a node shows: of the listeners of our Gateways that are on the
 * node, and of our Ingresses, which are on all. May name what there is not. Pure.
 */
export function certificateSecretsOn(
  node: string,
  view: Pick<View, "get" | "list">,
): ReadonlySet<string> {
  const secrets = new Set<string>();
  const labels = view.get(nodes, { name: node })?.metadata.labels;
  for (const gateway of view.list(gateways)) {
    const { metadata: { namespace }, spec } = gateway;
    const owner = view.get(gatewayClasses, { name: spec.gatewayClassName });
    if (owner === undefined || !isOwnClass(owner) || !isPlacedOn(gateway, labels)) continue;
    const from = { group: GATEWAY_GROUP, kind: "Gateway", namespace };
    for (const { tls } of spec.listeners.filter(isTlsListener)) {
      for (const reference of tls?.certificateRefs ?? []) {
        const named = secretNamed(reference, from, view);
        if ("name" in named) secrets.add(`${named.namespace}/${named.name}`);
      }
    }
  }
  for (const { metadata: { namespace }, spec: { tls = [] } } of ownIngressesOf(view)) {
    for (const { secretName } of tls) if (secretName) secrets.add(`${namespace}/${secretName}`);
  }
  return secrets;
}

/**
 * Whether a change of an object may change which certificates a node needs: not by its status, nor by who manages it.
 * `previous` absent: it has come or is gone.
 */
export function mayChangeCertificates(
  resource: AnyResource,
  next: KubeObject,
  previous: KubeObject | undefined,
): boolean {
  if (!SOURCES.has(resource)) return false;
  const decisive = (
    { metadata: { annotations, deletionTimestamp }, ...rest }: KubeObject,
  ) => [annotations, deletionTimestamp, "spec" in rest ? rest.spec : undefined];
  return previous === undefined || !isEqual(decisive(next), decisive(previous));
}

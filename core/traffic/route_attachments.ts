import { covers } from "../resources/gateway/hostnames.ts";
import {
  type GatewayConflicts,
  isServedProtocol,
} from "../resources/gateway/listener_conflicts.ts";
import type { Gateway, GatewayListener } from "../resources/gateway/gateways.ts";
import type { HttpRoute, ParentReference } from "../resources/gateway/http_routes.ts";
import { type Labels, matches, selectorOf } from "../schema/selectors.ts";

/** Who answers for Gateways that Coracle serves. */
export const GATEWAY_CONTROLLER = "coracle.dev/gateway-controller";
const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** What comes of one `parentRef` of a route that names a Gateway. */
export interface RouteAttachment {
  /** The listeners that take the route, each with the host names that both have; `""`: any. Empty when refused. */
  readonly listeners: readonly AttachedListener[];
  /** In the words of the condition `Accepted` of a route. */
  readonly refusal: AttachmentRefusal | undefined;
}
export interface AttachedListener {
  readonly listener: GatewayListener;
  readonly hostnames: readonly string[];
}
export interface AttachmentRefusal {
  readonly reason: "NoMatchingParent" | "NotAllowedByListeners" | "NoMatchingListenerHostname";
  readonly message: string;
}

export interface RouteAtGateway {
  route: HttpRoute;
  parentRef: ParentReference;
  gateway: Gateway;
  /** What {@linkcode listenerConflicts} says of the Gateway: no route is attached to these listeners. */
  conflicts: GatewayConflicts;
  /** Labels of the route's namespace. */
  namespaceLabels: Labels | undefined;
}

/**
 * Which listeners of a Gateway take a route that names it.
 * https://gateway-api.sigs.k8s.io/api-types/httproute/#attaching-to-gateways
 */
export function attachmentOf(
  { route, parentRef, gateway, conflicts, namespaceLabels }: RouteAtGateway,
): RouteAttachment {
  const refused = (reason: AttachmentRefusal["reason"], message: string): RouteAttachment => ({
    listeners: [],
    refusal: { reason, message },
  });
  const meant = gateway.spec.listeners.filter(({ name, port }) =>
    (parentRef.sectionName === undefined || parentRef.sectionName === name) &&
    (parentRef.port === undefined || parentRef.port === port)
  );
  if (meant.length === 0) {
    return refused("NoMatchingParent", "No listener of the Gateway has this sectionName and port");
  }
  const free = meant.filter(({ name }) => !conflicts.has(name));
  if (free.length === 0) {
    return refused("NoMatchingParent", "The listener is in conflict with one of an older Gateway");
  }
  const allowing = free.filter((listener) => allows(listener, gateway, route, namespaceLabels));
  if (allowing.length === 0) {
    return refused("NotAllowedByListeners", "No listener allows HTTPRoutes of this namespace");
  }
  const listeners = allowing
    .map((listener) => ({ listener, hostnames: commonHostnames(listener, route) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  return listeners.length > 0
    ? { listeners, refusal: undefined }
    : refused("NoMatchingListenerHostname", "No hostname of the route fits one of a listener");
}

function allows(
  listener: GatewayListener,
  gateway: Gateway,
  { metadata: { namespace } }: HttpRoute,
  namespaceLabels: Labels | undefined,
): boolean {
  if (!isServedProtocol(listener)) return false;
  const { kinds = [], namespaces: { from, selector } } = listener.allowedRoutes;
  if (kinds.length > 0 && !kinds.some(isHttpRoute)) return false;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === gateway.metadata.namespace;
    case "Selector":
      return selector !== undefined && matches(selectorOf(selector), namespaceLabels);
  }
}

/** Whether a listener's `allowedRoutes.kinds` entry means HTTPRoutes. */
export function isHttpRoute({ group, kind }: { group: string; kind: string }): boolean {
  return group === GATEWAY_GROUP && kind === "HTTPRoute";
}

/** The Gateway that a route names as its parent; `undefined` when it names something else. */
export function gatewayNameOf(
  { metadata }: HttpRoute,
  { group, kind, namespace, name }: ParentReference,
): { namespace: string; name: string } | undefined {
  if (group !== GATEWAY_GROUP || kind !== "Gateway") return undefined;
  return { namespace: namespace ?? metadata.namespace, name };
}

/** The host names that both the listener and the route are for: the narrower of each pair. */
function commonHostnames(listener: GatewayListener, { spec }: HttpRoute): string[] {
  const own = (listener.hostname ?? "").toLowerCase();
  const wanted = (spec.hostnames ?? []).map((hostname) => hostname.toLowerCase());
  if (wanted.length === 0) return [own];
  return wanted.flatMap((hostname) => {
    if (covers(own, hostname)) return [hostname];
    return covers(hostname, own) ? [own] : [];
  });
}

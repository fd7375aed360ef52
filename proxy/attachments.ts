import type { View } from "../core/client/client.ts";
import { gatewayClasses } from "../core/resources/gateway_classes.ts";
import { type Gateway, type GatewayListener, gateways } from "../core/resources/gateways.ts";
import { type HttpRoute, httpRoutes, type ParentReference } from "../core/resources/http_routes.ts";
import { namespaces } from "../core/resources/namespaces.ts";
import { matches, selectorOf } from "../core/resources/selectors.ts";

/** Who answers for Gateways that Coracle serves. */
export const GATEWAY_CONTROLLER = "coracle.dev/gateway-controller";

/** What comes of one `parentRef` of a route that names a Gateway of ours. */
export interface Attachment {
  readonly route: HttpRoute;
  readonly parentRef: ParentReference;
  readonly gateway: Gateway;
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

/** The Gateways whose class is ours, by namespace and name. */
export function ownGateways(view: View): readonly Gateway[] {
  const classes = new Set(
    view.list(gatewayClasses)
      .filter(({ spec }) => spec.controllerName === GATEWAY_CONTROLLER)
      .map(({ metadata }) => metadata.name),
  );
  return view.list(gateways).filter(({ spec }) => classes.has(spec.gatewayClassName));
}

/** All routes of our Gateways, the oldest first, then by name: the last rules of precedence. */
export function attachmentsOf(view: View): readonly Attachment[] {
  const own = new Map(ownGateways(view).map((gateway) => [nameOf(gateway), gateway]));
  return [...view.list(httpRoutes)].sort(byAge).flatMap((route) =>
    (route.spec.parentRefs ?? []).flatMap((parentRef) => {
      const gateway = isGateway(parentRef) ? own.get(parentNameOf(route, parentRef)) : undefined;
      return gateway === undefined ? [] : [attachmentOf(view, route, parentRef, gateway)];
    })
  );
}

/** https://gateway-api.sigs.k8s.io/api-types/httproute/#attaching-to-gateways */
function attachmentOf(
  view: View,
  route: HttpRoute,
  parentRef: ParentReference,
  gateway: Gateway,
): Attachment {
  const made = { route, parentRef, gateway };
  const refused = (reason: AttachmentRefusal["reason"], message: string): Attachment => ({
    ...made,
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
  const allowing = meant.filter((listener) => allows(view, listener, gateway, route));
  if (allowing.length === 0) {
    return refused("NotAllowedByListeners", "No listener allows HTTPRoutes of this namespace");
  }
  const listeners = allowing
    .map((listener) => ({ listener, hostnames: commonHostnames(listener, route) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  return listeners.length > 0
    ? { ...made, listeners, refusal: undefined }
    : refused("NoMatchingListenerHostname", "No hostname of the route fits one of a listener");
}

function allows(
  view: View,
  { allowedRoutes, protocol }: GatewayListener,
  gateway: Gateway,
  { metadata: { namespace } }: HttpRoute,
): boolean {
  if (protocol !== "HTTP") return false;
  const { kinds = [], namespaces: { from, selector } } = allowedRoutes;
  if (kinds.length > 0 && !kinds.some(isHttpRoute)) return false;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === gateway.metadata.namespace;
    case "Selector": {
      const labels = view.get(namespaces, { name: namespace })?.metadata.labels;
      return selector !== undefined && matches(selectorOf(selector), labels);
    }
  }
}

/** Whether a listener's `allowedRoutes.kinds` entry means HTTPRoutes. */
export function isHttpRoute({ group, kind }: { group: string; kind: string }): boolean {
  return group === "gateway.networking.k8s.io" && kind === "HTTPRoute";
}

/** The host names that both the listener and the route are for: the narrower of each pair. */
function commonHostnames(listener: GatewayListener, { spec }: HttpRoute): string[] {
  const own = (listener.hostname ?? "").toLowerCase();
  const wanted = (spec.hostnames ?? []).map((hostname) => hostname.toLowerCase());
  if (wanted.length === 0) return [own];
  if (own === "") return wanted;
  return wanted.flatMap((hostname) => {
    if (covers(own, hostname)) return [hostname];
    return covers(hostname, own) ? [own] : [];
  });
}

function covers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  return wide.startsWith("*.") && narrow.endsWith(wide.slice(1)) &&
    narrow.length > wide.length - 1;
}

function isGateway({ group, kind }: ParentReference): boolean {
  return group === "gateway.networking.k8s.io" && kind === "Gateway";
}

function parentNameOf({ metadata }: HttpRoute, { namespace, name }: ParentReference): string {
  return `${namespace ?? metadata.namespace}/${name}`;
}

function nameOf({ metadata: { namespace, name } }: Gateway): string {
  return `${namespace}/${name}`;
}

function byAge(a: HttpRoute, b: HttpRoute): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  const [nameA, nameB] = [a, b].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return nameA! < nameB! ? -1 : 1;
}

import type { View } from "../client/client.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import {
  type HttpRoute,
  httpRoutes,
  type ParentReference,
} from "../resources/gateway/http_routes.ts";
import { type Labels, matches, selectorOf } from "../schema/selectors.ts";
import { covers } from "./hostnames.ts";
import {
  GATEWAY_GROUP,
  type OwnGateway,
  type OwnGateways,
  type OwnListener,
} from "./own_gateways.ts";
import { olderFirst } from "./precedence.ts";

/** How a route is attached to one Gateway of ours that a `parentRef` names, or why it is not. */
export interface Attachment {
  readonly route: HttpRoute;
  readonly parentRef: ParentReference;
  readonly parent: OwnGateway;
  /** The listeners that accept the route, each with the host names that both have; `""`: any. Empty when refused. */
  readonly listeners: readonly AttachedListener[];
  /** In the words of the condition `Accepted` of a route. */
  readonly refusal: AttachmentRefusal | undefined;
}

export interface AttachedListener {
  readonly listener: OwnListener;
  readonly hostnames: readonly string[];
}

export interface AttachmentRefusal {
  readonly reason: "NoMatchingParent" | "NotAllowedByListeners" | "NoMatchingListenerHostname";
  readonly message: string;
}

/** The attachments of all routes, by the age of the routes: the last rule of precedence. */
export function attachmentsOf(view: View, own: OwnGateways): readonly Attachment[] {
  return [...view.list(httpRoutes)].sort(olderFirst)
    .flatMap((route) => attachmentsOfRoute(route, view, own));
}

/** The attachments of one route, in the order of its `parentRefs`. */
export function attachmentsOfRoute(route: HttpRoute, view: View, own: OwnGateways): Attachment[] {
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    const name = gatewayNameOf(route, parentRef);
    const parent = name && own.get(`${name.namespace}/${name.name}`);
    if (parent === undefined) return [];
    const namespace = view.get(namespaces, { name: route.metadata.namespace });
    return [attachmentOf({ route, parentRef, parent }, namespace?.metadata.labels)];
  });
}

/** The Gateway that a route names as its parent; `undefined` when it names something else. */
export function gatewayNameOf(
  { metadata }: HttpRoute,
  { group, kind, namespace, name }: ParentReference,
): { namespace: string; name: string } | undefined {
  if (group !== GATEWAY_GROUP || kind !== "Gateway") return undefined;
  return { namespace: namespace ?? metadata.namespace, name };
}

/** https://gateway-api.sigs.k8s.io/api-types/httproute/#attaching-to-gateways */
function attachmentOf(
  named: Pick<Attachment, "route" | "parentRef" | "parent">,
  namespaceLabels: Labels | undefined,
): Attachment {
  const { route, parentRef, parent } = named;
  const refused = (reason: AttachmentRefusal["reason"], message: string): Attachment => ({
    ...named,
    listeners: [],
    refusal: { reason, message },
  });
  const meant = parent.listeners.filter(({ spec: { name, port } }) =>
    (parentRef.sectionName === undefined || parentRef.sectionName === name) &&
    (parentRef.port === undefined || parentRef.port === port)
  );
  if (meant.length === 0) {
    return refused("NoMatchingParent", "No listener of the Gateway has this sectionName and port");
  }
  const free = meant.filter(({ conflict }) => conflict === undefined);
  if (free.length === 0) {
    return refused("NoMatchingParent", "The listener is in conflict with one of an older Gateway");
  }
  const allowing = free.filter((listener) => allows(listener, parent, route, namespaceLabels));
  if (allowing.length === 0) {
    return refused("NotAllowedByListeners", "No listener allows HTTPRoutes of this namespace");
  }
  const listeners = allowing
    .map((listener) => ({ listener, hostnames: commonHostnames(listener.hostname, route) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  return listeners.length > 0
    ? { ...named, listeners, refusal: undefined }
    : refused("NoMatchingListenerHostname", "No hostname of the route fits one of a listener");
}

function allows(
  { spec, takesHttpRoutes }: OwnListener,
  { gateway }: OwnGateway,
  { metadata: { namespace } }: HttpRoute,
  namespaceLabels: Labels | undefined,
): boolean {
  if (!takesHttpRoutes) return false;
  const { from, selector } = spec.allowedRoutes.namespaces;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === gateway.metadata.namespace;
    case "Selector":
      return selector !== undefined && matches(selectorOf(selector), namespaceLabels);
  }
}

/** The host names that both the listener and the route are for: the narrower of each pair. */
function commonHostnames(ofListener: string, { spec }: HttpRoute): string[] {
  const wanted = (spec.hostnames ?? []).map((hostname) => hostname.toLowerCase());
  if (wanted.length === 0) return [ofListener];
  return wanted.flatMap((hostname) => {
    if (covers(ofListener, hostname)) return [hostname];
    return covers(hostname, ofListener) ? [ofListener] : [];
  });
}

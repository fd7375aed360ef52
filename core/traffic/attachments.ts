import type { View } from "../client/client.ts";
import { gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { type Gateway, gateways } from "../resources/gateway/gateways.ts";
import {
  type HttpRoute,
  httpRoutes,
  type ParentReference,
} from "../resources/gateway/http_routes.ts";
import {
  gatewayKey,
  type ListenerConflicts,
  listenerConflicts,
  NO_CONFLICTS,
} from "../resources/gateway/listener_conflicts.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import {
  attachmentOf,
  GATEWAY_CONTROLLER,
  gatewayNameOf,
  type RouteAttachment,
} from "./route_attachments.ts";

/** What comes of one `parentRef` of a route that names a Gateway of ours. */
export interface Attachment extends RouteAttachment {
  readonly route: HttpRoute;
  readonly parentRef: ParentReference;
  readonly gateway: Gateway;
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

/**
 * All routes of our Gateways, the oldest first, then by name: the last rules of precedence. No listener is named that is
 * in conflict with one of an older Gateway.
 */
export function attachmentsOf(view: View): readonly Attachment[] {
  const gateways = ownGateways(view);
  const conflicts = listenerConflicts(gateways);
  const own = new Map(gateways.map((gateway) => [gatewayKey(gateway), gateway]));
  return [...view.list(httpRoutes)].sort(byAge).flatMap((route) =>
    (route.spec.parentRefs ?? []).flatMap((parentRef) => {
      const name = gatewayNameOf(route, parentRef);
      const gateway = name && own.get(`${name.namespace}/${name.name}`);
      return gateway === undefined
        ? []
        : [attached(view, conflicts, { route, parentRef, gateway })];
    })
  );
}

function attached(
  view: View,
  conflicts: ListenerConflicts,
  named: Pick<Attachment, "route" | "parentRef" | "gateway">,
): Attachment {
  const { route, gateway } = named;
  const namespaceLabels = view.get(namespaces, { name: route.metadata.namespace })?.metadata.labels;
  const own = conflicts.get(gatewayKey(gateway)) ?? NO_CONFLICTS;
  return { ...attachmentOf({ ...named, conflicts: own, namespaceLabels }), ...named };
}

function byAge(a: HttpRoute, b: HttpRoute): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  const [nameA, nameB] = [a, b].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return nameA! < nameB! ? -1 : 1;
}

import type { View } from "../client/client.ts";
import type { BackendObjectReference } from "../resources/gateway/http_route_filters.ts";
import type { BackendFault } from "./backends.ts";
import { mayRefer } from "./reference_grants.ts";
import { GATEWAY_GROUP } from "./own_gateways.ts";
import { findPorts, type ServicePortName } from "./service_backends.ts";

/** A port of a Service, whether or not it exists, or why it may not be referred to. */
export type ReferredPort = { servicePort: ServicePortName } | { fault: BackendFault };

/** The port of a Service that a `backendRef` of an HTTPRoute in `ofNamespace` names, whether or not it exists. */
export function targetOf(
  reference: BackendObjectReference,
  ofNamespace: string,
  view: Pick<View, "list">,
): ReferredPort {
  const { group, kind, namespace = ofNamespace, name, port } = reference;
  const fault = (reason: BackendFault["reason"], message: string) => ({
    fault: { reason, message },
  });
  if (group !== "" || kind !== "Service") {
    return fault("InvalidKind", `Backend "${name}" is a ${kind}, not a Service`);
  }
  const from = { group: GATEWAY_GROUP, kind: "HTTPRoute", namespace: ofNamespace };
  if (!mayRefer(from, { group, kind, namespace, name }, view)) {
    const message = `Backend "${name}" is in another namespace, and no ReferenceGrant permits it`;
    return fault("RefNotPermitted", message);
  }
  if (port === undefined) return fault("BackendNotFound", `Service "${name}" has no port given`);
  return { servicePort: { namespace, name, port } };
}

/** Why a `backendRef` of a route in `ofNamespace` cannot be resolved; `undefined` when it can. */
export function backendFaultOf(
  reference: BackendObjectReference,
  ofNamespace: string,
  view: View,
): BackendFault | undefined {
  const target = targetOf(reference, ofNamespace, view);
  if ("fault" in target) return target.fault;
  const found = findPorts(view, target.servicePort);
  return "fault" in found ? found.fault : undefined;
}

import type { View } from "../client/client.ts";
import type { BackendObjectReference } from "../resources/gateway/http_route_filters.ts";
import type { BackendFault } from "./backends.ts";
import { findPorts, type ServicePortName } from "./service_backends.ts";

/** The port of a Service that a `backendRef` of a route in `ofNamespace` names, whether or not it exists. */
export function targetOf(
  { group, kind, namespace, name, port }: BackendObjectReference,
  ofNamespace: string,
): { servicePort: ServicePortName } | { fault: BackendFault } {
  const fault = (reason: BackendFault["reason"], message: string) => ({
    fault: { reason, message },
  });
  if (group !== "" || kind !== "Service") {
    return fault("InvalidKind", `Backend "${name}" is a ${kind}, not a Service`);
  }
  if (namespace !== undefined && namespace !== ofNamespace) {
    const message = `Backend "${name}" is in another namespace, and no ReferenceGrant permits it`;
    return fault("RefNotPermitted", message);
  }
  if (port === undefined) return fault("BackendNotFound", `Service "${name}" has no port given`);
  return { servicePort: { namespace: ofNamespace, name, port } };
}

/** Why a `backendRef` of a route in `ofNamespace` cannot be resolved; `undefined` when it can. */
export function backendFaultOf(
  reference: BackendObjectReference,
  ofNamespace: string,
  view: View,
): BackendFault | undefined {
  const target = targetOf(reference, ofNamespace);
  if ("fault" in target) return target.fault;
  const found = findPorts(view, target.servicePort);
  return "fault" in found ? found.fault : undefined;
}

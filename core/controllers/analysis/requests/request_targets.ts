import type { View } from "../../../client/client.ts";
import { parseIp } from "../../../lib/addresses/ip_address.ts";
import { services } from "../../../resources/core/services/services.ts";
import { serviceBackend } from "../../../traffic/service_backends.ts";
import { normalName, type TargetPolicy } from "./target_policy.ts";

/** Where a request goes: to an address that may be asked, or to a name whose addresses are still to be looked up. */
export type RequestTarget =
  | { address: string; port: number; isApiServer?: true }
  | { name: string; port: number; isAllowed: boolean }
  | { fault: string };

/**
 * Where the host of a URL is. The name of a Service, `<service>.<namespace>` with or without `.svc` and
 * `.svc.cluster.local`, is one of its endpoints, as the view has them; `turn`: a number that grows, so that each gets its
 * share. Nothing is looked up: the decision is one of the snapshot.
 */
export function requestTarget(
  url: URL,
  { view, policy, turn }: { view: View; policy: TargetPolicy; turn: number },
): RequestTarget {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (parseIp(host) !== undefined) {
    const fault = policy.faultOf(host);
    return fault === undefined ? { address: host, port } : dialFaultAt(host, port, fault);
  }
  const service = serviceIn(host, view);
  if (service === undefined) return { name: host, port, isAllowed: policy.allowsName(host) };
  if ("missing" in service) return { fault: `dial tcp: lookup ${host}: no such host` };
  const { externalName } = service;
  if (externalName !== undefined) {
    return { name: externalName, port, isAllowed: policy.allowsName(externalName) };
  }
  const { endpoints } = serviceBackend(view, { ...service, port });
  const endpoint = endpoints[turn % endpoints.length];
  if (!endpoint) return dialFaultAt(host, port, "no endpoint is ready");
  const fault = policy.endpointFaultOf(endpoint.address);
  if (fault !== undefined) return dialFaultAt(endpoint.address, endpoint.port, fault);
  const isApiServer = service.namespace === "default" && service.name === "kubernetes";
  const { address } = endpoint;
  return { address, port: endpoint.port, ...(isApiServer && { isApiServer }) };
}

interface NamedService {
  namespace: string;
  name: string;
  /** The name that it stands for. */
  externalName?: string;
}

/** The Service of a name; `missing` when the name can be of nothing else. */
function serviceIn(host: string, view: View): NamedService | { missing: true } | undefined {
  const parts = /^([^.]+)\.([^.]+)(\.svc(?:\.cluster\.local)?)?$/.exec(normalName(host));
  if (!parts) return undefined;
  const [, name = "", namespace = "", suffix] = parts;
  const service = view.get(services, { namespace, name });
  if (!service) return suffix === undefined ? undefined : { missing: true };
  const { type, externalName } = service.spec;
  return {
    namespace,
    name,
    ...(type === "ExternalName" && externalName !== undefined && { externalName }),
  };
}

function dialFaultAt(host: string, port: number, fault: string): { fault: string } {
  return { fault: `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}: ${fault}` };
}

import type { Service } from "../../core/resources/core/services/services.ts";
import type { ServicePlaces } from "./service_listeners.ts";
import type { HttpListener } from "./route_table.ts";

/**
 * The listener by which load balancers outside find out whether a node has endpoints of a Service whose traffic stays on its
 * node: kube-proxy's, in its words (`pkg/proxy/healthcheck/service_health.go`). `countOf`: its endpoints on this node.
 */
export function healthListener(
  { metadata: { namespace, name }, spec }: Service,
  { nodeName, nodePortAddress }: ServicePlaces,
  countOf: () => number,
): HttpListener | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort: port } = spec;
  const isAsked = type === "LoadBalancer" && externalTrafficPolicy === "Local" && port;
  if (!isAsked || nodeName === undefined || nodePortAddress === undefined) return undefined;
  const rule = `service ${namespace}/${name} healthCheck`;
  const match = {
    path: { type: "PathPrefix" as const, value: "/" },
    headers: [],
    queryParams: [],
  };
  const answer = healthAnswer({ namespace, name }, countOf());
  const routes = [{ hostname: "", match, rule: { key: rule, shares: [], answer } }];
  return {
    protocol: "HTTP",
    name: `${rule} ${port}`,
    address: nodePortAddress,
    port,
    hosts: [{ hostname: "", routes }],
  };
}

function healthAnswer(service: { namespace: string; name: string }, localEndpoints: number) {
  const body = JSON.stringify({ service, localEndpoints, serviceProxyHealthy: true }, null, "\t");
  return {
    status: localEndpoints > 0 ? 200 : 503,
    fields: [
      { name: "X-Content-Type-Options", value: "nosniff" },
      { name: "X-Load-Balancing-Endpoint-Weight", value: String(localEndpoints) },
    ],
    body: `${body}\n`,
    contentType: "application/json",
  };
}

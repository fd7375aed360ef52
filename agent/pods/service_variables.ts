import type { View } from "../../core/client/client.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { type Service, services } from "../../core/resources/core/services/services.ts";

/** The API server's own Service, which every pod gets to know. */
const API_SERVICE = { namespace: "default", name: "kubernetes" };

/**
 * Variables for the Services of the pod's namespace, as Docker links named them. With `enableServiceLinks:
 * false` only those of the API server.
 *
 * https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
 */
export function serviceVariablesOf(
  { metadata, spec }: Pod,
  view: Pick<View, "get" | "list">,
): Record<string, string> {
  const api = view.get(services, API_SERVICE);
  const own = spec.enableServiceLinks !== false ? view.list(services, metadata.namespace) : [];
  const all = [
    ...(api ? [api] : []),
    ...own.filter(({ metadata: { uid } }) => uid !== api?.metadata.uid),
  ];
  return Object.assign({}, ...all.map(variablesOf));
}

function variablesOf({ metadata, spec }: Service): Record<string, string> {
  const { clusterIP, ports = [] } = spec;
  const [first] = ports;
  if (!clusterIP || clusterIP === "None" || first === undefined) return {};
  const prefix = constantCase(metadata.name);
  const variables: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: clusterIP,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
  };
  for (const { name, port } of ports) {
    if (name) variables[`${prefix}_SERVICE_PORT_${constantCase(name)}`] = String(port);
  }
  const host = clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP;
  for (const { port, protocol } of ports) {
    const word = protocol.toLowerCase();
    const link = `${prefix}_PORT_${port}_${protocol}`;
    const url = `${word}://${host}:${port}`;
    variables[`${prefix}_PORT`] ??= url;
    variables[link] = url;
    variables[`${link}_PROTO`] = word;
    variables[`${link}_PORT`] = String(port);
    variables[`${link}_ADDR`] = clusterIP;
  }
  return variables;
}

function constantCase(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

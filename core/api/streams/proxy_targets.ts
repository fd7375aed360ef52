import type { Duplex } from "node:stream";
import { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import type { NodeStreams } from "../../client/node_streams.ts";
import { containersInRoles } from "../../resources/core/pods/spec/pod_containers.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { services } from "../../resources/core/services/services.ts";
import { endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import type { Random } from "../../lib/random.ts";
import { portNumber, proxyName } from "./proxy/proxy_name.ts";

/** Where a proxied request goes. */
export interface ProxyTarget {
  isTls: boolean;
  /** Address and port, as links and errors name them. */
  host: string;
  connect(): Promise<Duplex>;
}

/** What targets are looked up in. */
export interface TargetContext {
  view: Pick<View, "get" | "by">;
  nodeStreams: NodeStreams;
  random: Random;
}

export interface ProxiedObject {
  namespace: string;
  /** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`. */
  id: string;
}

/** Throws NotFound and BadRequest in the words of kube-apiserver: `pkg/registry/core/pod/strategy.go`, ResourceLocation. */
export function podTarget({ namespace, id }: ProxiedObject, context: TargetContext): ProxyTarget {
  const parts = proxyName(id);
  if (!parts) throw new ApiError("BadRequest", `invalid pod request "${id}"`);
  const pod = context.view.get(pods, { namespace, name: parts.name });
  if (!pod) throw missing("pods", parts.name);
  const isTls = parts.scheme === "https";
  const port = parts.port === "" ? firstPort(pod) ?? (isTls ? 443 : 80) : portNumber(parts.port);
  if (port === undefined) {
    throw new ApiError(
      "ServiceUnavailable",
      `error trying to reach service: dial tcp: lookup tcp/${parts.port}: unknown port`,
    );
  }
  return targetIn(pod, { port, isTls }, context);
}

/**
 * A ready endpoint of a Service that is a pod of its namespace: other addresses are not proxied to, whoever wrote them
 * down. Source: kube-apiserver `pkg/registry/core/service/storage/storage.go`, ResourceLocation.
 */
export function serviceTarget(
  { namespace, id }: ProxiedObject,
  context: TargetContext,
): ProxyTarget {
  const parts = proxyName(id);
  if (!parts) throw new ApiError("BadRequest", `invalid service request "${id}"`);
  const { name, scheme } = parts;
  const { view, random } = context;
  const service = view.get(services, { namespace, name });
  const isNumber = /^-?\d+$/.test(parts.port);
  if (!service) throw missing(isNumber ? "services" : "endpoints", name);
  let portName = parts.port;
  if (isNumber) {
    const port = service.spec.ports?.find(({ port }) => port === Number(parts.port));
    if (!port) {
      throw unavailable(`no service port ${Number(parts.port)} found for service "${name}"`);
    }
    portName = port.name ?? "";
  }
  const slices = view.by(endpointSlices, "service", `${namespace}/${name}`);
  if (!slices.some(({ endpoints }) => endpoints.length > 0)) {
    throw unavailable(`no endpoints available for service "${name}"`);
  }
  const candidates = slices.flatMap(({ ports, endpoints }) => {
    const port = ports.find((each) => (each.name ?? "") === portName)?.port;
    if (port === undefined) return [];
    return endpoints.filter(({ conditions, targetRef }) =>
      (conditions.ready ?? true) && targetRef?.kind === "Pod"
    ).flatMap(({ targetRef }) => {
      const pod = view.get(pods, { namespace, name: targetRef?.name ?? "" });
      return pod?.status.podIP === undefined ? [] : [{ pod, port }];
    });
  });
  if (candidates.length === 0) throw unavailable(`no endpoints available for service "${id}"`);
  const { pod, port } = candidates[random.integer(candidates.length)]!;
  return targetIn(pod, { port, isTls: scheme === "https" }, context);
}

/** The node that runs the pod connects, at the address that it has given it: what its status says is only shown. */
function targetIn(
  pod: Pod,
  { port, isTls }: { port: number; isTls: boolean },
  { nodeStreams }: TargetContext,
): ProxyTarget {
  const { podIP } = pod.status;
  if (podIP === undefined) throw new ApiError("BadRequest", "address not allowed");
  const { namespace, name } = pod.metadata;
  return {
    isTls,
    host: `${podIP.includes(":") ? `[${podIP}]` : podIP}:${port}`,
    connect: () => nodeStreams.connect({ namespace, name }, { port, at: "address" }),
  };
}

function firstPort({ spec }: Pod): number | undefined {
  for (const { ports = [] } of containersInRoles(spec, "main")) {
    if (ports[0]) return ports[0].containerPort;
  }
  return undefined;
}

function missing(kind: string, name: string): ApiError {
  return new ApiError("NotFound", `${kind} "${name}" not found`, { name, kind });
}

function unavailable(message: string): ApiError {
  return new ApiError("ServiceUnavailable", message);
}

import type { ObjectName, View } from "../../client/client.ts";
import { isHostAddress } from "../../lib/addresses/ip_address.ts";
import { longRunningContainersOf } from "../../resources/core/pods/spec/pod_containers.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { isOffline } from "../../resources/core/nodes/autonomy.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  type Service,
  type ServicePort,
  services,
} from "../../resources/core/services/services.ts";
import type { EndpointPort } from "../../resources/discovery/endpoint_slices.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { matches, selectorOfLabels } from "../../schema/selectors.ts";
import type { Watch } from "../runtime/controller.ts";
import { selected } from "../runtime/ownership.ts";

/** Which services select a pod changes with the labels of the pod. */
export const podsOfServices: Watch = {
  resource: pods,
  includesFormer: true,
  concerns: servicesOf,
};

/** A node that goes offline or comes back changes the Services of its pods, which stay as they are. */
export const offlineNodesOfServices: Watch = {
  resource: nodes,
  includesFormer: true,
  concerns: (node, view): ObjectName[] =>
    isOffline(node as Node)
      ? view.by(pods, "node", node.metadata.name).flatMap((pod) => servicesOf(pod, view))
      : [],
};

function servicesOf({ metadata: { namespace, labels } }: KubeObject, view: View): ObjectName[] {
  return view.list(services, namespace)
    .filter(({ spec }) => matches(selectorOfLabels(spec.selector), labels))
    .map(({ metadata }) => metadata);
}

/** Whether the pod is ready where others can reach it: on a node that is offline it may serve, but only its own node. */
export function isReachable(pod: Pod, view: View): boolean {
  const name = pod.spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node === undefined || !isOffline(node);
}

/** Users manage the endpoints of a Service without selector. */
export function selectsPods({ spec: { selector, type } }: Service): boolean {
  return type !== "ExternalName" && selector !== undefined && Object.keys(selector).length > 0;
}

/** The pods that a Service selects and that have not run to their end. */
export function podsOf({ metadata: { namespace }, spec }: Service, view: View): Pod[] {
  return selected(view, pods, namespace, { matchLabels: spec.selector! })
    .filter((pod) => !isFinished(pod));
}

export type Family = "IPv4" | "IPv6";

/** The address families of a Service, the preferred one first. */
export function familiesOf(
  { spec: { ipFamilies, clusterIP } }: Service,
): readonly [Family, ...Family[]] {
  const [first, ...others] = ipFamilies ?? [];
  return first ? [first, ...others] : [clusterIP?.includes(":") ? "IPv6" : "IPv4"];
}

export function addressOf(
  { status: { podIPs, podIP } }: Pod,
  family: Family,
): string | undefined {
  const all = podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);
  return all.find((ip) => ip.includes(":") === (family === "IPv6") && isHostAddress(ip)); // a node's word
}

/** The ports of a Service on one of its pods; without those that the pod does not have. */
export function portsOf(
  { spec }: Service,
  pod: Pod,
): (EndpointPort & { port: number })[] {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = targetOf(servicePort, pod);
    if (port === undefined) return [];
    const { name = "", protocol, appProtocol } = servicePort;
    return [{ name, protocol, port, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

/** A named target port is looked up in each pod, so that it may differ from pod to pod. */
function targetOf(
  { port, protocol, targetPort = port }: ServicePort,
  pod: Pod,
): number | undefined {
  if (typeof targetPort === "number") return targetPort || port;
  return longRunningContainersOf(pod.spec).flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === targetPort && candidate.protocol === protocol)
    ?.containerPort;
}

/** The name that the pod has in the DNS of the Service, if it asks for one. */
export function hostnameOf({ metadata }: Service, { spec }: Pod): string | undefined {
  return spec.hostname && spec.subdomain === metadata.name ? spec.hostname : undefined;
}

export function isHeadless({ spec: { clusterIP } }: Service): boolean {
  return clusterIP === "None";
}

import type { View } from "../../core/client/client.ts";
import { longRunningContainersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import type { Backend } from "../../core/traffic/backends.ts";
import { forwardedProtocol } from "../../core/traffic/service_backends.ts";
import type { ServicePlaces } from "./service_listeners.ts";
import type { Listener } from "./route_table.ts";

/** Whether ports of the node lead to a pod. One on the node's own network has its ports there anyway. */
export function hasHostPorts({ spec }: Pod): boolean {
  return !spec.hostNetwork && hostPortsOf(spec).length > 0;
}

/** Listeners for the ports of the node that lead to its pods (`hostPort`). `add`: puts a backend into the table. */
export function hostPortListeners(
  view: View,
  { nodeName, nodePortAddress, ownAddresses = [] }: ServicePlaces,
  add: (backend: Backend) => number,
): { pod: Pod; listener: Listener }[] {
  if (nodeName === undefined || nodePortAddress === undefined) return [];
  const own = view.by(pods, "node", nodeName).filter((pod) =>
    hasHostPorts(pod) && !isFinished(pod)
  );
  return own.flatMap((pod) => {
    const { metadata: { namespace, name, uid, deletionTimestamp }, status: { podIP } } = pod;
    if (!podIP) return [];
    return hostPortsOf(pod.spec).flatMap(({ containerPort, hostPort, hostIP, ...rest }) => {
      const protocol = forwardedProtocol(rest);
      if (protocol === undefined) return [];
      const isEnding = deletionTimestamp !== undefined;
      const endpoint = {
        address: podIP,
        port: containerPort,
        podUid: uid,
        ...(isEnding && { isEnding }),
      };
      const backend = add({
        name: `pod ${namespace}/${name}:${containerPort}/${protocol}`,
        state: "valid",
        endpoints: [endpoint as Backend["endpoints"][number]],
      });
      const wanted = hostIP && hostIP !== "0.0.0.0" && hostIP !== "::" ? hostIP : nodePortAddress;
      const isWide = wanted === "0.0.0.0" || wanted === "::";
      const addresses = protocol === "UDP" && isWide ? ownAddresses : [wanted];
      return addresses.map((address) => ({
        pod,
        listener: {
          protocol,
          name: `pod ${namespace}/${name} hostPort ${hostPort}`,
          address,
          port: hostPort,
          backend,
        },
      }));
    });
  });
}

function hostPortsOf(spec: Pod["spec"]) {
  return longRunningContainersOf(spec).flatMap(({ ports = [] }) =>
    ports.flatMap((port) => port.hostPort ? [{ ...port, hostPort: port.hostPort }] : [])
  );
}

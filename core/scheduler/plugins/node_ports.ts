import type { Pod } from "../../resources/core/pods/pods.ts";
import { longRunningContainersOf } from "../../resources/core/pods/spec/pod_containers.ts";
import { acceptedNow, type Filter, type Refusal, tallyingPlugin } from "../plugin.ts";

interface HostPort {
  port: number;
  protocol: string;
  /** `0.0.0.0` for all addresses. */
  ip: string;
}

/** Host ports that the pods of a node use. */
export interface PortsInUse {
  ports: readonly HostPort[];
}

const REFUSAL: Refusal = {
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  preemptionMayHelp: true,
};
const EVERY_ADDRESS = "0.0.0.0";

/** Keeps pods off nodes where a host port that they need is in use. Kubernetes: `plugins/nodeports`. */
export const nodePorts = tallyingPlugin<PortsInUse>({
  name: "NodePorts",
  tally: {
    begin: () => ({ ports: [] }),
    add(inUse, pod) {
      const ports = hostPortsOf(pod);
      if (ports.length > 0) inUse.ports = [...inUse.ports, ...ports];
    },
    remove(inUse, pod) {
      const ports = hostPortsOf(pod);
      if (ports.length > 0) inUse.ports = without(inUse.ports, ports);
    },
  },
  filter: portsFree,
  wakes: {
    nodeAdded: acceptedNow(portsFree),
    podChanged: acceptedNow(portsFree),
    podRemoved: acceptedNow(portsFree),
  },
});

function portsFree(pod: Pod): Filter<PortsInUse> | undefined {
  const wanted = hostPortsOf(pod);
  if (wanted.length === 0) return undefined;
  return (_node, { ports }) =>
    ports.some((used) => wanted.some((port) => collide(port, used))) ? REFUSAL : undefined;
}

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol &&
    (a.ip === b.ip || a.ip === EVERY_ADDRESS || b.ip === EVERY_ADDRESS);
}

/** Ports of the node that the pod's containers listen on. */
function hostPortsOf({ spec }: Pod): HostPort[] {
  return longRunningContainersOf(spec).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol, hostIP }) =>
      hostPort ? [{ port: hostPort, protocol, ip: hostIP || EVERY_ADDRESS }] : []
    )
  );
}

/** `all` minus `some`, as multisets. */
function without(all: readonly HostPort[], some: readonly HostPort[]): HostPort[] {
  const left = [...all];
  for (const { port, protocol, ip } of some) {
    const index = left.findIndex((other) =>
      other.port === port && other.protocol === protocol && other.ip === ip
    );
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}

import type { Pod } from "../../resources/core/pods/pods.ts";
import { longRunningContainersOf } from "../../resources/core/pods/spec/pod_containers.ts";
import { acceptedNow, type Filter, type Refusal, tallyingPlugin } from "../plugin.ts";

interface HostPort {
  port: number;
  protocol: string;
  /** `0.0.0.0` for all addresses. */
  ip: string;
}

/** Ports of a node that its pods take. */
export interface TakenPorts {
  ports: readonly HostPort[];
}

const REFUSAL: Refusal = {
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  preemptionMayHelp: true,
};
const EVERY_ADDRESS = "0.0.0.0";

/** Keeps pods off nodes whose ports they need are taken. Kubernetes: `plugins/nodeports`. */
export const nodePorts = tallyingPlugin<TakenPorts>({
  name: "NodePorts",
  tally: {
    begin: () => ({ ports: [] }),
    add(taken, pod) {
      const ports = hostPortsOf(pod);
      if (ports.length > 0) taken.ports = [...taken.ports, ...ports];
    },
    remove(taken, pod) {
      const ports = hostPortsOf(pod);
      if (ports.length > 0) taken.ports = without(taken.ports, ports);
    },
  },
  filter: portsFree,
  wakes: {
    nodeAdded: acceptedNow(portsFree),
    podChanged: acceptedNow(portsFree),
    podRemoved: acceptedNow(portsFree),
  },
});

function portsFree(pod: Pod): Filter<TakenPorts> | undefined {
  const wanted = hostPortsOf(pod);
  if (wanted.length === 0) return undefined;
  return (_node, { ports }) =>
    ports.some((taken) => wanted.some((port) => collide(port, taken))) ? REFUSAL : undefined;
}

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol &&
    (a.ip === b.ip || a.ip === EVERY_ADDRESS || b.ip === EVERY_ADDRESS);
}

/** Ports of the node that the pod's containers take. */
function hostPortsOf({ spec }: Pod): HostPort[] {
  return longRunningContainersOf(spec).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol, hostIP }) =>
      hostPort ? [{ port: hostPort, protocol, ip: hostIP || EVERY_ADDRESS }] : []
    )
  );
}

/** Each of `some` is taken out once. */
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

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
  readonly ports: HostPort[];
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
    add: ({ ports }, pod) => void ports.push(...hostPortsOf(pod)),
    remove({ ports }, pod) {
      for (const port of hostPortsOf(pod)) {
        ports.splice(ports.findIndex((used) => isSame(port, used)), 1);
      }
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

function isSame(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && a.ip === b.ip;
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

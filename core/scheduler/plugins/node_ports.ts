import { demandOf, type HostPort } from "../demand.ts";
import type { Plugin, Refusal } from "../plugin.ts";

const REFUSAL: Refusal = {
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  couldHelpToPreempt: true,
};
const EVERY_ADDRESS = "0.0.0.0";

/** Keeps pods off nodes whose ports they need are taken. Kubernetes: `plugins/nodeports`. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  filter(pod) {
    const wanted = demandOf(pod).hostPorts;
    if (wanted.length === 0) return undefined;
    return ({ hostPorts }) =>
      hostPorts.some((taken) => wanted.some((port) => collide(port, taken))) ? REFUSAL : undefined;
  },
};

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol &&
    (a.ip === b.ip || a.ip === EVERY_ADDRESS || b.ip === EVERY_ADDRESS);
}

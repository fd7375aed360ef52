import type { View } from "../../client/client.ts";
import { parseIpv4 } from "../../lib/addresses/ipv4.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import type { PodTarget } from "./relaying.ts";

const PORT_MAX = 65_535;
const TEXT_CHARS_MAX = 253;

/** The port of a pod that the head of a stream names; `undefined` when it names none. What it says is not believed yet. */
export function podTargetIn(head: Readonly<Record<string, unknown>>): PodTarget | undefined {
  const { node, address, port, uid } = head;
  if (!isText(node) || !isText(address) || parseIpv4(address) === undefined) return undefined;
  if (!Number.isInteger(port) || Number(port) < 1 || Number(port) > PORT_MAX) return undefined;
  if (uid !== undefined && !isText(uid)) return undefined;
  return { kind: "tcp", node, address, port: Number(port), ...(uid !== undefined && { uid }) };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= TEXT_CHARS_MAX;
}

/** The pod whose port it is, on that node and with that address; `undefined` when there is none that can answer. */
export function podOf(view: View, { node, address, uid }: PodTarget): Pod | undefined {
  return view.by(pods, "node", node).find((pod) =>
    (uid === undefined ? !pod.spec.hostNetwork : pod.metadata.uid === uid) &&
    !isFinished(pod) && hasAddress(pod, address)
  );
}

function hasAddress({ status: { podIP, podIPs = [] } }: Pod, address: string): boolean {
  return podIP === address || podIPs.some(({ ip }) => ip === address);
}

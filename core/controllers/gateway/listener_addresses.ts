import type { View } from "../../client/client.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";

/** As many as anybody looks at. */
const ADDRESSES_MAX = 16;
export const EVERY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];

/**
 * Where listeners are reached that are opened on `address`, on the nodes for which `isOn` holds: on all addresses, those of
 * these nodes.
 */
export function listenerAddresses(
  address: string,
  view: View,
  isOn: (node: Node) => boolean = () => true,
): string[] {
  if (!EVERY_ADDRESS.includes(address)) return [address];
  const all = view.list(nodes).filter(isOn).flatMap(({ status }) => status.addresses ?? [])
    .filter(({ type }) => type === "InternalIP").map(({ address: ip }) => ip);
  return [...new Set(all)].slice(0, ADDRESSES_MAX);
}

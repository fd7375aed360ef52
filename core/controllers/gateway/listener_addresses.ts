import type { View } from "../../client/client.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";

/** As many as anybody looks at. */
const ADDRESSES_MAX = 16;
export const EVERY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];

/** Where listeners are reached that are opened on `address`: on all addresses, those of the nodes. */
export function listenerAddresses(address: string, view: View): string[] {
  return EVERY_ADDRESS.includes(address) ? nodeAddresses(view.list(nodes)) : [address];
}

/** The addresses by which nodes are reached. */
export function nodeAddresses(all: readonly Node[]): string[] {
  const addresses = all.flatMap(({ status }) => status.addresses ?? [])
    .filter(({ type }) => type === "InternalIP").map(({ address: ip }) => ip);
  return [...new Set(addresses)].slice(0, ADDRESSES_MAX);
}

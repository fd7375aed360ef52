import {
  type Ipv4Range,
  parseIpv4,
  parseIpv4Range,
  sizeOfRange,
} from "../../lib/addresses/ipv4.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  update,
} from "../runtime/controller.ts";

/** What nodes without a range of their own get theirs from: Kubernetes' `--cluster-cidr`, in blocks of /24. */
const CLUSTER_RANGE_PREFIX = "10.42";
const RANGES_MAX = 256;
const BLOCK_ADDRESSES = 256;
const FIRST_ADDRESS = parseIpv4(`${CLUSTER_RANGE_PREFIX}.0.0`)!;

export interface NodeRangeOptions {
  /** Ranges of nodes that may not be registered yet, such as the server's own. */
  reserved: readonly string[];
}

/**
 * Gives each node the range that its pods get their addresses from, unless it has one.
 *
 * One worker, which sees its own writes before it goes on: two nodes that join at once get two ranges. A node for which
 * none is left gets an event, and is looked at again when another one goes.
 *
 * Kubernetes: `pkg/controller/nodeipam/ipam/range_allocator.go`.
 */
export function nodeRangeController({ reserved }: NodeRangeOptions): Controller<Node> {
  return {
    name: "cidrAllocator",
    resource: nodes,
    watches: [{
      resource: nodes,
      concerns: (changed, view) =>
        view.get(nodes, changed.metadata) === undefined
          ? view.list(nodes).filter(needsRange).map(({ metadata: { name } }) => ({ name }))
          : [],
    }],
    workers: 1,
    reconcile(node, view): Plan {
      if (!needsRange(node)) return NOTHING;
      const others = view.list(nodes).flatMap(({ spec: { podCIDR } }) => podCIDR ?? []);
      const podCIDR = freeRange([...reserved, ...others]);
      if (podCIDR === undefined) return plan([notAvailable(node)]);
      return plan([
        update(nodes, { ...node, spec: { ...node.spec, podCIDR, podCIDRs: [podCIDR] } }),
      ]);
    },
  };
}

function needsRange({ metadata, spec }: Node): boolean {
  return spec.podCIDR === undefined && metadata.deletionTimestamp === undefined;
}

/** The first range that overlaps none of those taken. There may be ten thousand nodes: each is looked at once. */
function freeRange(taken: readonly string[]): string | undefined {
  const isTaken = new Uint8Array(RANGES_MAX);
  for (const text of taken) {
    const range = parseIpv4Range(text);
    if (range) markTaken(isTaken, range);
  }
  const number = isTaken.indexOf(0);
  return number < 0 ? undefined : `${CLUSTER_RANGE_PREFIX}.${number}.0/24`;
}

function markTaken(isTaken: Uint8Array, range: Ipv4Range): void {
  const from = blockOf(range.first), to = blockOf(range.first + sizeOfRange(range) - 1);
  if (to >= 0 && from < RANGES_MAX) isTaken.fill(1, Math.max(0, from), to + 1);
}

/** Which block of /24 an address is in, counted from the first; negative or too large: none of ours. */
function blockOf(address: number): number {
  return Math.floor((address - FIRST_ADDRESS) / BLOCK_ADDRESSES);
}

function notAvailable(node: Node) {
  return recordEvent({
    about: node,
    type: "Normal",
    reason: "CIDRNotAvailable",
    message: `Node ${node.metadata.name} status is now: CIDRNotAvailable`,
  });
}

import {
  formatIpv4Range,
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

/** What nodes without a range of their own get theirs from: blocks of one size, one after another. */
export interface NodeBlocks {
  /** The first address, as a number. */
  readonly first: number;
  readonly count: number;
  /** Of each block. */
  readonly prefixLength: number;
}

export const NODE_MASK_SIZE = 24;

/** From 10.42.0.0 up to the usual addresses of Services, which begin with 10.96. */
const USUAL = { first: parseIpv4("10.42.0.0")!, last: parseIpv4("10.95.255.255")! };

/** Blocks of the range of a cluster; absent: of the usual one, which is 10.42.0.0/16 and more, if that is not enough. */
export function nodeBlocks(cluster?: Ipv4Range, prefixLength = NODE_MASK_SIZE): NodeBlocks {
  const first = cluster?.first ?? USUAL.first;
  const addresses = cluster ? sizeOfRange(cluster) : USUAL.last - USUAL.first + 1;
  return { first, count: addresses / sizeOfRange({ first, prefixLength }), prefixLength };
}

/** A block in CIDR notation. */
export function blockAt({ first, prefixLength }: NodeBlocks, number: number): string {
  const size = sizeOfRange({ first, prefixLength });
  return formatIpv4Range({ first: first + number * size, prefixLength });
}

export interface NodeRangeOptions {
  /** Ranges of which nothing is given: of nodes that may not be registered yet, such as the server's own, and of Services. */
  reserved: readonly string[];
  blocks?: NodeBlocks;
}

/**
 * Gives each node the range that its pods get their addresses from, unless it has one.
 *
 * One worker, which sees its own writes before it goes on: two nodes that join at once get two ranges. A node for which
 * none is left gets an event, and is looked at again when another one goes.
 *
 * Kubernetes: `pkg/controller/nodeipam/ipam/range_allocator.go`.
 */
export function nodeRangeController(
  { reserved, blocks = nodeBlocks() }: NodeRangeOptions,
): Controller<Node> {
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
      const others = view.list(nodes).map(rangeOf);
      const podCIDR = freeBlock(blocks, [...reserved.map(parseIpv4Range), ...others]);
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

/** All nodes are looked at for each that joins, so each is read once; `undefined`: it has no range yet. */
const ranges = new WeakMap<Node, Ipv4Range | undefined>();

function rangeOf(node: Node): Ipv4Range | undefined {
  if (ranges.has(node)) return ranges.get(node);
  const { podCIDR } = node.spec;
  const range = podCIDR === undefined ? undefined : parseIpv4Range(podCIDR);
  ranges.set(node, range);
  return range;
}

/** The first block that overlaps none of the ranges taken. There may be ten thousand nodes: each is looked at once. */
function freeBlock(
  blocks: NodeBlocks,
  taken: readonly (Ipv4Range | undefined)[],
): string | undefined {
  const isTaken = new Uint8Array(blocks.count);
  for (const range of taken) {
    if (range) markTaken(isTaken, blocks, range);
  }
  const number = isTaken.indexOf(0);
  return number < 0 ? undefined : blockAt(blocks, number);
}

function markTaken(isTaken: Uint8Array, { first, prefixLength }: NodeBlocks, range: Ipv4Range) {
  const size = sizeOfRange({ first, prefixLength });
  const blockOf = (address: number) => Math.floor((address - first) / size);
  const from = blockOf(range.first), to = blockOf(range.first + sizeOfRange(range) - 1);
  if (to >= 0 && from < isTaken.length) isTaken.fill(1, Math.max(0, from), to + 1);
}

function notAvailable(node: Node) {
  return recordEvent({
    about: node,
    type: "Normal",
    reason: "CIDRNotAvailable",
    message: `Node ${node.metadata.name} status is now: CIDRNotAvailable`,
  });
}

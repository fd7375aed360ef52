import { overlap, parseIpv4Range } from "../../lib/addresses/ipv4.ts";
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

/** The first range that overlaps none of those taken. */
function freeRange(taken: readonly string[]): string | undefined {
  const ranges = taken.flatMap((text) => parseIpv4Range(text) ?? []);
  for (let number = 0; number < RANGES_MAX; number++) {
    const text = `${CLUSTER_RANGE_PREFIX}.${number}.0/24`;
    const range = parseIpv4Range(text)!;
    if (!ranges.some((other) => overlap(range, other))) return text;
  }
  return undefined;
}

function notAvailable(node: Node) {
  return recordEvent({
    about: node,
    type: "Normal",
    reason: "CIDRNotAvailable",
    message: `Node ${node.metadata.name} status is now: CIDRNotAvailable`,
  });
}

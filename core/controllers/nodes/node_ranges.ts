import { overlap, parseIpv4Range } from "../../lib/addresses/ipv4.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Controller, NOTHING, type Plan, plan, tell, update } from "../runtime/controller.ts";

/** Where nodes that bring no range of their own get theirs from: `--cluster-cidr` of Kubernetes, in blocks of /24. */
const CLUSTER_RANGE_PREFIX = "10.42";
const RANGES_MAX = 256;

export interface NodeRangeOptions {
  /** Ranges that are taken by what may not be seen yet, e.g. by the server's own node. */
  reserved: readonly string[];
}

/**
 * Gives each node the range that its pods get their addresses from, unless it brings one.
 *
 * One worker, and a look only begins when the writes of the one before are seen: two nodes that join at once get two
 * ranges. A node for which nothing is left is told of by an event, and looked at again when another one goes.
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

/** The first range that has no address in common with those taken. */
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
  return tell({
    ...{ about: node, type: "Normal", reason: "CIDRNotAvailable" },
    message: `Node ${node.metadata.name} status is now: CIDRNotAvailable`,
  });
}

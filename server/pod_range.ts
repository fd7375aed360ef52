import {
  blockAt,
  NODE_MASK_SIZE,
  type NodeBlocks,
  nodeBlocks,
} from "../core/controllers/nodes/node_ranges.ts";
import { isRefusal } from "../core/client/api_error.ts";
import type { Client, View } from "../core/client/client.ts";
import type { Clock } from "../core/lib/clock.ts";
import { overlap, parseIpv4Range } from "../core/lib/addresses/ipv4.ts";
import type { Log } from "../core/lib/log.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { CommandError } from "./command_error.ts";
import type { NodeRangeFlags } from "./options.ts";

/** Servers assign ranges at once. After this long, the server probably has none left, or cannot write. */
const WARN_AFTER_MS = 10_000;

export interface PodRangeOptions {
  client: Pick<Client, "create">;
  view: View;
  nodeName: string;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/**
 * The range of pod addresses that the server has assigned to a node. Registers the node if it is not known yet: only
 * the server can say which range is free, because other nodes may join at the same moment. Waits until there is a
 * range, or the signal aborts.
 */
export async function assignedRange(options: PodRangeOptions): Promise<string> {
  const { client, view, nodeName, clock, log, signal } = options;
  const range = () => view.get(nodes, { name: nodeName })?.spec.podCIDR;
  const assigned = Promise.withResolvers<void>();
  const stop = view.subscribe(nodes, () => range() !== undefined && assigned.resolve());
  const aborted = () => assigned.reject(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  const cancel = clock.after(WARN_AFTER_MS, () => {
    log.warn(
      "The server has not assigned a range of pod addresses yet; choose one with --pod-cidr",
    );
  });
  try {
    if (range() !== undefined) return range()!;
    if (view.get(nodes, { name: nodeName }) === undefined) await register(client, nodeName);
    await assigned.promise;
    return range()!;
  } finally {
    cancel();
    stop();
    signal.removeEventListener("abort", aborted);
  }
}

/** Throws a {@linkcode CommandError} when another node has addresses of the range that this one was told to use. */
export function checkRange(view: View, nodeName: string, podCidr: string): void {
  const range = parseIpv4Range(podCidr);
  const other = range && view.list(nodes).find(({ metadata, spec }) => {
    const theirs = parseIpv4Range(spec.podCIDR ?? "");
    return metadata.name !== nodeName && theirs !== undefined && overlap(range, theirs);
  });
  if (other === undefined) return;
  throw new CommandError(
    `Cannot use the addresses ${podCidr} for pods: node "${other.metadata.name}" has ${other.spec.podCIDR}; leave out --pod-cidr to have a free range assigned`,
  );
}

async function register(client: Pick<Client, "create">, name: string): Promise<void> {
  try {
    await client.create(nodes, { metadata: { name } });
  } catch (error) {
    if (!isRefusal(error, "AlreadyExists")) throw error; // registered a moment ago, by a predecessor or the first attempt
  }
}

/**
 * Of what nodes get their ranges. Throws a {@linkcode CommandError} for flags that contradict each other, in the words of
 * Kubernetes' controller manager (`setNodeCIDRMaskSizes`, `NewNodeIpamController`).
 */
export function nodeBlocksOf(
  { clusterCidr, nodeCidrMaskSize, nodeCidrMaskSizeIpv4, nodeCidrMaskSizeIpv6 }: NodeRangeFlags,
): NodeBlocks {
  const ofFamily = nodeCidrMaskSizeIpv4 ?? nodeCidrMaskSizeIpv6;
  if (nodeCidrMaskSize !== undefined && ofFamily !== undefined) {
    throw new CommandError(
      "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set. For dual-stack clusters please unset it and use IPFamily specific flags",
    );
  }
  if (nodeCidrMaskSizeIpv6 !== undefined) {
    throw new CommandError(
      "usage of --node-cidr-mask-size-ipv6 is not allowed for a single-stack IPv4 cluster",
    );
  }
  const size = nodeCidrMaskSize ?? nodeCidrMaskSizeIpv4 ?? NODE_MASK_SIZE;
  const cluster = clusterCidr === undefined ? undefined : parseIpv4Range(clusterCidr);
  if ((cluster?.prefixLength ?? USUAL_PREFIX_LENGTH) > size) {
    throw new CommandError(
      "Controller: Invalid --cluster-cidr, mask size of cluster CIDR must be less than or equal to --node-cidr-mask-size configured for CIDR family",
    );
  }
  return nodeBlocks(cluster, size);
}

/** Of the cluster whose nodes have what is usual. */
const USUAL_PREFIX_LENGTH = 16;

/** The range of the server's own node, which is the first, when nobody has chosen another; `undefined`: the usual. */
export function ownBlockOf(flags: NodeRangeFlags): string | undefined {
  const isUsual = flags.clusterCidr === undefined && flags.nodeCidrMaskSize === undefined &&
    flags.nodeCidrMaskSizeIpv4 === undefined;
  return isUsual ? undefined : blockAt(nodeBlocksOf(flags), 0);
}

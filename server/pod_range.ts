import { isRefusal } from "../core/client/api_error.ts";
import type { Client, View } from "../core/client/client.ts";
import type { Clock } from "../core/lib/clock.ts";
import { overlap, parseIpv4Range } from "../core/lib/addresses/ipv4.ts";
import type { Log } from "../core/lib/log.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { CommandError } from "./command_error.ts";

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

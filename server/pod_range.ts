import { isRefusal } from "../core/client/api_error.ts";
import type { Client, View } from "../core/client/client.ts";
import type { Clock } from "../core/lib/clock.ts";
import { overlap, parseIpv4Range } from "../core/lib/addresses/ipv4.ts";
import type { Log } from "../core/lib/log.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { CommandError } from "./command_error.ts";

/** A server gives a range at once: one that has not by then has none left, or cannot write. */
const PATIENCE_MS = 10_000;

export interface PodRangeOptions {
  client: Pick<Client, "create">;
  view: View;
  nodeName: string;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/**
 * The range of a node's pods that the server has given it. A node that is not known yet is registered: which range is
 * free only the server can say, for others may join at the same moment. Waits until there is one, or the signal aborts.
 */
export async function givenRange(options: PodRangeOptions): Promise<string> {
  const { client, view, nodeName, clock, log, signal } = options;
  const range = () => view.get(nodes, { name: nodeName })?.spec.podCIDR;
  const given = Promise.withResolvers<void>();
  const stop = view.subscribe(nodes, () => range() !== undefined && given.resolve());
  const aborted = () => given.reject(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  const cancel = clock.after(PATIENCE_MS, () => {
    log.warn("The server has no range of addresses for pods yet; --pod-cidr names one");
  });
  try {
    if (range() !== undefined) return range()!;
    if (view.get(nodes, { name: nodeName }) === undefined) await register(client, nodeName);
    await given.promise;
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
    `Cannot use the addresses ${podCidr} for pods: node "${other.metadata.name}" has ${other.spec.podCIDR}; leave --pod-cidr out to be given others`,
  );
}

async function register(client: Pick<Client, "create">, name: string): Promise<void> {
  try {
    await client.create(nodes, { metadata: { name } });
  } catch (error) {
    if (!isRefusal(error, "AlreadyExists")) throw error; // it was registered a moment ago
  }
}

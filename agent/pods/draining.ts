import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import type { NodeContext } from "./node_context.ts";

/**
 * How long proxies that this process cannot watch, such as those of other nodes, get to send a pod no more requests and to
 * receive the answers to those they have sent; never more than half of its grace period.
 */
const REMOTE_DRAIN_MS = 2_000;

/** Resolves when no proxy has a request for the pod any more. Rejects when the signal aborts. */
export async function untilDrained(
  context: NodeContext,
  podUid: string,
  signal: AbortSignal,
): Promise<void> {
  const isWatched = context.untilDrained !== undefined && context.view.list(nodes).length <= 1;
  // First the other proxies stop: until then requests may come, also again when every other pod has failed.
  if (!isWatched) await context.clock.sleep(REMOTE_DRAIN_MS, signal);
  await context.untilDrained?.(podUid, signal);
}

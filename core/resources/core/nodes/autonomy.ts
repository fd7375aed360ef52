import { DurationError, durationMsOf } from "../../../schema/durations.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import { conditionOf } from "../../conditions.ts";
import type { KubeObject } from "../../resource.ts";
import type { NodeStatus } from "./node_status.ts";

/** How long the pods of a node are left to it while it cannot be reached: a duration such as `72h`, or `forever`. */
export const AUTONOMY = "coracle.dev/autonomy";
/** Reason of the condition Ready of a node that cannot be reached and is left alone. */
export const OFFLINE = "Offline";

const FOREVER = "forever";

/** Milliseconds that the node is left alone; 0 when it says nothing, or nothing that can be understood. */
export function autonomyMsOf({ metadata: { annotations } }: KubeObject): number {
  const text = annotations?.[AUTONOMY];
  if (text === undefined) return 0;
  return durationOf(text) ?? 0;
}

/** Whether the node cannot be reached, and is left alone for now. */
export function isOffline({ status }: { status: NodeStatus }): boolean {
  const ready = conditionOf(status.conditions, "Ready");
  return ready?.status === "Unknown" && ready.reason === OFFLINE;
}

/** What is wrong with the annotation when it is set: a mistake in it would have pods evicted that are to stay. */
export function autonomyCauses(next: KubeObject, previous: KubeObject | undefined): Cause[] {
  const text = next.metadata.annotations?.[AUTONOMY];
  const isKept = previous !== undefined && previous.metadata.annotations?.[AUTONOMY] === text;
  if (text === undefined || isKept || durationOf(text) !== undefined) return [];
  const rule = 'must be a duration such as "72h", or "forever"';
  return [invalid(`metadata.annotations[${AUTONOMY}]`, text, rule)];
}

function durationOf(text: string): number | undefined {
  if (text === FOREVER) return Infinity;
  try {
    const ms = durationMsOf(text);
    return ms >= 0 ? ms : undefined;
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

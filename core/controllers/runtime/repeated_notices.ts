import type { ObjectName } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { keyOf, type Past, type PlanWithMemory, recordEvent, type Write } from "./controller.ts";

/** How often something that goes on is said again: events do not last. */
const SAY_AGAIN_MS = 30 * 60_000;

/** What was last said about an object, and when. */
export interface Said {
  text: string;
  elapsedMs: number;
}

/** Why an object waits: said once, again when it has become something else, and else seldom. */
export function planWithNotices(
  { metadata }: KubeObject,
  { writes, notices }: { writes: readonly Write[]; notices: readonly Notice[] },
  { memory, elapsedMs }: Past<Said>,
): PlanWithMemory<Said> {
  const key = keyOf(metadata);
  const said = memory.get(key);
  if (notices.length === 0) return { writes, ...(said && { remember: [[key, undefined]] }) };
  const words = notices.map(({ reason, message }) => `${reason}: ${message}`);
  const text = [metadata.uid, ...words].join("\n");
  const dueMs = said?.text === text ? said.elapsedMs + SAY_AGAIN_MS : elapsedMs;
  if (dueMs > elapsedMs) return { writes, againAfterMs: dueMs - elapsedMs };
  return {
    writes: [...notices.map(recordEvent), ...writes],
    againAfterMs: SAY_AGAIN_MS,
    remember: [[key, { text, elapsedMs }]],
  };
}

/** For an object that has gone: nothing is remembered of it. */
export function forget(name: ObjectName): PlanWithMemory<Said> {
  return { writes: [], remember: [[keyOf(name), undefined]] };
}

import { waitMsAfter } from "../../lib/backoff.ts";
import { DialError } from "./dial_error.ts";

/** Until the server has said how its agents should be spread. */
const SPREAD_MS = 1_000;
/** Longer is no server believed. */
const SPREAD_MS_MAX = 10 * 60_000;
/** How often it is tried at the pace of the spread before the waits grow: a restart of the server takes seconds. */
const QUICK_FAILURES = 10;
const SLOWEST_MS = 30_000;
/** How often a server without tunnels is asked again: it may have been updated. */
const UNSUPPORTED_MS = 10 * 60_000;

/** Somebody else has the identity of this node: two that take each other's place must not do so all the time. */
const DISPLACED_MS = 60_000;
export const DISPLACED = "a newer connection of the node takes its place";

/** When the next dial is due. */
export interface Return {
  /** Dials in a row without a tunnel. */
  failures: number;
  /** Over how long the server wants its agents to be spread. */
  spreadMs: number;
  /** The wait is a random part of this (full jitter), so that agents that were lost at once do not come back at once. */
  delayMs: number;
}

export const INITIAL_RETURN: Return = { failures: 0, spreadMs: 0, delayMs: 0 };

/** What follows when a tunnel has ended with a reason, or a dial has failed. */
export function returnAfter({ failures, spreadMs }: Return, lost: string | DialError): Return {
  const spread = Math.min(SPREAD_MS_MAX, Math.max(SPREAD_MS, spreadMs));
  if (typeof lost === "string") {
    if (lost.endsWith(DISPLACED)) return { failures: 0, spreadMs, delayMs: DISPLACED_MS };
    const wished = Number(/retry within (\d+) s$/.exec(lost)?.[1] ?? 0) * 1000;
    const next = Math.min(SPREAD_MS_MAX, Math.max(spread, wished));
    return { failures: 0, spreadMs: next, delayMs: next };
  }
  if (lost.kind === "unsupported") return { failures: 0, spreadMs, delayMs: UNSUPPORTED_MS };
  const slower = { firstMs: spread, maxMs: Math.max(SLOWEST_MS, spread), factor: 2 };
  const waitMs = waitMsAfter(Math.max(1, failures + 1 - QUICK_FAILURES), slower);
  const delayMs = Math.min(SPREAD_MS_MAX, Math.max(waitMs, lost.afterMs ?? 0));
  return { failures: failures + 1, spreadMs, delayMs };
}

import {
  CLOSE_MS,
  HANDSHAKE_MS,
  HEAD_MS,
  KEEP_ALIVE_MS,
  REQUEST_MS,
  STALL_MS,
  UNREAD_BYTES_MAX,
  UNWANTED_BYTES_MAX,
} from "./limits.ts";

/**
 * What a connection does. `head`: it has not asked for anything yet. `idle`: all that it asked for is answered.
 * `closing`: it has been given its last answer.
 */
export type Phase = "handshake" | "head" | "request" | "idle" | "closing";

/** What was seen of a connection when it was last looked at. */
export interface Sighting {
  phase: Phase;
  phaseSinceMs: number;
  /** Bytes that came in since nobody reads any more; 0 while somebody does. */
  unreadBytes: number;
  /** Since when a later head is under way. */
  headSinceMs?: number | undefined;
  /** Since when the oldest body under way is. */
  bodySinceMs?: number | undefined;
  /** Since when the rest of a body comes in whose request has been answered. */
  unwantedSinceMs?: number | undefined;
  /** Bytes of that rest so far. */
  unwantedBytes?: number;
  /** Since when bytes wait that the peer does not take. */
  stalledSinceMs?: number | undefined;
}

/** Why a connection has to be closed at this moment; `undefined`: it need not. Every phase has its deadline. */
export function faultOf(
  seen: Sighting,
  nowMs: number,
  handshakeMs = HANDSHAKE_MS,
): string | undefined {
  if (seen.unreadBytes > UNREAD_BYTES_MAX) return "sent more than anybody reads";
  if (nowMs - (seen.headSinceMs ?? nowMs) > HEAD_MS) return "a head took too long";
  if (nowMs - (seen.bodySinceMs ?? nowMs) > REQUEST_MS) return "a body took too long";
  if (nowMs - (seen.unwantedSinceMs ?? nowMs) > CLOSE_MS) return "a body went on after the answer";
  if ((seen.unwantedBytes ?? 0) > UNWANTED_BYTES_MAX) return "a body went on after the answer";
  if (nowMs - (seen.stalledSinceMs ?? nowMs) > STALL_MS) return "an answer was not read";
  const phaseMs = nowMs - seen.phaseSinceMs;
  switch (seen.phase) {
    case "handshake":
      return phaseMs > handshakeMs ? "the handshake took too long" : undefined;
    case "head":
      return phaseMs > HEAD_MS ? "nothing was asked" : undefined;
    case "idle":
      return phaseMs > KEEP_ALIVE_MS ? "idle for too long" : undefined;
    case "closing":
      return phaseMs > CLOSE_MS ? "did not close" : undefined;
    case "request":
      return undefined; // a watch lasts as long as it is read
  }
}

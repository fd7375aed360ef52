import {
  CLOSE_MS,
  DISCARDED_BYTES_MAX,
  HANDSHAKE_MS,
  HEAD_MS,
  KEEP_ALIVE_MS,
  REQUEST_MS,
  STALL_MS,
  UNREAD_BYTES_MAX,
} from "./limits.ts";

/**
 * The phase of a connection. `head`: waiting for the first request. `idle`: all requests are answered. `closing`: the last
 * answer has been sent. `stream`: upgraded to another protocol, which bounds what waits by itself.
 */
export type Phase = "handshake" | "head" | "request" | "stream" | "idle" | "closing";

/** What the last check saw of a connection. */
export interface ConnectionState {
  phase: Phase;
  phaseSinceMs: number;
  /** Bytes received since the server stopped reading; 0 while it reads. */
  unreadBytes: number;
  /** When the head of a later request began. */
  headSinceMs?: number | undefined;
  /** When the oldest unfinished request began. */
  bodySinceMs?: number | undefined;
  /** When the oldest request was answered whose body has not ended. */
  discardingSinceMs?: number | undefined;
  /** Bytes of bodies received after their answers. */
  discardedBytes?: number;
  /** Since when the peer has read nothing of what is waiting for it. */
  stalledSinceMs?: number | undefined;
}

/** Why a connection must be closed now; `undefined`: it need not be. Every phase has a deadline. */
export function reasonToClose(
  seen: ConnectionState,
  nowMs: number,
  handshakeMs = HANDSHAKE_MS,
): string | undefined {
  if (seen.unreadBytes > UNREAD_BYTES_MAX) return "sent more than anybody reads";
  if (nowMs - (seen.headSinceMs ?? nowMs) > HEAD_MS) return "a head took too long";
  if (nowMs - (seen.bodySinceMs ?? nowMs) > REQUEST_MS) return "a body took too long";
  if (nowMs - (seen.discardingSinceMs ?? nowMs) > CLOSE_MS) {
    return "a body went on after the answer";
  }
  if ((seen.discardedBytes ?? 0) > DISCARDED_BYTES_MAX) return "a body went on after the answer";
  if (seen.phase === "stream") return undefined;
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

import assert from "node:assert/strict";
import { type ConnectionState, type Phase, reasonToClose } from "./deadlines.ts";
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

const NOW = 1_000_000;

function faultAfter(
  phase: Phase,
  ms: number,
  more: Partial<ConnectionState> = {},
): string | undefined {
  return reasonToClose({ phase, phaseSinceMs: NOW - ms, unreadBytes: 0, ...more }, NOW);
}

Deno.test("every phase of a connection has a deadline, but for an answer that is being read", () => {
  const deadlines: readonly [Phase, number, string][] = [
    ["handshake", HANDSHAKE_MS, "the handshake took too long"],
    ["head", HEAD_MS, "nothing was asked"],
    ["idle", KEEP_ALIVE_MS, "idle for too long"],
    ["closing", CLOSE_MS, "did not close"],
  ];
  for (const [phase, ms, fault] of deadlines) {
    assert.deepEqual([faultAfter(phase, ms), faultAfter(phase, ms + 1)], [undefined, fault]);
  }
  assert.equal(faultAfter("request", 86_400_000), undefined);
});

Deno.test("within a phase, what the peer sends and does not read has deadlines and limits of its own", () => {
  const faults: readonly [Partial<ConnectionState>, string | undefined][] = [
    [{ headSinceMs: NOW - HEAD_MS }, undefined],
    [{ headSinceMs: NOW - HEAD_MS - 1 }, "a head took too long"],
    [{ bodySinceMs: NOW - REQUEST_MS }, undefined],
    [{ bodySinceMs: NOW - REQUEST_MS - 1 }, "a body took too long"],
    [{ discardingSinceMs: NOW - CLOSE_MS }, undefined],
    [{ discardingSinceMs: NOW - CLOSE_MS - 1 }, "a body went on after the answer"],
    [{ discardedBytes: DISCARDED_BYTES_MAX }, undefined],
    [{ discardedBytes: DISCARDED_BYTES_MAX + 1 }, "a body went on after the answer"],
    [{ stalledSinceMs: NOW - STALL_MS }, undefined],
    [{ stalledSinceMs: NOW - STALL_MS - 1 }, "an answer was not read"],
    [{ unreadBytes: UNREAD_BYTES_MAX }, undefined],
    [{ unreadBytes: UNREAD_BYTES_MAX + 1 }, "sent more than anybody reads"],
  ];
  for (const [seen, fault] of faults) assert.equal(faultAfter("request", 0, seen), fault);
});

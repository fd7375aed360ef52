import assert from "node:assert/strict";
import type { Exchange } from "./connection.ts";
import { answerIfLate } from "./late_answer.ts";
import { REQUEST_MS } from "./limits.ts";

/** What is answered after that long to a request. */
function answerAfter(ms: number, { headersSent = false, complete = true } = {}): unknown {
  const sent: unknown[] = [];
  const outgoing = {
    headersSent,
    writeHead: (code: number) => sent.push(code),
    end: (text: string) => sent.push(JSON.parse(text).message),
  };
  answerIfLate({ incoming: { complete }, outgoing, sinceMs: 1 } as unknown as Exchange, 1 + ms);
  return sent;
}

Deno.test("a request that is not answered in time gets 504, once", () => {
  const late = [504, "Timeout: request did not complete within the allotted timeout"];
  assert.deepEqual(answerAfter(REQUEST_MS), []);
  assert.deepEqual(answerAfter(REQUEST_MS + 1), late);
  assert.deepEqual(answerAfter(REQUEST_MS + 1, { headersSent: true }), [], "a watch goes on");
  assert.deepEqual(
    answerAfter(REQUEST_MS + 1, { complete: false }),
    [],
    "its connection is closed",
  );
});

import assert from "node:assert/strict";
import { DialError } from "./dial_error.ts";
import { INITIAL_RETURN, type Return, returnAfter } from "./return_pace.ts";

const failed = new DialError("connection refused");

Deno.test("agents that are lost at once come back spread over what the server wishes for", () => {
  assert.equal(returnAfter(INITIAL_RETURN, "the connection was closed").delayMs, 1_000);
  assert.equal(returnAfter({ ...INITIAL_RETURN, spreadMs: 20_000 }, "cut").delayMs, 20_000);
  const told = returnAfter(INITIAL_RETURN, "the server stops; retry within 20 s");
  assert.deepEqual(told, { failures: 0, spreadMs: 20_000, delayMs: 20_000 });
  assert.equal(returnAfter(INITIAL_RETURN, "retry within 999999999 s").delayMs, 600_000);
});

Deno.test("a server that is away is dialled at the pace of the spread for a while, then ever more slowly", () => {
  let next: Return = INITIAL_RETURN;
  const delays = Array.from({ length: 18 }, () => {
    next = returnAfter(next, failed);
    return next.delayMs / 1000;
  });
  assert.deepEqual(delays, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 30, 30, 30]);
});

Deno.test("a refusal with a time is heeded, one of a server without tunnels asks again much later", () => {
  assert.equal(returnAfter(INITIAL_RETURN, new DialError("full", "later", 45_000)).delayMs, 45_000);
  assert.equal(returnAfter(INITIAL_RETURN, new DialError("404", "unsupported")).delayMs, 600_000);
});

Deno.test("whoever was displaced by another agent of the same node does not displace it at once", () => {
  const reason =
    "the other end has closed the tunnel: a newer connection of the node takes its place";
  assert.equal(returnAfter(INITIAL_RETURN, reason).delayMs, 60_000);
});

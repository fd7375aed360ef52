import assert from "node:assert/strict";
import { leastBusy } from "./least_busy.ts";

const NOW_MS = 1_000;
const A = endpoint("a"), B = endpoint("b"), C = endpoint("c");

function endpoint(name: string, more: object = {}) {
  return { name, inFlight: 0, state: "active" as const, suspectUntilMs: 0, ...more };
}

const CASES: [what: string, expected: string | undefined, ...of: Parameters<typeof chosen>][] = [
  ["nobody is there", undefined, [], 0],
  ["among equals it is the turn that decides", "b", [A, B, C], 1],
  ["turns go round", "a", [A, B, C], 3],
  ["the least busy one, whose turn it is not", "c", [
    endpoint("a", { inFlight: 2 }),
    endpoint("b", { inFlight: 3 }),
    endpoint("c", { inFlight: 1 }),
  ], 0],
  [
    "of two that are equally busy the first in turn",
    "b",
    [endpoint("a", { inFlight: 1 }), B, C],
    0,
  ],
  ["who is draining gets nothing", "b", [
    endpoint("a", { state: "draining" }),
    endpoint("b", { inFlight: 9 }),
  ], 0],
  ["nor does who has just failed", "b", [A, endpoint("b", { inFlight: 9 })], 0, A],
  ["also when there is no other", undefined, [A], 0, A],
  ["a suspect only when there is no other", "b", [
    endpoint("a", { suspectUntilMs: NOW_MS + 1 }),
    endpoint("b", { inFlight: 9 }),
  ], 0],
  ["there is none", "a", [endpoint("a", { suspectUntilMs: NOW_MS + 1 })], 0],
  ["until its time is over", "a", [
    endpoint("a", { suspectUntilMs: NOW_MS }),
    endpoint("b", { inFlight: 9 }),
  ], 0],
  ["the least busy suspect", "b", [
    endpoint("a", { inFlight: 1, suspectUntilMs: NOW_MS + 1 }),
    endpoint("b", { suspectUntilMs: NOW_MS + 1 }),
  ], 0],
];

function chosen(
  endpoints: readonly ReturnType<typeof endpoint>[],
  turn: number,
  except?: ReturnType<typeof endpoint>,
) {
  return leastBusy(endpoints, turn, NOW_MS, except)?.name;
}

for (const [what, expected, ...of] of CASES) {
  Deno.test(`whose turn a request is: ${what}`, () => assert.equal(chosen(...of), expected));
}

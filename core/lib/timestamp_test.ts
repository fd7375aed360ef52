import assert from "node:assert/strict";
import { msOf, timestamp } from "./timestamp.ts";

for (
  const [ms, text] of [
    [0, "1970-01-01T00:00:00Z"],
    [-1, "1970-01-01T00:00:00Z"],
    [1_999, "1970-01-01T00:00:01Z"],
    [Date.UTC(9999, 11, 31, 23, 59, 59), "9999-12-31T23:59:59Z"],
    [Date.UTC(10_000, 0, 1), "9999-12-31T23:59:59Z"],
    [Infinity, "9999-12-31T23:59:59Z"],
  ] as const
) {
  Deno.test(`${ms} ms is written as ${text}`, () => assert.equal(timestamp(ms), text));
}

for (
  const [text, ms] of [
    ["1970-01-01T00:00:01Z", 1_000],
    ["1970-01-01T00:00:01.5Z", 1_500],
    ["1970-01-01T01:00:00+01:00", 0],
    ["yesterday", 0],
    ["", 0],
    [undefined, 0],
  ] as const
) {
  Deno.test(`${text} is read as ${ms} ms`, () => assert.equal(msOf(text), ms));
}

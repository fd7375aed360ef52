import assert from "node:assert/strict";
import { humanDuration } from "./human_duration.ts";

const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H, Y = 365 * D;

/** The table of apimachinery `util/duration/duration_test.go`. */
const TABLE: readonly (readonly [number, string])[] = [
  [-2 * S, "<invalid>"],
  [-2 * S + 1, "0s"],
  [0, "0s"],
  [S - 1, "0s"],
  [2 * M - 1, "119s"],
  [2 * M, "2m"],
  [2 * M + S, "2m1s"],
  [10 * M - S, "9m59s"],
  [10 * M, "10m"],
  [10 * M + S, "10m"],
  [3 * H - 1, "179m"],
  [3 * H, "3h"],
  [3 * H + M, "3h1m"],
  [8 * H - 1, "7h59m"],
  [8 * H, "8h"],
  [2 * D - 1, "47h"],
  [2 * D, "2d"],
  [2 * D + H, "2d1h"],
  [8 * D - 1, "7d23h"],
  [8 * D, "8d"],
  [2 * Y - 1, "729d"],
  [2 * Y, "2y"],
  [2 * Y + D, "2y1d"],
  [8 * Y - 1, "7y364d"],
  [8 * Y, "8y"],
  [8 * Y + 364 * D, "8y"],
  [9 * Y, "9y"],
];

Deno.test("humanDuration writes an age as kubectl does", () => {
  assert.deepEqual(TABLE.map(([spanMs]) => humanDuration(spanMs)), TABLE.map(([, text]) => text));
});

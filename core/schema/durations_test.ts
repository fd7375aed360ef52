import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ageOf,
  durationFault,
  durationMsOf,
  formatDuration,
  gatewayDurationMsOf,
  humanDuration,
} from "./durations.ts";

const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H, Y = 365 * D;

Deno.test("lengths of time are read and written as Go does", () => {
  const rows: [text: string, ms: number, formatted: string][] = [
    ["0", 0, "0s"],
    ["-0s", 0, "0s"],
    ["1ns".repeat(20_000), 0.02, "20µs"],
    ["10s", 10 * S, "10s"],
    ["1h30m", 90 * M, "1h30m0s"],
    ["1.5h", 90 * M, "1h30m0s"],
    ["-1m", -M, "-1m0s"],
    ["100ms", 100, "100ms"],
    ["1500ms", 1500, "1.5s"],
    ["2.03s", 2030, "2.03s"],
    [".5s", 500, "500ms"],
    ["2us", 0.002, "2µs"],
    ["2µs", 0.002, "2µs"],
    ["3ns", 0.000003, "3ns"],
    ["26h0.5s", 26 * H + 500, "26h0m0.5s"],
  ];
  for (const [text, ms, formatted] of rows) {
    assert.equal(durationMsOf(text), ms, text.slice(0, 20));
    assert.equal(formatDuration(ms), formatted, text.slice(0, 20));
  }
});

Deno.test("what is not a duration is refused in Go's words", () => {
  assert.equal(durationFault(""), 'time: invalid duration ""');
  assert.equal(durationFault("abc"), 'time: invalid duration "abc"');
  assert.equal(durationFault("10"), 'time: missing unit in duration "10"');
  assert.equal(durationFault("10x"), 'time: unknown unit "x" in duration "10x"');
  assert.equal(
    durationFault("10toString"),
    'time: unknown unit "toString" in duration "10toString"',
  );
  assert.equal(durationFault("3000000h"), 'time: invalid duration "3000000h"');
});

Deno.test("durations of the Gateway API have no signs, no fractions and at most four parts", () => {
  assert.equal(gatewayDurationMsOf("1h2m3s4ms"), H + 2 * M + 3 * S + 4);
  for (const text of ["", "0", "1.5s", "-1s", "100000s", "1h1m1s1ms1s", "1d"]) {
    assert.throws(() => gatewayDurationMsOf(text), /invalid duration/, text);
  }
});

Deno.test("people read lengths of time in two or three figures, as kubectl prints them", () => {
  const rows: [ms: number, text: string][] = [
    [-10 * S, "<invalid>"],
    [-2 * S, "<invalid>"],
    [-2 * S + 1, "0s"],
    [-1 * S, "0s"],
    [0, "0s"],
    [5 * S, "5s"],
    [119 * S, "119s"],
    [120 * S, "2m"],
    [200 * S, "3m20s"],
    [10 * M - S, "9m59s"],
    [10 * M + 5 * S, "10m"],
    [179 * M, "179m"],
    [3 * H, "3h"],
    [3 * H + 5 * M, "3h5m"],
    [9 * H + 5 * M, "9h"],
    [47 * H, "47h"],
    [2 * D, "2d"],
    [3 * D + 4 * H, "3d4h"],
    [9 * D + 4 * H, "9d"],
    [8 * H - 1, "7h59m"],
    [8 * D - 1, "7d23h"],
    [729 * D, "729d"],
    [2 * Y + 10 * D, "2y10d"],
    [8 * Y - 1, "7y364d"],
    [9 * Y + 10 * D, "9y"],
  ];
  for (const [ms, text] of rows) assert.equal(humanDuration(ms), text);
  assert.equal(humanDuration(NaN), "<invalid>");
});

Deno.test("an age is counted from a time, and unknown without one", () => {
  assert.equal(ageOf("2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1, 0, 0, 42)), "42s");
  assert.equal(ageOf(undefined, 0), "<unknown>");
});

Deno.test("what is written is read back", () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
    assert.equal(durationMsOf(formatDuration(ms)) + 0, ms + 0);
  }));
  fc.assert(fc.property(fc.string(), (text) => {
    const fault = durationFault(text);
    assert.equal(fault, fault === undefined ? undefined : fault.toString());
  }));
});

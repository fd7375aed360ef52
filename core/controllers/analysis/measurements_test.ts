import assert from "node:assert/strict";
import type { MetricResult } from "../../resources/argoproj/mod.ts";
import {
  emptyResult,
  nextNumber,
  outlivedMeasurements,
  textToKeep,
  withMeasurement,
} from "./measurements.ts";

function measured(...phases: string[]): MetricResult {
  return phases.reduce(
    (result, phase) => withMeasurement(result, { phase, finishedAt: "2026-01-01T00:00:00Z" }),
    emptyResult("m", false),
  );
}

Deno.test("errors in a row end with any measurement, good ones in a row with any that is not good", () => {
  const [S, F, I, E] = ["Successful", "Failed", "Inconclusive", "Error"] as const;
  const rows: [string[], errors: number, successes: number][] = [
    [[E, E], 2, 0],
    [[E, S], 0, 1],
    [[E, F], 0, 0],
    [[E, I], 0, 0],
    [[S, S], 0, 2],
    [[S, F, S], 0, 1],
    [[S, I], 0, 0],
    [[S, E], 1, 0],
    [[S, E, S, E], 1, 0],
  ];
  for (const [phases, errors, successes] of rows) {
    const result = measured(...phases);
    const { consecutiveError = 0, consecutiveSuccess = 0 } = result;
    assert(!Object.values(result).includes(0), "what is zero is not said");
    assert.deepEqual([consecutiveError, consecutiveSuccess], [errors, successes], phases.join());
    assert.equal(nextNumber(measured(...phases)), phases.length + 1);
  }
});

Deno.test("a measurement under way is not counted, and gives way to its end", () => {
  const begun = withMeasurement(measured("Failed"), { phase: "Running" });
  assert.deepEqual([begun.count, begun.measurements!.length, nextNumber(begun)], [1, 2, 2]);
  const ended = withMeasurement(begun, { phase: "Successful", finishedAt: "2026-01-01T00:00:01Z" });
  assert.deepEqual([ended.count, ended.measurements!.length, nextNumber(ended)], [2, 2, 3]);
});

Deno.test("ten measurements are kept, or what a rule says, up to a thousand", () => {
  const result = measured(...Array.from({ length: 1_005 }, () => "Successful"));
  const rows: [number | undefined, number][] = [
    [undefined, 10],
    [0, 10],
    [-1, 10],
    [1, 1],
    [1_004, 1_000],
  ];
  for (const [limit, kept] of rows) {
    assert.equal(outlivedMeasurements(result, limit).length, 1_005 - kept, String(limit));
  }
  assert.deepEqual(outlivedMeasurements(measured("Failed"), 1), []);
});

Deno.test("secrets are masked, a secret that holds another one as a whole; texts that are too long are cut off", () => {
  assert.equal(textToKeep("ab and abc, abc", ["abc", "ab", ""]), "***** and *****, *****");
  assert.equal(textToKeep("x".repeat(16_384), []).length, 16_384);
  assert.equal(textToKeep("x".repeat(16_385), []), `${"x".repeat(16_384)}...`);
});

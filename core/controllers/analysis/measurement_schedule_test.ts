import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import type { Metric, MetricResult } from "../../resources/argoproj/mod.ts";
import { nextMeasurement } from "./measurement_schedule.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const METRIC = { name: "a", initialDelay: "5m", interval: "1m" } as Metric;

function next(startedMs: number, last?: { phase: string; finishedMs: number }) {
  const result = last && {
    phase: "Running",
    measurements: [{ phase: last.phase, finishedAt: timestamp(last.finishedMs) }],
  } as MetricResult;
  const progress = { startedAt: timestamp(startedMs), nowMs: NOW, isTerminating: false };
  return nextMeasurement(METRIC, result, progress);
}

const wait = (ms: number) => ({ step: "wait", untilMs: NOW + ms });
const measure = { step: "measure" };

Deno.test("the initial delay, the interval and the pause after an error are waited for to the end", () => {
  assert.deepEqual(next(NOW), wait(300_000));
  assert.deepEqual(next(NOW - 299_000), wait(1_000));
  assert.deepEqual(next(NOW - 300_000), measure);
  const good = (finishedMs: number) => next(NOW, { phase: "Successful", finishedMs });
  assert.deepEqual(good(NOW - 59_000), wait(1_000));
  assert.deepEqual(good(NOW - 60_000), measure);
  const error = (finishedMs: number) => next(NOW, { phase: "Error", finishedMs });
  assert.deepEqual(error(NOW - 9_000), wait(1_000));
  assert.deepEqual(error(NOW - 10_000), measure);
});

Deno.test("a clock that is set back does not hold up an analysis: at most twice as long is waited", () => {
  assert.deepEqual(next(NOW + 300_000), wait(600_000), "no delay is cut short for a little");
  assert.deepEqual(next(NOW + 301_000), measure);
  assert.deepEqual(next(NOW, { phase: "Successful", finishedMs: NOW + 61_000 }), measure);
  assert.deepEqual(next(NOW, { phase: "Error", finishedMs: NOW + 10_000 }), wait(20_000));
  assert.deepEqual(next(NOW, { phase: "Error", finishedMs: NOW + 11_000 }), measure);
});

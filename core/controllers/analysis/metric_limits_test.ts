import assert from "node:assert/strict";
import type { Metric, MetricResult } from "../../resources/argoproj/mod.ts";
import { metricPhase, passedLimit } from "./metric_assessment.ts";
import { faultOfMetrics, intValueOf } from "./metric_limits.ts";
import { WEB } from "./run_fixture.ts";

function metric(more: Partial<Metric>): Metric {
  return { name: "m", provider: WEB, ...more };
}

Deno.test("a metric that cannot be measured as it says is told in Argo's words", () => {
  const rows: [Partial<Metric>, string | undefined][] = [
    [{}, undefined],
    [{ count: 1 }, undefined],
    [{ count: 2 }, "interval must be specified when count > 1"],
    [{ count: "2" }, "interval must be specified when count > 1"],
    [{ count: 2, interval: "1s" }, undefined],
    [{ count: "x" }, undefined],
    [{ interval: "1" }, 'invalid interval string: time: missing unit in duration "1"'],
    [{ interval: "1x" }, 'invalid interval string: time: unknown unit "x" in duration "1x"'],
    [{ initialDelay: "soon" }, 'invalid startDelay string: time: invalid duration "soon"'],
    [{ failureLimit: -1 }, "failureLimit and consecutiveSuccessLimit cannot both be disabled"],
    [{ failureLimit: -1, consecutiveSuccessLimit: 1 }, undefined],
    [{ failureLimit: -2 }, "failureLimit must be >= 0, or -1 to be disabled"],
    [{ consecutiveSuccessLimit: -1 }, "consecutiveSuccessLimit must be >= 0"],
    [{ inconclusiveLimit: -1 }, "inconclusiveLimit must be >= 0"],
    [{ consecutiveErrorLimit: -1 }, "consecutiveErrorLimit must be >= 0"],
    [{ consecutiveErrorLimit: 0 }, undefined],
    [{ count: 3, interval: "1s", failureLimit: 1, consecutiveSuccessLimit: 2 }, undefined],
    [
      { count: 2, interval: "1s", failureLimit: 1, consecutiveSuccessLimit: 2 },
      "count (2) must be >= failureLimit + consecutiveSuccessLimit (1 + 2) if both >= 0",
    ],
    [
      { count: 1, failureLimit: -1, consecutiveSuccessLimit: 2 },
      "count must be >= consecutiveSuccessLimit",
    ],
    [{ count: 1, failureLimit: -1, consecutiveSuccessLimit: 1 }, undefined],
    [{ count: 1, inconclusiveLimit: 2 }, "count must be >= inconclusiveLimit"],
    [{ count: 1, inconclusiveLimit: 1 }, undefined],
    [{ inconclusiveLimit: 2 }, undefined],
    [{ provider: {} }, "no provider specified"],
    [{ provider: { plugin: {} } }, "no provider specified"],
    [{ provider: { plugin: { "coracle.dev/proxy": {} } } }, undefined],
    [{ provider: { plugin: { a: {}, b: {} } } }, "multiple providers specified"],
    [{ provider: { ...WEB, prometheus: {} } }, "multiple providers specified"],
  ];
  for (const [more, fault] of rows) {
    const expected = fault && `metrics[0]: ${fault}`;
    assert.equal(faultOfMetrics([metric(more)]), expected, JSON.stringify(more));
  }
  assert.equal(faultOfMetrics([]), "no metrics specified");
  assert.equal(
    faultOfMetrics([metric({}), metric({ name: "n", provider: {} })]),
    "metrics[1]: no provider specified",
  );
});

Deno.test("a text is the number that it spells, and 0 else", () => {
  const rows: [number | string | undefined, number][] = [
    [3, 3],
    ["3", 3],
    ["-1", -1],
    ["+2", 2],
    ["", 0],
    ["3s", 0],
    ["1e3", 0],
    [undefined, 0],
  ];
  for (const [value, expected] of rows) assert.equal(intValueOf(value), expected);
});

/** Counts of a metric whose last measurement was `last`. */
function counted(last: string, counts: Partial<MetricResult>): MetricResult {
  return { name: "m", phase: "Running", measurements: [{ phase: last }], ...counts };
}

Deno.test("a limit is passed by one more than it allows", () => {
  const rows: [Partial<Metric>, Partial<MetricResult>, string | undefined][] = [
    [{}, { failed: 0 }, undefined],
    [{}, { failed: 1 }, "failed (1) > failureLimit (0)"],
    [{ failureLimit: 2 }, { failed: 2 }, undefined],
    [{ failureLimit: "2" }, { failed: 3 }, "failed (3) > failureLimit (2)"],
    [{ failureLimit: -1 }, { failed: 99 }, undefined],
    [{ inconclusiveLimit: 3 }, { inconclusive: 3 }, undefined],
    [{ inconclusiveLimit: 3 }, { inconclusive: 4 }, "inconclusive (4) > inconclusiveLimit (3)"],
    [{}, { consecutiveError: 4, error: 40 }, undefined],
    [{}, { consecutiveError: 5 }, "consecutiveErrors (5) > consecutiveErrorLimit (4)"],
    [
      { consecutiveErrorLimit: 0 },
      { consecutiveError: 1 },
      "consecutiveErrors (1) > consecutiveErrorLimit (0)",
    ],
    [{}, { failed: 1, inconclusive: 1 }, "inconclusive (1) > inconclusiveLimit (0)"],
    [
      {},
      { failed: 1, inconclusive: 1, consecutiveError: 5 },
      "consecutiveErrors (5) > consecutiveErrorLimit (4)",
    ],
  ];
  for (const [more, counts, expected] of rows) {
    const limit = passedLimit(metric(more), counted("Failed", counts));
    assert.equal(limit?.message, expected, JSON.stringify([more, counts]));
  }
});

Deno.test("a metric is complete when it was measured often enough, or was good often enough in a row", () => {
  const every = { interval: "1s" };
  const streak = { ...every, count: 5, consecutiveSuccessLimit: 3 };
  const rows: [Partial<Metric>, Partial<MetricResult>, string][] = [
    [{}, { count: 1 }, "Successful"],
    [{}, { error: 1, consecutiveError: 1 }, "Running"],
    [every, { count: 1_000 }, "Running"],
    [{ ...every, count: 3 }, { count: 2 }, "Running"],
    [{ ...every, count: 3 }, { count: 3 }, "Successful"],
    [{ ...every, count: 3, failureLimit: 1 }, { count: 3, failed: 1 }, "Successful"],
    [{ ...every, consecutiveSuccessLimit: 2 }, { count: 9, consecutiveSuccess: 1 }, "Running"],
    [{ ...every, consecutiveSuccessLimit: 2 }, { count: 9, consecutiveSuccess: 2 }, "Successful"],
    [streak, { count: 4, consecutiveSuccess: 2 }, "Running"],
    [streak, { count: 5, consecutiveSuccess: 2 }, "Inconclusive"],
    [streak, { count: 5, consecutiveSuccess: 3 }, "Successful"],
    [{ ...streak, failureLimit: -1 }, { count: 5, failed: 3, consecutiveSuccess: 2 }, "Failed"],
    [{ ...streak, failureLimit: 0 }, { count: 5, failed: 1, consecutiveSuccess: 3 }, "Failed"],
  ];
  for (const [more, counts, expected] of rows) {
    const result = counted("Successful", counts);
    assert.equal(
      metricPhase(metric(more), result, false),
      expected,
      JSON.stringify([more, counts]),
    );
    const atEnd = metricPhase(metric(more), result, true);
    assert.equal(atEnd, expected === "Running" ? "Successful" : expected);
  }
});

Deno.test("a metric whose measurement is under way runs, one without any waits, one that is complete stays so", () => {
  const passed = { failed: 9, count: 9 };
  const rows: [MetricResult, boolean, string][] = [
    [counted("Running", passed), false, "Running"],
    [counted("Running", passed), true, "Running"],
    [{ name: "m", phase: "Running" }, false, "Pending"],
    [{ name: "m", phase: "Running" }, true, "Successful"],
    [{ ...counted("Failed", passed), phase: "Inconclusive" }, false, "Inconclusive"],
  ];
  for (const [result, isTerminating, expected] of rows) {
    assert.equal(metricPhase(metric({}), result, isTerminating), expected);
  }
});

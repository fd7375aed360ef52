import assert from "node:assert/strict";
import { analysisRuns } from "../../resources/argoproj/mod.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { decideRun } from "./run_decision.ts";
import { AnalysisLab } from "./run_fixture.ts";

Deno.test("a run is measured once, and is what its measurement was", async () => {
  for (const phase of ["Successful", "Failed", "Inconclusive"] as const) {
    const lab = new AnalysisLab();
    lab.create([{}]);
    assert.equal(lab.phase, "Running");
    assert.equal(lab.run.status!.startedAt, "2026-01-01T00:00:00Z");
    lab.cluster.nowMs += 1_500;
    await lab.answer(phase, { value: "1", message: phase === "Successful" ? "" : "no" });
    const { status } = lab.run;
    assert.equal(status!.phase, phase);
    assert.equal(status!.completedAt, "2026-01-01T00:00:01Z");
    const counted = phase.toLowerCase();
    assert.deepEqual(status!.runSummary, { count: 1, [counted]: 1 });
    assert.deepEqual(status!.dryRunSummary, {});
    const [result] = status!.metricResults!;
    assert.equal(result!.phase, phase);
    assert.deepEqual(result!.measurements, [{
      phase,
      startedAt: "2026-01-01T00:00:00Z",
      value: "1",
      ...(phase !== "Successful" && { message: "no" }),
      finishedAt: "2026-01-01T00:00:01Z",
    }]);
    assert.equal(lab.asks.length, 1);
    assert(lab.isIdle);
    assert.deepEqual(
      lab.cluster.notices.map(({ type, reason, message }) => [type, reason, message]),
      [
        [
          phase === "Failed" ? "Warning" : "Normal",
          `Metric${phase}`,
          `Metric 'm' Completed. Result: ${phase}`,
        ],
        [
          phase === "Failed" ? "Warning" : "Normal",
          `AnalysisRun${phase}`,
          `Analysis Completed. Result: ${phase}`,
        ],
      ],
    );
  }
});

Deno.test("the message says which metric passed which limit, and what was measured last", async () => {
  const rows: [
    Parameters<AnalysisLab["create"]>[0][number],
    "Failed" | "Inconclusive" | "Error",
    string,
    string?,
  ][] = [
    [{}, "Failed", 'Metric "m" assessed Failed due to failed (1) > failureLimit (0)'],
    [
      {},
      "Failed",
      'Metric "m" assessed Failed due to failed (1) > failureLimit (0): "Error Message: why"',
      "why",
    ],
    [
      {},
      "Inconclusive",
      'Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)',
    ],
    [
      { consecutiveErrorLimit: 0 },
      "Error",
      'Metric "m" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: why"',
      "why",
    ],
  ];
  for (const [metric, phase, expected, message] of rows) {
    const lab = new AnalysisLab();
    lab.create([metric]);
    await lab.answer(phase, message ? { message } : {});
    assert.equal(lab.run.status!.message, expected);
  }
});

Deno.test("measurements are an interval apart, an initial delay after the start, and 10 s after an error", async () => {
  const lab = new AnalysisLab();
  lab.create([{ interval: "1m", count: 3, initialDelay: "30s" }]);
  assert.equal(lab.asks.length, 0);
  lab.pass(29);
  assert.equal(lab.asks.length, 0);
  lab.pass(1);
  assert.equal(lab.asks.length, 1);
  await lab.answer("Error");
  lab.pass(9);
  assert.equal(lab.waiting.length, 0);
  lab.pass(1);
  assert.equal(lab.waiting.length, 1);
  await lab.answer("Successful");
  lab.pass(59);
  assert.equal(lab.waiting.length, 0);
  lab.pass(1);
  await lab.answer("Successful");
  assert.equal(lab.phase, "Running");
  lab.pass(60);
  await lab.answer("Successful");
  assert.equal(lab.phase, "Successful");
  assert.deepEqual(lab.asks.map(({ number }) => number), [1, 2, 3, 4]);
});

Deno.test("a measurement under way is not asked for again; one lost with the server is, under the same number", async () => {
  const lab = new AnalysisLab();
  lab.create([{ interval: "10s", count: 2 }]);
  lab.pass(100);
  assert.equal(lab.asks.length, 1);
  lab.restart();
  assert.equal(lab.asks.length, 2);
  assert(lab.asks[0]!.signal.aborted);
  assert.equal(lab.asks[1]!.number, 1);
  await lab.asks[0]!.answer({ phase: "Failed" }); // too late
  assert.equal(lab.phase, "Running");
  await lab.answer("Successful");
  lab.restart();
  assert.equal(lab.asks.length, 2, "what was answered is not asked for again");
  lab.pass(10);
  lab.restart();
  await lab.answer("Successful");
  assert.equal(lab.phase, "Successful");
  assert.equal(lab.run.status!.metricResults![0]!.count, 2);
});

Deno.test("a metric that fails ends the run: what is under way is given up, what has not begun does not begin", async () => {
  const lab = new AnalysisLab();
  lab.create([{ name: "a" }, { name: "b" }, { name: "late", initialDelay: "10000s" }]);
  const [a, b] = lab.asks;
  await a!.answer({ phase: "Failed", message: "bad" });
  assert.equal(lab.phase, "Failed");
  assert(b!.signal.aborted);
  assert.equal(
    lab.run.status!.message,
    'Metric "a" assessed Failed due to failed (1) > failureLimit (0): "Error Message: bad"',
  );
  assert.deepEqual(lab.run.status!.runSummary, { count: 3, failed: 1 });
  await b!.answer({ phase: "Successful" });
  lab.pass(20_000);
  assert.equal(lab.asks.length, 2);
  assert.equal(lab.run.status!.metricResults!.length, 1);
});

Deno.test("a run that is told to end is successful unless a metric was not", async () => {
  const lab = new AnalysisLab();
  lab.create([{ interval: "10s" }]);
  await lab.answer("Successful");
  assert.equal(lab.phase, "Running");
  lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
  lab.settle();
  assert.equal(lab.phase, "Successful");
  assert.equal(lab.run.status!.message, "Run Terminated");
  assert.equal(lab.run.status!.metricResults![0]!.phase, "Successful");
  assert(lab.isIdle);
  const early = new AnalysisLab();
  early.create([{}], { terminate: true });
  assert.deepEqual([early.phase, early.run.status!.message, early.asks.length], [
    "Successful",
    "Run Terminated",
    0,
  ]);
});

Deno.test("an answer that is not finished is shown, and asked for again later under the same number", async () => {
  const lab = new AnalysisLab();
  lab.create([{}]);
  await lab.answer("Running", {
    message: "7 of 100 requests",
    metadata: { requests: "7" },
    resumeAfterMs: 5_000,
  });
  const measurement = () => lab.run.status!.metricResults![0]!.measurements;
  assert.deepEqual(measurement(), [{
    phase: "Running",
    startedAt: "2026-01-01T00:00:00Z",
    message: "7 of 100 requests",
    metadata: { requests: "7" },
    resumeAt: "2026-01-01T00:00:05Z",
  }]);
  assert.equal(lab.phase, "Running");
  lab.pass(4);
  assert.equal(lab.asks.length, 1);
  lab.pass(1);
  assert.equal(lab.asks.length, 2);
  assert.deepEqual([lab.asks[1]!.number, lab.asks[1]!.unfinished?.metadata], [1, {
    requests: "7",
  }]);
  lab.restart();
  assert.equal(lab.asks.length, 3);
  await lab.asks[2]!.answer({ phase: "Running" });
  assert.equal(lab.asks.length, 3, "ten seconds when nothing is said");
  lab.pass(10);
  await lab.asks[3]!.answer({ phase: "Successful", value: "0" });
  assert.equal(lab.phase, "Successful");
  assert.deepEqual([
    measurement()!.length,
    measurement()![0]!.resumeAt,
    measurement()![0]!.startedAt,
  ], [1, undefined, "2026-01-01T00:00:00Z"]);
});

Deno.test("a measurement that is not finished when the run ends was terminated", async () => {
  const lab = new AnalysisLab();
  lab.create([{}]);
  await lab.answer("Running");
  lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
  lab.settle();
  const [measurement] = lab.run.status!.metricResults![0]!.measurements!;
  assert.deepEqual([measurement!.phase, measurement!.message], ["Successful", "Metric Terminated"]);
  assert.equal(lab.phase, "Successful");
});

Deno.test("arguments are put into metrics, secrets too, and never into the run", async () => {
  const lab = new AnalysisLab();
  lab.cluster.put(secrets, { metadata: { name: "token" }, data: { key: btoa("s3cret") } });
  lab.create([{
    provider: { web: { url: "http://{{ args.host }}/?t={{args.token}}" } },
    interval: "{{args.interval}}",
    count: "{{args.count}}",
  }], {
    args: [
      { name: "host", value: 'a"b' },
      { name: "interval", value: "5s" },
      { name: "count", value: "2" },
      { name: "token", valueFrom: { secretKeyRef: { name: "token", key: "key" } } },
    ],
  });
  assert.equal(lab.asks[0]!.metric.provider.web!.url, 'http://a"b/?t=s3cret');
  await lab.answer("Failed", {
    message: "GET ?t=s3cret: no",
    metadata: { url: "s3cret" },
    metricMetadata: { query: "s3cret+1" },
  });
  const text = JSON.stringify(lab.run) + JSON.stringify(lab.cluster.notices);
  assert(!text.includes("s3cret"), text);
  assert.match(text, /GET \?t=\*\*\*\*\*: no/);
  assert.deepEqual(lab.run.status!.metricResults![0]!.metadata, { query: "*****+1" });
});

Deno.test("a run whose arguments, secrets or metrics are wrong is an error at once, without a time of its end", () => {
  const secretArg = { name: "a", valueFrom: { secretKeyRef: { name: "none", key: "k" } } };
  const rows: [object[], object, string][] = [
    [
      [{}],
      { args: [{ name: "a" }] },
      'Unable to resolve metric arguments: argument "a" was not supplied',
    ],
    [
      [{ interval: "{{args.x}}" }],
      {},
      "Unable to resolve metric arguments: failed to resolve {{args.x}}",
    ],
    [[{}], { args: [secretArg] }, 'Unable to resolve metric arguments: secrets "none" not found'],
    [
      [{}],
      { args: [{ ...secretArg, valueFrom: { secretKeyRef: { name: "some", key: "k" } } }] },
      "Unable to resolve metric arguments: key 'k' does not exist in secret 'some'",
    ],
    [[{}, {}], {}, "Analysis spec invalid: metrics[1]: duplicate name 'm'"],
    [
      [{ count: 2 }],
      {},
      "Analysis spec invalid: metrics[0]: interval must be specified when count > 1",
    ],
    [
      [{}],
      { dryRun: [{ metricName: "m" }, { metricName: "^x" }] },
      "Analysis spec invalid: dryRun[1]: Rule didn't match any metric name(s)",
    ],
    [
      [{}],
      { measurementRetention: [{ metricName: "(", limit: 1 }] },
      "Analysis spec invalid: measurementRetention[0]: Rule didn't match any metric name(s)",
    ],
  ];
  for (const [metrics, more, message] of rows) {
    const lab = new AnalysisLab();
    lab.cluster.put(secrets, { metadata: { name: "some" }, data: {} });
    lab.create(metrics, more);
    assert.deepEqual([lab.phase, lab.run.status!.message, lab.run.status!.completedAt], [
      "Error",
      message,
      undefined,
    ]);
    assert.deepEqual(lab.cluster.notices.map(({ reason }) => reason), ["AnalysisRunError"]);
    assert.equal(lab.asks.length, 0);
    lab.pass(100);
    assert.equal(lab.cluster.notices.length, 1);
  }
});

Deno.test("a metric in dry run decides nothing, and is counted apart", async () => {
  const lab = new AnalysisLab();
  lab.create([{ name: "real" }, { name: "dry" }], { dryRun: [{ metricName: "d.*" }] });
  await lab.asks[1]!.answer({ phase: "Failed", message: "no" });
  assert.equal(lab.phase, "Running");
  assert(!lab.asks[0]!.signal.aborted);
  await lab.asks[0]!.answer({ phase: "Successful" });
  const { status } = lab.run;
  assert.equal(status!.phase, "Successful");
  assert.deepEqual(status!.runSummary, { count: 1, successful: 1 });
  assert.deepEqual(status!.dryRunSummary, { count: 1, failed: 1 });
  const dry = status!.metricResults!.find(({ name }) => name === "dry")!;
  assert.deepEqual([dry.dryRun, dry.phase, dry.message], [
    true,
    "Failed",
    "Metric assessed Failed due to failed (1) > failureLimit (0)",
  ]);
});

Deno.test("what goes on is in no summary, has no message, and what has ended is told once", async () => {
  const lab = new AnalysisLab();
  lab.create([{ name: "a" }, { name: "b", interval: "10s", count: 3, failureLimit: 1 }]);
  await lab.asks[0]!.answer({ phase: "Successful" });
  await lab.asks[1]!.answer({ phase: "Failed", message: "once" });
  assert.deepEqual(lab.run.status!.runSummary, { count: 2, successful: 1 });
  assert.equal(lab.run.status!.metricResults![1]!.message, undefined);
  lab.pass(10);
  await lab.answer("Successful");
  lab.pass(10);
  await lab.answer("Successful");
  assert.equal(lab.phase, "Successful");
  assert.deepEqual(lab.cluster.notices.map(({ message }) => message), [
    "Metric 'a' Completed. Result: Successful",
    "Metric 'b' Completed. Result: Successful",
    "Analysis Completed. Result: Successful",
  ]);
});

Deno.test("ten measurements are kept of a metric, or as many as a rule says", async () => {
  const lab = new AnalysisLab();
  lab.create([{ name: "a", interval: "10s" }, { name: "b", interval: "10s" }], {
    measurementRetention: [{ metricName: "^b", limit: 2 }],
  });
  for (let round = 0; round < 12; round++) {
    await lab.waiting[0]!.answer({ phase: "Successful", value: String(round) });
    await lab.waiting[0]!.answer({ phase: "Successful", value: String(round) });
    lab.pass(10);
  }
  const [a, b] = lab.run.status!.metricResults!;
  assert.deepEqual(a!.measurements!.map(({ value }) => value), [
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
  ]);
  assert.deepEqual(b!.measurements!.map(({ value }) => value), ["10", "11"]);
  assert.equal(a!.count, 12);
});

Deno.test("a finished run goes when its time is over", async () => {
  const rows: [object, "Successful" | "Failed" | "Inconclusive", number | undefined][] = [
    [{ secondsAfterCompletion: 60 }, "Inconclusive", 60],
    [{ secondsAfterCompletion: 60, secondsAfterSuccess: 5 }, "Successful", 5],
    [{ secondsAfterCompletion: 60, secondsAfterSuccess: 5 }, "Failed", 60],
    [{ secondsAfterFailure: 7 }, "Failed", 7],
    [{ secondsAfterFailure: 7 }, "Successful", undefined],
    [{}, "Successful", undefined],
  ];
  for (const [ttlStrategy, phase, seconds] of rows) {
    const lab = new AnalysisLab();
    lab.create([{}], { ttlStrategy });
    await lab.answer(phase);
    if (seconds === undefined) {
      assert(lab.isIdle);
      continue;
    }
    lab.pass(seconds - 1);
    assert.equal(lab.phase, phase);
    lab.restart();
    lab.pass(1);
    assert.equal(lab.run, undefined);
    assert(lab.isIdle);
  }
});

Deno.test("a run that is deleted is measured no more, and another one of its name begins anew", async () => {
  const lab = new AnalysisLab();
  lab.create([{}]);
  lab.cluster.take(analysisRuns, lab.run.metadata);
  lab.settle();
  assert(lab.asks[0]!.signal.aborted);
  lab.create([{}]);
  await lab.asks[0]!.answer({ phase: "Failed" });
  assert.equal(lab.phase, "Running");
  await lab.asks[1]!.answer(new Error("connection refused"));
  const [measurement] = lab.run.status!.metricResults![0]!.measurements!;
  assert.deepEqual([measurement!.phase, measurement!.message], ["Error", "connection refused"]);
});

Deno.test("what was asked for a run is not answered to another one that has come in its place meanwhile", async () => {
  const lab = new AnalysisLab();
  const { metadata, spec } = lab.create([{}]);
  lab.cluster.take(analysisRuns, metadata);
  lab.cluster.put(analysisRuns, { metadata: { name: "run", uid: "v" }, spec });
  await lab.asks[0]!.answer({ phase: "Failed" });
  assert.equal(lab.phase, "Running");
  assert.equal(lab.asks[1]!.run.uid, "v");
});

Deno.test("an answer whose status could not be written is counted later, and not asked for again", async () => {
  const lab = new AnalysisLab();
  lab.create([{}]);
  await lab.asks[0]!.answer({ phase: "Successful" }, { settles: false });
  for (let conflicts = 0; conflicts < 3; conflicts++) {
    assert(lab.conflict().writes.length > 0);
    lab.cluster.nowMs += 1_000;
  }
  lab.settle();
  assert.deepEqual([lab.phase, lab.asks.length], ["Successful", 1]);
  const [measurement] = lab.run.status!.metricResults![0]!.measurements!;
  assert.equal(measurement!.finishedAt, "2026-01-01T00:00:00Z", "when it was first seen");
});

Deno.test("an answer that the status has is not counted again, however soon the next measurement is due", async () => {
  const lab = new AnalysisLab();
  lab.create([{ interval: "1s" }]);
  await lab.answer("Successful");
  const { run } = lab;
  const nowMs = lab.cluster.nowMs + 1_000;
  const answered = { metric: "m", number: 1, answer: { phase: "Successful" as const } };
  const answers = [{ ...answered, askedMs: nowMs, answeredMs: nowMs }];
  const { asks, counted, writes } = decideRun(run, { view: lab.cluster, nowMs, answers });
  assert.deepEqual([asks.map(({ number }) => number), counted, writes], [[2], [], []]);
});

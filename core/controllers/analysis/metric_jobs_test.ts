import assert from "node:assert/strict";
import { analysisRuns } from "../../resources/argoproj/mod.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { ApiError } from "../../client/api_error.ts";
import { decideRun } from "./run_decision.ts";
import { AnalysisLab, WEB } from "./run_fixture.ts";

const POD = {
  restartPolicy: "Never" as const,
  containers: [{ name: "c", image: "i", args: ["{{args.a}}"] }],
};
const JOB = {
  job: {
    metadata: { labels: { team: "x" }, annotations: { note: "{{args.a}}" } },
    spec: { template: { spec: POD } },
  },
};

function begun(more: object = {}, metric: object = {}): AnalysisLab {
  const lab = new AnalysisLab();
  lab.create([{ provider: JOB, ...metric }], { args: [{ name: "a", value: "1" }], ...more });
  return lab;
}

function jobOf(lab: AnalysisLab, number = 1): Job | undefined {
  return lab.cluster.get(jobs, { namespace: "default", name: `u.m.${number}` });
}

function end(lab: AnalysisLab, type: "Complete" | "Failed", number = 1): void {
  lab.cluster.patchStatus(jobs, jobOf(lab, number)!.metadata, {
    conditions: [{ type, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  });
  lab.settle();
}

function measurements(lab: AnalysisLab) {
  return lab.run.status!.metricResults![0]!.measurements!;
}

Deno.test("a Job measures: it is the run's, has Argo's labels and annotations, and its arguments", () => {
  const lab = begun();
  const { metadata, spec } = jobOf(lab)!;
  assert.deepEqual(metadata.labels, { team: "x", "analysisrun.argoproj.io/uid": "u" });
  assert.deepEqual(metadata.annotations, {
    note: "1",
    "analysisrun.argoproj.io/name": "run",
    "analysisrun.argoproj.io/namespace": "default",
    "analysisrun.argoproj.io/metric-name": "m",
  });
  assert.deepEqual(metadata.ownerReferences!.map(({ kind, uid }) => [kind, uid]), [[
    "AnalysisRun",
    "u",
  ]]);
  assert.deepEqual(spec.template.spec.containers[0]!.args, ["1"]);
  assert.deepEqual(measurements(lab), [{
    phase: "Running",
    startedAt: "2026-01-01T00:00:00Z",
    metadata: { "job-name": "u.m.1", "job-namespace": "default" },
  }]);
  assert.equal(lab.asks.length, 0);
});

Deno.test("the end of a Job is that of the measurement, whatever conditions the metric has", () => {
  for (const [type, phase] of [["Complete", "Successful"], ["Failed", "Failed"]] as const) {
    const lab = begun({}, { successCondition: "false", failureCondition: "true" });
    lab.pass(7);
    assert.equal(lab.phase, "Running");
    end(lab, type);
    assert.equal(lab.phase, phase);
    assert.equal(measurements(lab)[0]!.finishedAt, "2026-01-01T00:00:07Z");
  }
});

Deno.test("a Job of the run that a server created before it was killed is the one that measures", () => {
  const lab = begun();
  const { status: _, ...run } = lab.run;
  lab.cluster.put(analysisRuns, run);
  end(lab, "Complete");
  lab.restart();
  assert.equal(lab.cluster.list(jobs).length, 1);
  assert.equal(lab.phase, "Successful");
});

Deno.test("a Job of that name which is another's is an error, and is left alone", () => {
  const lab = new AnalysisLab();
  lab.cluster.put(jobs, {
    metadata: { name: "u.m.1", uid: "other" },
    spec: { template: { spec: POD } },
  });
  lab.create([{ provider: JOB }], { args: [{ name: "a", value: "1" }] });
  assert.equal(measurements(lab)[0]!.message, 'jobs.batch "u.m.1" already exists');
  lab.pass(10);
  assert.equal(measurements(lab)[1]!.metadata!["job-name"], "u.m.2");
  lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
  lab.settle();
  assert.equal(jobOf(lab)!.metadata.deletionTimestamp, undefined);
});

Deno.test("a Job that is gone is an error", () => {
  const lab = begun();
  lab.cluster.take(jobs, jobOf(lab)!.metadata);
  lab.settle();
  const [measurement] = measurements(lab);
  assert.deepEqual([measurement!.phase, measurement!.message], [
    "Error",
    'job.batch "u.m.1" not found',
  ]);
});

Deno.test("the Job of a run that ends is deleted with its pods; its measurement was terminated", () => {
  const lab = begun();
  lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
  lab.settle();
  assert.deepEqual(jobOf(lab)!.metadata.finalizers, ["foregroundDeletion"]);
  const [measurement] = measurements(lab);
  assert.deepEqual([measurement!.phase, measurement!.message], ["Successful", "Metric Terminated"]);
  assert.deepEqual([lab.phase, lab.run.status!.message], ["Successful", "Run Terminated"]);
});

Deno.test("a metric that fails ends the Jobs of the others", () => {
  const lab = new AnalysisLab();
  const args = [{ name: "a", value: "1" }];
  lab.create([{ provider: JOB }, { name: "n", provider: JOB }], { args });
  end(lab, "Failed");
  assert.equal(lab.phase, "Failed");
  const other = lab.cluster.get<Job>(jobs, { namespace: "default", name: "u.n.1" });
  assert.notEqual(other!.metadata.deletionTimestamp, undefined);
  assert.equal(jobOf(lab)!.metadata.deletionTimestamp, undefined);
});

Deno.test("no Job begins when the run ends, even if a measurement is due just then", async () => {
  const lab = new AnalysisLab();
  const args = [{ name: "a", value: "1" }];
  lab.create([{ name: "web", provider: WEB }, { provider: JOB, initialDelay: "5s" }], { args });
  lab.cluster.nowMs += 5_000;
  lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
  lab.settle();
  assert.deepEqual([lab.phase, lab.cluster.list(jobs)], ["Successful", []]);
  const failing = new AnalysisLab();
  failing.create([{ name: "web", provider: WEB }, { provider: JOB, initialDelay: "5s" }], { args });
  await failing.answer("Failed");
  failing.pass(5);
  assert.deepEqual([failing.phase, failing.cluster.list(jobs)], ["Failed", []]);
});

Deno.test("Jobs of measurements that are not kept are deleted, those of other metrics are not", () => {
  const lab = begun(
    { measurementRetention: [{ metricName: "m", limit: 2 }] },
    { interval: "3s", count: 4 },
  );
  for (let number = 1; number <= 4; number++) {
    end(lab, "Complete", number);
    lab.pass(3);
  }
  assert.equal(lab.phase, "Successful");
  const isDeleted = (number: number) =>
    jobOf(lab, number)!.metadata.deletionTimestamp !== undefined;
  assert.deepEqual([1, 2, 3, 4].map(isDeleted), [true, true, false, false]);
  assert.equal(measurements(lab).length, 2);
});

Deno.test("what a user writes into a status cannot make the controller delete a Job of somebody else", () => {
  const lab = begun();
  const other = {
    metadata: { name: "other", namespace: "kube-system" },
    spec: { template: { spec: POD } },
  };
  lab.cluster.put(jobs, other);
  lab.cluster.put(jobs, { ...other, metadata: { name: "other" } });
  for (const namespace of ["default", "kube-system"]) {
    const metadata = { "job-name": "other", "job-namespace": namespace };
    const measurement = { phase: "Running", startedAt: "2026-01-01T00:00:00Z", metadata };
    const metricResults = [{ name: "m", phase: "Running", measurements: [measurement] }];
    lab.cluster.put(analysisRuns, {
      ...lab.run,
      spec: { ...lab.run.spec, terminate: true },
      status: { phase: "Running", metricResults },
    });
    lab.settle();
    assert.equal(lab.phase, "Successful");
  }
  const left = lab.cluster.list<Job>(jobs).filter(({ metadata }) => metadata.name === "other");
  assert.deepEqual(left.map(({ metadata }) => metadata.deletionTimestamp), [undefined, undefined]);
});

Deno.test("a Job that the API refuses is an error of the measurement, tried again after ten seconds", () => {
  const lab = new AnalysisLab();
  const run = lab.cluster.put<typeof lab.run>(analysisRuns, {
    metadata: { name: "run", uid: "u" },
    spec: {
      metrics: [{ name: "m", provider: JOB }, { name: "n", provider: JOB }],
      args: [{ name: "a", value: "1" }],
    },
  });
  const decision = decideRun(run, { view: lab.cluster, nowMs: lab.cluster.nowMs, answers: [] });
  const [write] = decision.writes;
  assert(write?.verb === "create");
  lab.cluster.perform({
    writes: write.refused!(
      new ApiError("Forbidden", "exceeded quota"),
    ),
  });
  const [measurement] = measurements(lab);
  assert.deepEqual([measurement!.phase, measurement!.message], ["Error", "exceeded quota"]);
  assert.equal(lab.run.status!.metricResults![1]!.measurements![0]!.phase, "Running");
  lab.settle();
  assert.equal(jobOf(lab, 1), undefined);
  lab.pass(10);
  assert.notEqual(jobOf(lab, 2), undefined);
});

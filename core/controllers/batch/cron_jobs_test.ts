import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { type CronJob, cronJobs } from "../../resources/batch/cron_jobs.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { TestCluster } from "../test_cluster.ts";
import { cronJobController } from "./cron_jobs.ts";

const NAME = { namespace: "default", name: "hello" };
const MINUTE_MS = 60_000;
const template = { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] } };

function putCronJob(cluster: TestCluster, spec: object = {}, status: object = {}): CronJob {
  return cluster.put(cronJobs, {
    metadata: { name: "hello" },
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: { metadata: { labels: { app: "hello" } }, spec: { template } },
      ...spec,
    },
    status,
  });
}

function look(cluster: TestCluster): CronJob {
  // What is told each time would not come to rest.
  for (let i = 0; i < 4; i++) cluster.perform(cluster.planOf(cronJobController, NAME));
  return cluster.get(cronJobs, NAME)!;
}

function finish(cluster: TestCluster, name: string, type: "Complete" | "Failed"): void {
  const completionTime = timestamp(cluster.nowMs);
  cluster.patchStatus(jobs, { namespace: "default", name }, {
    startTime: completionTime,
    ...(type === "Complete" && { completionTime }),
    conditions: [{ type, status: "True" }],
  });
}

function told(cluster: TestCluster): string[] {
  return cluster.notices.splice(0).map(({ reason, message }) => `${reason}: ${message}`);
}

const names = (cluster: TestCluster) => cluster.list(jobs).map(({ metadata }) => metadata.name);
const minutes = (ms: number) => ms / MINUTE_MS;

Deno.test("a Job is made at each time, named by its minute, and noted when it is complete", () => {
  const cluster = new TestCluster();
  const beganMs = cluster.nowMs;
  putCronJob(cluster);
  look(cluster);
  assert.deepEqual(names(cluster), []);
  assert.equal(cluster.planOf(cronJobController, NAME).againAfterMs, 5 * MINUTE_MS);
  cluster.nowMs += 5 * MINUTE_MS;
  const { status } = look(cluster);
  const name = `hello-${minutes(beganMs) + 5}`;
  const job = cluster.get(jobs, { namespace: "default", name })!;
  assert.deepEqual(job.metadata.labels, { app: "hello" });
  assert.equal(
    job.metadata.annotations!["batch.kubernetes.io/cronjob-scheduled-timestamp"],
    timestamp(cluster.nowMs),
  );
  const { uid, resourceVersion } = job.metadata;
  const reference = { apiVersion: "batch/v1", kind: "Job", ...NAME, name, uid, resourceVersion };
  assert.deepEqual(status, { active: [reference], lastScheduleTime: timestamp(cluster.nowMs) });
  finish(cluster, name, "Complete");
  assert.deepEqual(look(cluster).status, {
    lastScheduleTime: timestamp(cluster.nowMs),
    lastSuccessfulTime: timestamp(cluster.nowMs),
  });
  assert.deepEqual(told(cluster), [
    `SuccessfulCreate: Created job ${name}`,
    `SawCompletedJob: Saw completed job: ${name}, condition: Complete`,
  ]);
});

for (
  const [policy, expected, events] of [
    ["Allow", ["5", "10"], ["SuccessfulCreate"]],
    ["Forbid", ["5"], ["JobAlreadyActive"]],
    ["Replace", ["10"], ["SuccessfulDelete", "SuccessfulCreate"]],
  ] as const
) {
  Deno.test(`when the last Job still runs, ${policy} does what it says`, () => {
    const cluster = new TestCluster();
    const began = minutes(cluster.nowMs);
    putCronJob(cluster, { concurrencyPolicy: policy });
    cluster.nowMs += 5 * MINUTE_MS;
    look(cluster);
    told(cluster);
    cluster.nowMs += 5 * MINUTE_MS;
    const made = cluster.planOf(cronJobController, NAME);
    cluster.perform(made);
    const { status } = look(cluster);
    assert.deepEqual(names(cluster).map((name) => String(Number(name.slice(6)) - began)), expected);
    assert.equal(status.active!.length, expected.length);
    assert.deepEqual(new Set(told(cluster).map((each) => each.split(":")[0])), new Set(events));
  });
}

Deno.test("a Job that Forbid held back is made once the one before has ended", () => {
  const cluster = new TestCluster();
  const began = minutes(cluster.nowMs);
  putCronJob(cluster, { concurrencyPolicy: "Forbid" });
  cluster.nowMs += 5 * MINUTE_MS;
  look(cluster);
  cluster.nowMs += 6 * MINUTE_MS;
  look(cluster);
  finish(cluster, `hello-${began + 5}`, "Failed");
  look(cluster);
  assert.deepEqual(names(cluster), [`hello-${began + 5}`, `hello-${began + 10}`]);
});

Deno.test("the last missed time is made up for, unless it is too late", () => {
  for (
    const [seconds, made, event] of [
      [undefined, 1, "SuccessfulCreate"],
      [121, 1, "SuccessfulCreate"],
      [120, 0, undefined],
    ] as const
  ) {
    const cluster = new TestCluster();
    putCronJob(cluster, { ...(seconds !== undefined && { startingDeadlineSeconds: seconds }) });
    cluster.nowMs += 17 * MINUTE_MS;
    look(cluster);
    assert.equal(names(cluster).length, made, String(seconds));
    assert.equal(told(cluster)[0]?.split(":")[0], event);
  }
});

Deno.test("more than 100 missed times are told of, and the last is made up for", () => {
  for (const [missed, isTold] of [[100, false], [101, true]] as const) {
    const cluster = new TestCluster();
    putCronJob(cluster);
    cluster.nowMs += missed * 5 * MINUTE_MS;
    look(cluster);
    assert.equal(names(cluster).length, 1);
    assert.equal(told(cluster).some((each) => each.startsWith("TooManyMissedTimes")), isTold);
  }
});

Deno.test("a suspended CronJob makes no Jobs, but notes what becomes of those that run", () => {
  const cluster = new TestCluster();
  const cronJob = putCronJob(cluster);
  cluster.nowMs += 5 * MINUTE_MS;
  look(cluster);
  const [name] = names(cluster);
  cluster.put(cronJobs, {
    ...cluster.get(cronJobs, NAME)!,
    spec: { ...cronJob.spec, suspend: true },
  });
  cluster.nowMs += 60 * MINUTE_MS;
  finish(cluster, name!, "Complete");
  const { status } = look(cluster);
  assert.deepEqual(names(cluster), [name]);
  assert.equal(status.active, undefined);
  assert.equal(cluster.planOf(cronJobController, NAME).againAfterMs, undefined);
});

Deno.test("of finished Jobs three that succeeded and one that failed are kept, the latest", () => {
  const cluster = new TestCluster();
  const began = minutes(cluster.nowMs);
  putCronJob(cluster);
  const ends = ["Failed", "Complete", "Complete", "Failed", "Complete", "Complete"] as const;
  for (const [i, type] of ends.entries()) {
    cluster.nowMs += 5 * MINUTE_MS;
    look(cluster);
    finish(cluster, `hello-${began + 5 * (i + 1)}`, type);
    look(cluster);
  }
  const kept = names(cluster).map((name) => (Number(name.slice(6)) - began) / 5);
  assert.deepEqual(kept, [3, 4, 5, 6]);
});

Deno.test("no Job is made twice, wherever the server is killed", () => {
  const cluster = new TestCluster();
  putCronJob(cluster, { successfulJobsHistoryLimit: 0 });
  const made = new Set<string>();
  cluster.subscribe(jobs, ({ type, object }) => {
    if (type !== "ADDED") return;
    assert.ok(!made.has(object.metadata.name), `${object.metadata.name} was made twice`);
    made.add(object.metadata.name);
  });
  for (let round = 1; round <= 100; round++) {
    cluster.nowMs += MINUTE_MS;
    const writesMax = round % 4; // the server is killed after so many writes
    const { writes } = cluster.planOf(cronJobController, NAME);
    cluster.perform({ writes: writes.slice(0, writesMax) });
    cluster.restartControllers();
    if (round % 3 !== 0) continue;
    for (const { metadata, status } of cluster.list<Job>(jobs)) {
      if (status.conditions === undefined) finish(cluster, metadata.name, "Complete");
    }
  }
  assert.ok(made.size >= 15, `${made.size} Jobs were made`);
});

for (
  const [spec, reason] of [
    [{ schedule: "0 0 31 2 *" }, "InvalidSchedule"],
    [{ timeZone: "Mars/Olympus" }, "UnknownTimeZone"],
  ] as const
) {
  Deno.test(`a schedule that cannot be kept is told of: ${reason}`, () => {
    const cluster = new TestCluster();
    putCronJob(cluster, spec);
    const { writes, againAfterMs } = cluster.planOf(cronJobController, NAME);
    cluster.perform({ writes });
    assert.equal(told(cluster)[0]?.split(":")[0], reason);
    assert.equal(againAfterMs, undefined);
  });
}

Deno.test("a Job of somebody else that names the CronJob as its owner is told of, and not active", () => {
  const cluster = new TestCluster();
  const { metadata: { uid } } = putCronJob(cluster);
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "hello", uid, controller: true };
  cluster.put(jobs, {
    metadata: { name: "by-hand", ownerReferences: [owner] },
    spec: { template },
    status: {},
  });
  const { writes } = cluster.planOf(cronJobController, NAME);
  cluster.perform({ writes });
  assert.equal(cluster.get(cronJobs, NAME)!.status.active, undefined);
  assert.deepEqual(told(cluster), [
    "UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand",
  ]);
});

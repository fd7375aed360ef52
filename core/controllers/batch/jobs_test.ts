import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { TestCluster } from "../test_cluster.ts";
import { JobWorld } from "./job_world.ts";
import { jobController } from "./jobs.ts";
import { JOB_NAME, putJob } from "./job_fixture.ts";
import { TRACKING_FINALIZER } from "./job_pods.ts";

function settle(cluster: TestCluster): Job {
  cluster.settle([jobController]);
  return cluster.get(jobs, JOB_NAME)!;
}

function end(cluster: TestCluster, pod: Pod, exitCode: number, conditions: object[] = []): void {
  const finishedAt = timestamp(cluster.nowMs);
  cluster.patchStatus(pods, pod.metadata as { namespace: string; name: string }, {
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    conditions,
    containerStatuses: [{
      name: "pi",
      image: "perl",
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, finishedAt } },
    }],
  });
}

function active(cluster: TestCluster): Pod[] {
  return cluster.list(pods).filter(({ status }) =>
    status.phase !== "Succeeded" && status.phase !== "Failed"
  );
}

function conditionsOf({ status: { conditions = [] } }: Job): string[] {
  return conditions.map(({ type, status, reason, message }) =>
    `${type}=${status} ${reason}: ${message}`
  );
}

Deno.test("a Job of one pod: made, counted, complete", () => {
  const cluster = new TestCluster();
  putJob(cluster, { completions: 1 });
  const begun = settle(cluster);
  const since = timestamp(cluster.nowMs);
  assert.deepEqual(begun.status, {
    startTime: since,
    active: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
  });
  const [pod] = cluster.list(pods);
  assert.match(pod!.metadata.name, /^pi-[b-z2-9]{5}$/);
  assert.deepEqual(pod!.metadata.finalizers, [TRACKING_FINALIZER]);
  cluster.nowMs += 5_000;
  end(cluster, pod!, 0);
  const done = settle(cluster);
  const now = timestamp(cluster.nowMs);
  const why = {
    status: "True",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
    lastProbeTime: now,
    lastTransitionTime: now,
  };
  assert.deepEqual(done.status, {
    conditions: [{ type: "SuccessCriteriaMet", ...why }, { type: "Complete", ...why }],
    startTime: since,
    completionTime: now,
    succeeded: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
  });
  assert.equal(cluster.list(pods)[0]!.metadata.finalizers, undefined);
  assert.deepEqual(cluster.notices.map(({ reason, message }) => `${reason}: ${message}`), [
    `SuccessfulCreate: Created pod: ${pod!.metadata.name}`,
    "Completed: Job completed",
  ]);
});

Deno.test("a Job completes though the clock was set back since its start", () => {
  const { job } = new JobWorld({}).wait(-2_400).end(0);
  assert.ok(job.status.conditions?.some(({ type }) => type === "Complete"));
  assert.equal(job.status.completionTime, job.status.startTime);
});

Deno.test("failed pods are replaced after 10 s, 20 s, and so on, until the limit is passed", () => {
  const cluster = new TestCluster();
  putJob(cluster, { completions: 1, backoffLimit: 3 });
  settle(cluster);
  for (const [failures, waitMs] of [[1, 10_000], [2, 20_000], [3, 40_000]] as const) {
    end(cluster, active(cluster)[0]!, 1);
    const job = settle(cluster);
    assert.deepEqual([job.status.failed, job.status.active], [failures, undefined]);
    assert.equal(cluster.planOf(jobController, JOB_NAME).againAfterMs, waitMs);
    cluster.nowMs += waitMs - 1;
    assert.equal(settle(cluster).status.active, undefined);
    cluster.nowMs += 1;
    assert.equal(settle(cluster).status.active, 1);
  }
  end(cluster, active(cluster)[0]!, 1);
  const failed = settle(cluster);
  const why = "BackoffLimitExceeded: Job has reached the specified backoff limit";
  assert.deepEqual(conditionsOf(failed), [`FailureTarget=True ${why}`, `Failed=True ${why}`]);
  assert.equal(failed.status.failed, 4);
});

Deno.test("a pod that lost its finalizer when the server stopped is counted all the same", () => {
  const cluster = new TestCluster();
  const job = putJob(cluster, { completions: 1 });
  settle(cluster);
  cluster.put(jobs, { ...cluster.get(jobs, JOB_NAME)!, spec: { ...job.spec, suspend: true } });
  const [first] = cluster.planOf(jobController, JOB_NAME).writes;
  cluster.perform({ writes: [first!] });
  assert.equal(cluster.list(pods)[0]!.metadata.finalizers, undefined);
  cluster.put(jobs, { ...cluster.get(jobs, JOB_NAME)!, spec: { ...job.spec, suspend: false } });
  settle(cluster);
  end(cluster, cluster.list(pods)[0]!, 0);
  assert.equal(settle(cluster).status.succeeded, 1);
  assert.equal(cluster.list(pods).length, 1);
});

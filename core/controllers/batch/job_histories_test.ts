import assert from "node:assert/strict";
import { JobWorld } from "./job_world.ts";

// Scenarios of Kubernetes' documentation, and the histories that it has of them.

const exitCodes = (action: string, values: number[]) => ({
  action,
  onExitCodes: { containerName: "pi", operator: "In", values },
});
const onDisruption = { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] };
const policy = (...rules: object[]) => ({
  podFailurePolicy: { rules },
  podReplacementPolicy: "Failed",
});

Deno.test("history: an indexed Job", () => {
  // https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/
  const world = new JobWorld({ completionMode: "Indexed", completions: 3, parallelism: 2 });
  world.end(0, 1).wait(2).end(0, 0).end(0, 2);
  assert.deepEqual(world.history(), [
    "0 s: Normal SuccessfulCreate: Created pod: pi-0-…",
    "0 s: Normal SuccessfulCreate: Created pod: pi-1-…",
    "0 s: active 2",
    "0 s: Normal SuccessfulCreate: Created pod: pi-2-…",
    "0 s: active 2, succeeded 1, completed 1",
    "2 s: active 1, succeeded 2, completed 0,1",
    "2 s: succeeded 3, completed 0-2, SuccessCriteriaMet(CompletionsReached)",
    "2 s: Normal Completed: Job completed",
    "2 s: succeeded 3, completed 0-2, SuccessCriteriaMet(CompletionsReached), Complete(CompletionsReached)",
  ]);
});

Deno.test("history: a pod failure policy that ends the Job, and ignores disruptions", () => {
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
  const rules = policy(exitCodes("FailJob", [42]), onDisruption);
  const world = new JobWorld({ completions: 12, parallelism: 3, backoffLimit: 6, ...rules });
  world.history();
  world.end("disrupted").wait(10).end(42);
  assert.deepEqual(world.history(), [
    "0 s: active 2",
    "10 s: Normal SuccessfulCreate: Created pod: pi-…",
    "10 s: active 3",
    "10 s: Normal SuccessfulDelete: Deleted pod: pi-…",
    "10 s: Normal SuccessfulDelete: Deleted pod: pi-…",
    "10 s: terminating 2, FailureTarget(PodFailurePolicy)",
    "10 s: failed 1, terminating 2, FailureTarget(PodFailurePolicy)",
    "10 s: Warning PodFailurePolicy: Container pi for pod default/pi-… failed with exit code 42 matching FailJob rule at index 0",
    "10 s: failed 3, FailureTarget(PodFailurePolicy), Failed(PodFailurePolicy)",
  ]);
});

Deno.test("history: limits for each index", () => {
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index
  const world = new JobWorld({
    completionMode: "Indexed",
    completions: 4,
    parallelism: 2,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 5,
    backoffLimit: 2 ** 31 - 1,
  });
  world.history();
  world.end(1, 0).end(0, 1).wait(10).end(1, 0).end(0, 2).end(0, 3);
  const why = "FailureTarget(FailedIndexes)";
  assert.deepEqual(world.history(), [
    "0 s: active 1",
    "0 s: Normal SuccessfulCreate: Created pod: pi-2-…",
    "0 s: active 1, succeeded 1, completed 1",
    "10 s: Normal SuccessfulCreate: Created pod: pi-0-…",
    "10 s: active 2, succeeded 1, completed 1",
    "10 s: active 2, succeeded 1, failed 1, completed 1",
    "10 s: Normal SuccessfulCreate: Created pod: pi-3-…",
    "10 s: active 2, succeeded 1, failed 1, completed 1, failed for good 0",
    "10 s: active 2, succeeded 1, failed 2, completed 1, failed for good 0",
    "10 s: active 1, succeeded 2, failed 2, completed 1,2, failed for good 0",
    `10 s: succeeded 3, failed 2, completed 1-3, failed for good 0, ${why}`,
    "10 s: Warning FailedIndexes: Job has failed indexes",
    `10 s: succeeded 3, failed 2, completed 1-3, failed for good 0, ${why}, Failed(FailedIndexes)`,
  ]);
});

Deno.test("history: an index that a policy fails, and one too many of them", () => {
  // https://kubernetes.io/docs/tasks/job/pod-failure-policy/#avoiding-unnecessary-pod-retries-based-on-self-defined-pod-conditions
  const world = new JobWorld({
    completionMode: "Indexed",
    completions: 4,
    parallelism: 4,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 1,
    backoffLimit: 2 ** 31 - 1,
    ...policy(exitCodes("FailIndex", [3])),
  });
  world.history();
  world.end(3, 1).end(0, 0).end(3, 2);
  const indexes = "completed 0, failed for good 1,2";
  const why = "FailureTarget(MaxFailedIndexesExceeded)";
  assert.deepEqual(world.history(), [
    "0 s: active 3, failed for good 1",
    "0 s: active 3, failed 1, failed for good 1",
    "0 s: active 2, succeeded 1, failed 1, completed 0, failed for good 1",
    "0 s: Normal SuccessfulDelete: Deleted pod: pi-3-…",
    `0 s: succeeded 1, failed 1, terminating 1, ${indexes}, ${why}`,
    `0 s: succeeded 1, failed 2, terminating 1, ${indexes}, ${why}`,
    "0 s: Warning MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes",
    `0 s: succeeded 1, failed 3, ${indexes}, ${why}, Failed(MaxFailedIndexesExceeded)`,
  ]);
});

Deno.test("history: some indexes are enough; the pods that are spared have not failed", () => {
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy
  const rules = [{ succeededIndexes: "0,2-3", succeededCount: 1 }];
  const world = new JobWorld({
    completionMode: "Indexed",
    completions: 4,
    parallelism: 4,
    successPolicy: { rules },
  });
  world.history();
  world.end(0, 1).end(0, 2);
  assert.deepEqual(world.history(), [
    "0 s: active 3, succeeded 1, completed 1",
    "0 s: Normal SuccessfulDelete: Deleted pod: pi-0-…",
    "0 s: Normal SuccessfulDelete: Deleted pod: pi-3-…",
    "0 s: succeeded 2, terminating 2, completed 1,2, SuccessCriteriaMet(SuccessPolicy)",
    "0 s: Normal Completed: Job completed",
    "0 s: succeeded 2, completed 1,2, SuccessCriteriaMet(SuccessPolicy), Complete(SuccessPolicy)",
  ]);
});

Deno.test("history: a Job that is suspended, and goes on", () => {
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job
  const world = new JobWorld({ completions: 2, parallelism: 2, suspend: true });
  assert.equal(world.job.status.startTime, undefined);
  world.wait(5).change({ suspend: false }).wait(5).change({ suspend: true });
  const startTime = world.job.status.startTime;
  world.wait(5).change({ suspend: false }).end(0).end(0);
  assert.notEqual(world.job.status.startTime, startTime, "it begins anew");
  assert.deepEqual(world.history(), [
    "0 s: Normal Suspended: Job suspended",
    "0 s: Suspended(JobSuspended)",
    "5 s: Normal SuccessfulCreate: Created pod: pi-…",
    "5 s: Normal SuccessfulCreate: Created pod: pi-…",
    "5 s: Normal Resumed: Job resumed",
    "5 s: active 2",
    "10 s: Normal SuccessfulDelete: Deleted pod: pi-…",
    "10 s: Normal SuccessfulDelete: Deleted pod: pi-…",
    "10 s: Normal Suspended: Job suspended",
    "10 s: terminating 2, Suspended(JobSuspended)",
    "10 s: Suspended(JobSuspended)",
    "15 s: Normal SuccessfulCreate: Created pod: pi-…",
    "15 s: Normal SuccessfulCreate: Created pod: pi-…",
    "15 s: Normal Resumed: Job resumed",
    "15 s: active 2",
    "15 s: active 1",
    "15 s: active 1, succeeded 1",
    "15 s: succeeded 1, SuccessCriteriaMet(CompletionsReached)",
    "15 s: Normal Completed: Job completed",
    "15 s: succeeded 2, SuccessCriteriaMet(CompletionsReached), Complete(CompletionsReached)",
  ]);
});

Deno.test("history: a deadline", () => {
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
  const world = new JobWorld({ completions: 2, parallelism: 1, activeDeadlineSeconds: 100 });
  world.end(0).wait(99);
  world.history();
  world.wait(1);
  assert.deepEqual(world.history(), [
    "100 s: Normal SuccessfulDelete: Deleted pod: pi-…",
    "100 s: succeeded 1, terminating 1, FailureTarget(DeadlineExceeded)",
    "100 s: Warning DeadlineExceeded: Job was active longer than specified deadline",
    "100 s: succeeded 1, failed 1, FailureTarget(DeadlineExceeded), Failed(DeadlineExceeded)",
  ]);
});

Deno.test("history: a work queue, whose pods know when all is done", () => {
  // https://kubernetes.io/docs/tasks/job/fine-parallel-processing-work-queue/
  const world = new JobWorld({ parallelism: 3 });
  world.history();
  world.end(0).end(1).wait(60).end(0);
  assert.deepEqual(world.history(), [
    "0 s: active 2",
    "0 s: active 2, succeeded 1",
    "0 s: active 1, succeeded 1",
    "0 s: active 1, succeeded 1, failed 1",
    "60 s: succeeded 1, failed 1, SuccessCriteriaMet(CompletionsReached)",
    "60 s: Normal Completed: Job completed",
    "60 s: succeeded 2, failed 1, SuccessCriteriaMet(CompletionsReached), Complete(CompletionsReached)",
  ]);
});

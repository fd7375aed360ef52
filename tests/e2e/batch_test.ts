import assert from "node:assert/strict";
import type { Deployment } from "../../core/resources/apps/deployments.ts";
import type { CronJob } from "../../core/resources/batch/cron_jobs.ts";
import type { Job } from "../../core/resources/batch/jobs.ts";
import type { PodDisruptionBudget } from "../../core/resources/policy/pod_disruption_budgets.ts";
import { eventually } from "../eventually.ts";
import { type PodmanCluster, podSpecOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "Jobs, CronJobs, budgets and autoscalers on Podman",
  subnet: 173,
  stepsAtOnce: 4,
  steps: [
    { name: "each pod of an indexed Job knows its index, and is called by it", run: indexed },
    { name: "a Job fails at once when the policy says so", run: failurePolicy },
    { name: "a pod that failed is replaced, until the Job fails", run: backoff },
    { name: "a finished Job goes with its pods when its time has come", run: expiry },
    { name: "a suspended Job stops its pods, and goes on later", run: suspension },
    { name: "a CronJob makes a Job each minute, and one when asked to", run: schedule },
    { name: "a budget keeps pods from being evicted", run: budget },
    { name: "an autoscaler adds pods to busy ones", run: autoscaler },
  ],
});

/** A minute, and the time a pod takes to start on a busy machine. */
const MINUTE_MS_MAX = 120_000;

function templateOf(script: string, more: object = {}): object {
  const spec = { ...podSpecOf({ script }), restartPolicy: "Never", ...more };
  return { spec: { ...spec, terminationGracePeriodSeconds: 1 } };
}

function jobOf(name: string, spec: object): object {
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec };
}

function job(cluster: PodmanCluster, name: string): Promise<Job | undefined> {
  return cluster.get<Job>(`/apis/batch/v1/namespaces/default/jobs/${name}`);
}

/** The Job when it has a condition. */
function jobWhen(cluster: PodmanCluster, name: string, condition: string): Promise<Job> {
  return eventually(`Job ${name} is ${condition}`, async () => {
    const found = await job(cluster, name);
    const isSo = found?.status.conditions?.some(({ type, status }) =>
      type === condition && status === "True"
    );
    return isSo ? found : undefined;
  });
}

async function indexed(cluster: PodmanCluster): Promise<void> {
  const script = 'echo "$JOB_COMPLETION_INDEX $(hostname)"';
  const spec = { completionMode: "Indexed", completions: 3, parallelism: 2 };
  const warned = await cluster.apply(jobOf("idx", { ...spec, template: templateOf(script) }));
  assert.equal(warned, "", "there is nothing to warn of");
  await cluster.kubectl("wait", "--for=condition=complete", "job/idx", "--timeout=120s");
  const { status } = await jobWhen(cluster, "idx", "Complete");
  assert.deepEqual([status.completedIndexes, status.succeeded], ["0-2", 3]);
  const logs = await cluster.kubectl("logs", "-l", "job-name=idx");
  assert.deepEqual(logs.trim().split("\n").sort(), ["0 idx-0", "1 idx-1", "2 idx-2"]);
  const pods = await cluster.pods("job-name=idx");
  assert.deepEqual(pods.map(({ metadata }) => metadata.finalizers), [
    undefined,
    undefined,
    undefined,
  ]);
  assert.match(await cluster.kubectl("describe", "job", "idx"), /Completed +\S+ +job-controller/);
}

async function failurePolicy(cluster: PodmanCluster): Promise<void> {
  const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }];
  const template = templateOf("exit 42");
  await cluster.apply(jobOf("policy", { podFailurePolicy: { rules }, template }));
  const { status } = await jobWhen(cluster, "policy", "Failed");
  const failed = status.conditions!.find(({ type }) => type === "Failed")!;
  assert.equal(failed.reason, "PodFailurePolicy");
  assert.match(
    failed.message!,
    /^Container main for pod default\/policy-\w{5} failed with exit code 42 matching FailJob rule at index 0$/,
  );
  assert.equal(status.failed, 1);
}

async function backoff(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(jobOf("fails", { backoffLimit: 1, template: templateOf("exit 1") }));
  const { status } = await jobWhen(cluster, "fails", "Failed");
  assert.equal(status.failed, 2);
  assert.equal(status.conditions!.at(-1)!.reason, "BackoffLimitExceeded");
  const times = (await cluster.pods("job-name=fails"))
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp!));
  const apartMs = Math.max(...times) - Math.min(...times);
  assert.ok(apartMs >= 9_000 && apartMs <= 25_000, `${apartMs} ms apart`);
}

async function expiry(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(jobOf("brief", { ttlSecondsAfterFinished: 0, template: templateOf("true") }));
  await eventually("the Job and its pods are gone", async () => {
    const pods = await cluster.pods("job-name=brief");
    return await job(cluster, "brief") === undefined && pods.length === 0;
  });
}

async function suspension(cluster: PodmanCluster): Promise<void> {
  const script = "[ -e /tmp/x ] || sleep 2";
  await cluster.apply(
    jobOf("pausing", { parallelism: 2, completions: 2, template: templateOf(script) }),
  );
  const suspend = (to: boolean) =>
    cluster.kubectl("patch", "job", "pausing", "-p", JSON.stringify({ spec: { suspend: to } }));
  await eventually("pods run", async () => (await cluster.pods("job-name=pausing")).length === 2);
  await suspend(true);
  await jobWhen(cluster, "pausing", "Suspended");
  await eventually("no pods", async () => (await cluster.pods("job-name=pausing")).length === 0);
  await suspend(false);
  const { status } = await jobWhen(cluster, "pausing", "Complete");
  assert.deepEqual([status.succeeded, status.failed], [2, undefined]);
}

async function schedule(cluster: PodmanCluster): Promise<void> {
  const template = templateOf("echo hello");
  const spec = { schedule: "* * * * *", jobTemplate: { spec: { template } } };
  const cronJob = { apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "tick" }, spec };
  assert.equal(await cluster.apply(cronJob), "", "there is nothing to warn of");
  await cluster.kubectl("create", "job", "--from=cronjob/tick", "now");
  await jobWhen(cluster, "now", "Complete");
  const path = "/apis/batch/v1/namespaces/default/cronjobs/tick";
  const { status } = await eventually("a Job was made and is complete", async () => {
    const found = await cluster.get<CronJob>(path);
    const { lastScheduleTime = "", lastSuccessfulTime = "" } = found?.status ?? {};
    return lastScheduleTime !== "" && lastSuccessfulTime >= lastScheduleTime ? found : undefined;
  }, MINUTE_MS_MAX);
  const dueMs = Date.parse(status.lastScheduleTime!);
  assert.equal(dueMs % 60_000, 0);
  const made = await job(cluster, `tick-${dueMs / 60_000}`);
  const lateMs = Date.parse(made!.metadata.creationTimestamp!) - dueMs;
  assert.ok(lateMs <= 2_000, `${lateMs} ms late`);
  await cluster.delete("cronjob", "tick");
  await eventually("its Jobs are gone", async () => await job(cluster, "now") === undefined);
}

function deploymentOf(name: string, replicas: number, spec: object): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...spec, terminationGracePeriodSeconds: 1 } },
    },
  };
}

async function budget(cluster: PodmanCluster): Promise<void> {
  const kept = deploymentOf("kept", 2, podSpecOf({ script: "sleep 10000" }));
  await cluster.apply(kept, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "kept" },
    spec: { minAvailable: "100%", selector: { matchLabels: { app: "kept" } } },
  });
  await cluster.kubectl("rollout", "status", "deployment/kept", "--timeout=120s");
  const path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/kept";
  await eventually("the budget has counted", async () => {
    const { status } = (await cluster.get<PodDisruptionBudget>(path))!;
    return status.currentHealthy === 2 && status.desiredHealthy === 2;
  });
  const [pod] = await cluster.pods("app=kept");
  const { name } = pod!.metadata;
  const body = JSON.stringify({ apiVersion: "policy/v1", kind: "Eviction", metadata: { name } });
  const evict = () =>
    cluster.kubectlWith(
      body,
      "create",
      "--raw",
      `/api/v1/namespaces/default/pods/${name}/eviction`,
      "-f",
      "-",
    );
  await assert.rejects(evict, /Cannot evict pod as it would violate the pod's disruption budget/);
  await cluster.kubectl(
    "patch",
    "pdb",
    "kept",
    "--type=merge",
    "-p",
    '{"spec":{"minAvailable":1}}',
  );
  await eventually(
    "one may go",
    async () => (await cluster.get<PodDisruptionBudget>(path))!.status.disruptionsAllowed === 1,
  );
  await evict();
  await eventually("it is gone", async () => await cluster.pod(name) === undefined);
  await cluster.delete("deployment", "kept");
}

async function autoscaler(cluster: PodmanCluster): Promise<void> {
  const resources = { requests: { cpu: "20m" }, limits: { cpu: "60m" } };
  const script = "while :; do i=$((i+1)); done";
  await cluster.apply(deploymentOf("busy", 1, podSpecOf({ script, container: { resources } })));
  await cluster.kubectl("rollout", "status", "deployment/busy", "--timeout=120s");
  await cluster.kubectl("autoscale", "deployment", "busy", "--max=2", "--cpu-percent=50");
  await eventually("there are two", async () => {
    const path = "/apis/apps/v1/namespaces/default/deployments/busy";
    return (await cluster.get<Deployment>(path))?.status.replicas === 2;
  }, MINUTE_MS_MAX);
  const described = await cluster.kubectl("describe", "hpa", "busy");
  assert.match(
    described,
    /New size: 2; reason: cpu resource utilization \(percentage of request\) above target/,
  );
  await cluster.delete("hpa", "busy");
  await cluster.delete("deployment", "busy");
}

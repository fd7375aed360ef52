import assert from "node:assert/strict";
import type { AnalysisRun, Rollout } from "../../core/resources/argoproj/mod.ts";
import type { Job } from "../../core/resources/batch/jobs.ts";
import { eventually } from "../eventually.ts";
import { isReady, type PodmanCluster, podSpecOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "analyses on Podman",
  subnet: 192,
  steps: [
    {
      name:
        "a web server is asked again for the answer that a kill of the server has lost; a secret stays one",
      run: secretWeb,
    },
    {
      name: "a run goes on where it was when the server is killed, and measures nothing twice",
      run: killed,
    },
    {
      name: "a run that is terminated takes the Job that measures along, with its pods",
      run: terminated,
    },
    { name: "a canary that its analysis finds bad goes back, and says why", run: badCanary },
    { name: "metrics ask the API server by its name, and nothing of the machine", run: webMetrics },
  ],
});

const GROUP = "argoproj.io/v1alpha1";
const API = `/apis/${GROUP}/namespaces/default`;

function jobMetric(script: string, more: object = {}): object {
  const pod = {
    ...podSpecOf({ script }),
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
  };
  const spec = { backoffLimit: 0, template: { spec: pod } };
  return { name: "job", provider: { job: { spec } }, ...more };
}

function runOf(name: string, metric: object): object {
  return {
    apiVersion: GROUP,
    kind: "AnalysisRun",
    metadata: { name },
    spec: { metrics: [metric] },
  };
}

/** The run as soon as it is so; fails with its status when that takes too long. */
async function runWhen(
  cluster: PodmanCluster,
  name: string,
  isSo: (status: NonNullable<AnalysisRun["status"]>) => unknown,
): Promise<AnalysisRun> {
  return await eventually(`AnalysisRun ${name}: ${isSo}`, async () => {
    const run = await cluster.get<AnalysisRun>(`${API}/analysisruns/${name}`);
    return run?.status && isSo(run.status) ? run : undefined;
  });
}

async function jobsOf(cluster: PodmanCluster, { metadata }: AnalysisRun): Promise<Job[]> {
  const selector = encodeURIComponent(`analysisrun.argoproj.io/uid=${metadata.uid}`);
  const path = `/apis/batch/v1/namespaces/default/jobs?labelSelector=${selector}`;
  return (await cluster.get<{ items: Job[] }>(path))!.items;
}

async function killed(cluster: PodmanCluster): Promise<void> {
  const metric = jobMetric("sleep 1", { count: 3, interval: "1s" });
  await cluster.apply(runOf("survivor", metric));
  for (const number of [1, 2]) {
    await runWhen(
      cluster,
      "survivor",
      ({ metricResults }) => (metricResults?.[0]?.measurements ?? []).length === number,
    );
    await cluster.server.kill();
    cluster.server = await cluster.server.restart();
  }
  const run = await runWhen(cluster, "survivor", ({ phase }) => phase === "Successful");
  const [result] = run.status!.metricResults!;
  assert.deepEqual([result!.count, result!.successful, result!.error], [3, 3, undefined]);
  const names = (await jobsOf(cluster, run)).map(({ metadata }) => metadata.name).sort();
  assert.deepEqual(names, [1, 2, 3].map((number) => `${run.metadata.uid}.job.${number}`));
  const pods = await cluster.pods(`job-name in (${names.join(",")})`);
  assert.equal(pods.length, 3);
}

async function terminated(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(runOf("endless", jobMetric("sleep 1000")));
  const run = await runWhen(cluster, "endless", ({ metricResults }) => metricResults?.length === 1);
  const [job] = await jobsOf(cluster, run);
  const selector = `job-name=${job!.metadata.name}`;
  await eventually("its pod runs", async () => (await cluster.pods(selector)).some(isReady));
  const patch = JSON.stringify({ spec: { terminate: true } });
  await cluster.kubectl("patch", "analysisrun", "endless", "--type=merge", "-p", patch);
  const { status } = await runWhen(cluster, "endless", ({ phase }) => phase === "Successful");
  assert.equal(status!.message, "Run Terminated");
  assert.equal(status!.metricResults![0]!.measurements![0]!.message, "Metric Terminated");
  await eventually(
    "the Job and its pod are gone",
    async () =>
      (await jobsOf(cluster, run)).length === 0 && (await cluster.pods(selector)).length === 0,
  );
}

async function badCanary(cluster: PodmanCluster): Promise<void> {
  const spec = { metrics: [jobMetric("exit 1")] };
  const template = (version: string) => ({
    metadata: { labels: { app: "judged" } },
    spec: {
      ...podSpecOf({ script: `echo ${version}; exec sleep 1000` }),
      terminationGracePeriodSeconds: 1,
    },
  });
  const rollout = (version: string) => ({
    apiVersion: GROUP,
    kind: "Rollout",
    metadata: { name: "judged" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "judged" } },
      strategy: {
        canary: {
          maxSurge: 1,
          maxUnavailable: 0,
          steps: [{ setWeight: 50 }, { analysis: { templates: [{ templateName: "never" }] } }],
        },
      },
      template: template(version),
    },
  });
  await cluster.apply({
    apiVersion: GROUP,
    kind: "AnalysisTemplate",
    metadata: { name: "never" },
    spec,
  }, rollout("v1"));
  const phase = (wanted: string) =>
    eventually(`the rollout is ${wanted}`, async () => {
      const found = await cluster.get<Rollout>(`${API}/rollouts/judged`);
      return found?.status?.phase === wanted ? found : undefined;
    });
  await phase("Healthy");
  const before = (await cluster.pods("app=judged")).map(({ metadata }) => metadata.name).sort();
  await cluster.apply(rollout("v2"));
  const { status } = await phase("Degraded");
  assert.equal(
    status!.message,
    'RolloutAborted: Rollout aborted update to revision 2: Metric "job" assessed Failed due to failed (1) > failureLimit (0)',
  );
  await eventually("the pods are as before", async () => {
    const pods = await cluster.pods("app=judged");
    const names = pods.map(({ metadata }) => metadata.name);
    return pods.length === 2 && pods.every(isReady) && before.some((name) => names.includes(name));
  });
  const logs = await cluster.kubectl("logs", "-l", "app=judged");
  assert.deepEqual(logs.trim().split("\n"), ["v1", "v1"]);
}

const TOKEN = "tok-5f3a9c";

/** Answers after two seconds, and notes each request as it comes. */
const METER = `
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/m <<'END'
#!/bin/sh
echo "$QUERY_STRING" >> /tmp/seen
sleep 2
printf 'Content-Type: application/json\\r\\n\\r\\n{"ok": true}'
END
chmod +x /www/cgi-bin/m
exec httpd -f -p 8080 -h /www
`;

async function secretWeb(cluster: PodmanCluster): Promise<void> {
  const labels = { app: "meter" };
  const web = (name: string, url: string, more: object) => ({
    apiVersion: GROUP,
    kind: "AnalysisRun",
    metadata: { name },
    spec: {
      args: [{ name: "token", valueFrom: { secretKeyRef: { name: "meter", key: "token" } } }],
      metrics: [{ name: "web", provider: { web: { url } }, ...more }],
    },
  });
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "meter", labels },
      spec: podSpecOf({ script: METER }),
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "meter" }, stringData: { token: TOKEN } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "meter" },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  );
  await cluster.readyPod("meter");
  const good = "http://meter.default.svc/cgi-bin/m?{{args.token}}";
  await cluster.apply(
    web("asked", good, { count: 2, interval: "1s", successCondition: "result.ok" }),
  );
  const requests = async () => {
    const seen = await cluster.kubectl("exec", "meter", "--", "sh", "-c", "cat /tmp/seen || true");
    return seen.split("\n").filter((line) => line !== "");
  };
  await eventually("it is asked", async () => (await requests()).length === 1);
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  const run = await runWhen(cluster, "asked", ({ phase }) => phase === "Successful");
  const [result] = run.status!.metricResults!;
  assert.deepEqual([result!.count, result!.error, result!.measurements!.length], [2, undefined, 2]);
  assert.deepEqual(await requests(), [TOKEN, TOKEN, TOKEN]);
  const bad = "http://meter.default.svc:81/{{args.token}}";
  await cluster.apply(web("refused", bad, { consecutiveErrorLimit: 0 }));
  const refused = await runWhen(cluster, "refused", ({ phase }) => phase === "Error");
  assert.match(refused.status!.message!, /\*{5}/);
  for (const shown of [run, refused]) assert(!JSON.stringify(shown).includes(TOKEN));
  assert(!cluster.log.includes(TOKEN));
}

async function webMetrics(cluster: PodmanCluster): Promise<void> {
  const web = (name: string, url: string, more: object = {}) => {
    const provider = { web: { url, jsonPath: "{$.major}" } };
    return runOf(name, { name, consecutiveErrorLimit: 0, provider, ...more });
  };
  const isOne = { successCondition: "result == '1'" };
  await cluster.apply(
    web("api", "https://kubernetes.default.svc/version", isOne),
    web("own", "https://127.0.0.1:6443/version"),
    web("cloud", "http://169.254.169.254/latest/meta-data"),
  );
  const { status } = await runWhen(cluster, "api", ({ phase }) => phase === "Successful");
  assert.equal(status!.metricResults![0]!.measurements![0]!.value, '"1"');
  for (const [name, use] of [["own", "loopback"], ["cloud", "link-local"]] as const) {
    const { status } = await runWhen(cluster, name, ({ phase }) => phase === "Error");
    assert.match(status!.message!, new RegExp(`${use} addresses are not asked`));
  }
}

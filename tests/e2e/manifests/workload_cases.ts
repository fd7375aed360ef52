import assert from "node:assert/strict";
import { eventually } from "../../eventually.ts";
import { answerOf, type Manifest, type ManifestCase } from "./manifest.ts";

/** Manifests of what runs pods. */
export const WORKLOAD_CASES: readonly ManifestCase[] = [
  { name: "guestbook", check: guestbook },
  { name: "zookeeper", check: zookeeper },
  { name: "statefulset-update", check: statefulSetUpdate },
  { name: "daemonset", check: daemonSet },
  { name: "sidecar-job", check: sidecarJob },
  { name: "indexed-job", check: indexedJob },
  { name: "failing-job", check: failingJob },
  { name: "short-lived-job", check: shortLivedJob },
  { name: "cronjob", check: cronJob },
  { name: "rolling-update", check: rollingUpdate },
  { name: "blue-green-by-hand", check: blueGreen },
  { name: "kompose", check: kompose },
  { name: "budget", check: budget },
  { name: "spread-apart", check: spreadApart },
  { name: "priority", check: priority },
  { name: "quota", check: quota },
  { name: "operator", check: operator },
];

async function guestbook(applied: Manifest): Promise<void> {
  await applied.ready("tier=frontend", 2);
  const service = await applied.get("services/frontend");
  const { nodePort } = service!["spec"].ports[0];
  assert.equal(await answerOf(`http://127.0.0.1:${nodePort}/`), "follower of leader");
}

async function zookeeper(applied: Manifest): Promise<void> {
  const pods = await applied.ready("app=zk", 3);
  assert.deepEqual(pods.map(({ metadata: { name } }) => name), ["zk-0", "zk-1", "zk-2"]);
  const readyAt = pods.map(({ status: { conditions } }) =>
    conditions!.find(({ type }) => type === "Ready")!.lastTransitionTime
  );
  const createdAt = pods.map(({ metadata }) => metadata.creationTimestamp);
  for (const next of [1, 2]) {
    assert.ok(
      createdAt[next]! >= readyAt[next - 1]!,
      `zk-${next} came before ${next - 1} was ready`,
    );
  }
  await applied.says("zk-0", "wget -qO- http://zk-2.zk-hs:2181/myid", "2");
  await applied.kubectl("delete", "pod", "zk-1", "--now");
  await eventually("zk-1 is another pod", async () => {
    const pod = await applied.get("pods/zk-1");
    return pod && pod.metadata.uid !== pods[1]!.metadata.uid;
  });
  await applied.ready("app=zk", 3);
  await applied.says("zk-1", "cat /data/myid", "1");
  const budget = await applied.get("policy/v1/poddisruptionbudgets/zk-pdb");
  assert.equal(budget!["status"].expectedPods, 3);
  await applied.kubectl("delete", "statefulset", "zk");
  await eventually(
    "its claims go with it",
    async () => (await applied.list("persistentvolumeclaims")).length === 0,
  );
}

async function statefulSetUpdate(applied: Manifest): Promise<void> {
  await applied.ready("app=db", 3);
  await applied.kubectl("set", "env", "statefulset/db", "VERSION=2");
  await eventually("all but the first are new", async () => {
    const set = await applied.get("apps/v1/statefulsets/db");
    return set!["status"].updatedReplicas === 2 && set!["status"].readyReplicas === 3;
  });
  const versions = (await applied.pods("app=db"))
    .map(({ spec }) => spec.containers[0]!.env!.find(({ name }) => name === "VERSION")!.value);
  assert.deepEqual(versions, ["1", "2", "2"]);
}

async function daemonSet(applied: Manifest): Promise<void> {
  const [pod] = await applied.ready("app=node-agent");
  const text = await applied.logs(pod!.metadata.name);
  assert.equal(text.split("\n")[0], pod!.spec.nodeName);
  assert.match(text, /^\d+\.\d+ \d+\.\d+$/m);
  await applied.kubectl("rollout", "status", "daemonset/node-agent", "--timeout=60s");
}

async function sidecarJob(applied: Manifest): Promise<void> {
  await applied.kubectl("wait", "--for=condition=complete", "job/with-sidecar", "--timeout=120s");
  const [pod] = await applied.pods("batch.kubernetes.io/job-name=with-sidecar");
  assert.equal(pod!.status.phase, "Succeeded");
  assert.equal((await applied.logs(pod!.metadata.name, "logshipper")).trim(), "worked");
}

async function indexedJob(applied: Manifest): Promise<void> {
  await applied.kubectl("wait", "--for=condition=complete", "job/indexed", "--timeout=120s");
  const job = await applied.get("batch/v1/jobs/indexed");
  assert.equal(job!["status"].succeeded, 4);
  assert.equal(job!["status"].completedIndexes, "0-3");
  const pods = await applied.pods("job-name=indexed");
  const said = await Promise.all(pods.map(({ metadata: { name } }) => applied.logs(name)));
  assert.deepEqual(said.map((text) => text.trim()).sort(), [
    "index 0 on indexed-0",
    "index 1 on indexed-1",
    "index 2 on indexed-2",
    "index 3 on indexed-3",
  ]);
}

async function failingJob(applied: Manifest): Promise<void> {
  const reasons = await Promise.all(
    ["retries", "by-policy"].map((name) =>
      eventually(`job ${name} has failed`, async () => {
        const job = await applied.get(`batch/v1/jobs/${name}`);
        const failed = job?.["status"].conditions?.find((each: { type: string }) =>
          each.type === "Failed"
        );
        return failed && [failed.reason, job!["status"].failed];
      })
    ),
  );
  assert.deepEqual(reasons, [["BackoffLimitExceeded", 1], ["PodFailurePolicy", 1]]);
}

async function shortLivedJob(applied: Manifest): Promise<void> {
  await eventually("the Job has gone with its pods", async () => {
    const [job, pods] = [await applied.get("batch/v1/jobs/brief"), await applied.list("pods")];
    return job === undefined && pods.length === 0;
  });
  assert.match((await applied.events("brief")).join(), /Completed: Job completed/);
}

async function cronJob(applied: Manifest): Promise<void> {
  await applied.kubectl("create", "job", "by-hand", "--from=cronjob/nightly");
  await applied.kubectl("wait", "--for=condition=complete", "job/by-hand", "--timeout=120s");
  const isOwn = ({ metadata: { name } }: { metadata: { name: string } }) =>
    /^nightly-\d+$/.test(name);
  const job = await eventually(
    "the schedule fires",
    async () =>
      (await applied.list("batch/v1/jobs")).find((each) =>
        isOwn(each) && each["status"].succeeded === 1
      ),
  );
  const minute = Number(job.metadata.name.split("-")[1]) * 60_000;
  assert.ok(Math.abs(Date.parse(job.metadata.creationTimestamp!) - minute) < 60_000);
  const cron = await applied.get("batch/v1/cronjobs/nightly");
  assert.ok(cron!["status"].lastScheduleTime);
}

async function rollingUpdate(applied: Manifest): Promise<void> {
  const before = await applied.ready("app=web", 2);
  await applied.kubectl("set", "env", "deployment/web", "VERSION=v2");
  const status = () => applied.get("apps/v1/deployments/web").then((web) => web!["status"]);
  await eventually(
    "the update is told to hang",
    async () =>
      (await status()).conditions.some((each: { reason: string }) =>
        each.reason === "ProgressDeadlineExceeded"
      ),
  );
  assert.equal((await status()).readyReplicas, 2);
  const [pod] = before;
  const name = pod!.metadata.name;
  for (let i = 0; i < 4; i++) {
    assert.equal(await applied.exec(name, "wget -qO- http://web"), "v1\n");
  }
  await applied.kubectl("rollout", "undo", "deployment/web");
  await applied.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  const after = await applied.ready("app=web", 2);
  const names = (pods: typeof before) => pods.map(({ metadata }) => metadata.name).sort();
  assert.deepEqual(names(after), names(before), "those of the old version were never stopped");
}

async function blueGreen(applied: Manifest): Promise<void> {
  await applied.ready("app=web", 2);
  const { spec } = (await applied.get("services/web"))!;
  const url = `http://${spec.clusterIP}/`;
  assert.equal(await answerOf(url), "blue");
  const patch = JSON.stringify({ spec: { selector: { slot: "green" } } });
  await applied.kubectl("patch", "service", "web", "-p", patch);
  await eventually("all go to the other", async () => (await answerOf(url)) === "green");
}

async function kompose(applied: Manifest): Promise<void> {
  await applied.ready("io.kompose.service=web");
  const { spec } = (await applied.get("services/web"))!;
  assert.equal(await answerOf(`http://${spec.clusterIP}:8000/`), "ahoy");
}

async function budget(applied: Manifest): Promise<void> {
  const [pod] = await applied.ready("app=web");
  await eventually(
    "the budget has counted",
    async () =>
      (await applied.get("policy/v1/poddisruptionbudgets/web"))!["status"].currentHealthy === 1,
  );
  const evict = async (name: string) => {
    const path = `/api/v1/namespaces/${applied.namespace}/pods/${name}/eviction`;
    const metadata = { name, namespace: applied.namespace };
    const body = JSON.stringify({ apiVersion: "policy/v1", kind: "Eviction", metadata });
    const headers = { "content-type": "application/json" };
    const answer = await applied.cluster.server.fetch(path, { method: "POST", headers, body });
    return [answer.status, (await answer.json()).message];
  };
  const [code, message] = await evict(pod!.metadata.name);
  assert.equal(code, 429);
  assert.equal(message, "Cannot evict pod as it would violate the pod's disruption budget.");
  await applied.kubectl("scale", "deployment/web", "--replicas=2");
  await applied.ready("app=web", 2);
  await eventually("one may go", async () => (await evict(pod!.metadata.name))[0] === 201);
}

async function spreadApart(applied: Manifest): Promise<void> {
  await eventually("one runs and the other says why not", async () => {
    const pods = await applied.pods("app=apart");
    const waiting = pods.find(({ status }) =>
      status.conditions?.some(({ reason, message }) =>
        reason === "Unschedulable" &&
        /^0\/1 nodes are available: 1 node\(s\) didn't match pod anti-affinity rules\./
          .test(message ?? "")
      )
    );
    return pods.length === 2 && waiting && pods.some(({ status }) => status.phase === "Running");
  });
}

async function priority(applied: Manifest): Promise<void> {
  await applied.pod("lesser");
  const gates = JSON.stringify([{ op: "remove", path: "/spec/schedulingGates" }]);
  await applied.kubectl("patch", "pod", "vital", "--type=json", "-p", gates);
  const vital = await applied.pod("vital");
  assert.equal(vital.spec.priority, 1_000_000);
  await eventually("the other goes", async () => !await applied.get("pods/lesser"));
  assert.match((await applied.events("lesser")).join(), /Preempted: Preempted by pod /);
}

async function quota(applied: Manifest): Promise<void> {
  const pod = await applied.pod("first");
  const { resources } = pod.spec.containers[0]!;
  assert.deepEqual(resources, { limits: { cpu: "200m" }, requests: { cpu: "100m" } });
  const more = ["run", "second", "--image=localhost/e2e:1", "--restart=Never"];
  assert.match(
    await applied.refusal(...more),
    /forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1/,
  );
  const { status } = (await applied.get("resourcequotas/small"))!;
  assert.equal(status.used["requests.cpu"], "100m");
  const large = JSON.stringify({ containers: [{ name: "main", image: "x", resources: LARGE }] });
  assert.match(
    await applied.refusal(...more, `--overrides=${JSON.stringify({ spec: JSON.parse(large) })}`),
    /maximum cpu usage per Container is 500m, but limit is 2/,
  );
}
const LARGE = { limits: { cpu: "2" } };

async function operator(applied: Manifest): Promise<void> {
  await applied.write(`
apiVersion: manifests.example.com/v1
kind: Boat
metadata: {name: coracle}
spec: {}`);
  assert.match(await applied.kubectl("get", "boats"), /^NAME +CREW\s+coracle +2\s*$/);
  const account = `system:serviceaccount:${applied.namespace}:boat-operator`;
  const may = (verb: string, what: string) =>
    applied.kubectl("auth", "can-i", verb, what, `--as=${account}`).catch(() => "no\n");
  assert.equal(await may("update", "boats.manifests.example.com"), "yes\n");
  assert.equal(await may("get", "secrets"), "no\n");
  const patch = JSON.stringify({ spec: { crew: 10 } });
  assert.match(
    await applied.refusal("patch", "boat", "coracle", "--type=merge", "-p", patch),
    /too many/,
  );
  await applied.cluster.kubectl("delete", "crd", "boats.manifests.example.com");
}

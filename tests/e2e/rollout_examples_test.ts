import assert from "node:assert/strict";
import { makeLocalImage } from "../../agent/runtimes/podman/local_image.ts";
import { demoImage } from "../../cli/demo_image.ts";
import { Flow } from "../../cli/demo/flow.ts";
import { runProgram } from "../../cli/program.ts";
import { sendTraffic } from "../../cli/traffic.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import type { AnalysisRun } from "../../core/resources/argoproj/mod.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { eventually } from "../eventually.ts";
import { type PodmanCluster, testOnPodman } from "./podman_cluster.ts";
import { freePort } from "./web_app.ts";

const port = freePort();
const url = `http://127.0.0.1:${port}/`;

testOnPodman({
  name: "the examples of rollouts",
  subnet: 168,
  steps: [
    {
      name: "a canary goes on when somebody promotes it",
      run: of({ name: "canary", changes: [["duration: 10s", "duration: 3s"]] }, canary),
    },
    {
      name: "blue-green: a Job tests the preview, then all is switched",
      run: of({ name: "blue_green" }, blueGreen),
    },
    {
      name: "an analysis on the proxy lets a good version pass, and stops a bad one",
      run: of({ name: "analysis_on_proxy" }, onProxy),
    },
    {
      name: "an analysis on Prometheus",
      run: of(
        { name: "analysis_on_prometheus", changes: [["interval: 10s", "interval: 1s"]] },
        onPrometheus,
      ),
    },
    {
      name: "a Deployment with annotations",
      run: of({ name: "deployment", changes: [[":30s", ":2s"]] }, deployment),
    },
    {
      name: "a StatefulSet, by its last pod first",
      run: of({ name: "stateful_set" }, inPlace),
    },
  ],
});

interface Example {
  name: string;
  /** What the test has otherwise. */
  changes?: readonly [from: string, to: string][];
}

function of(example: Example, act: (cluster: PodmanCluster) => Promise<void>) {
  return (cluster: PodmanCluster) => withExample(cluster, example, () => act(cluster));
}

/** Applies an example, changed here and there, for as long as `act` goes on. */
async function withExample(
  cluster: PodmanCluster,
  { name, changes = [] }: Example,
  act: () => Promise<void>,
): Promise<void> {
  await makeLocalImage(cluster.podman, demoImage());
  const file = new URL(`../../examples/rollouts/${name}.yaml`, import.meta.url);
  const own = [["      port: 8080\n---", `      port: ${port}\n---`] as const, ...changes];
  const text = own.reduce(
    (text, [from, to]) => text.replaceAll(from, to),
    await Deno.readTextFile(file),
  );
  await cluster.kubectlWith(text, "apply", "-f", "-");
  try {
    await act();
  } finally {
    await cluster.kubectlWith(text, "delete", "--wait", "-f", "-");
    await eventually("no pods", async () => (await cluster.pods("app=web")).length === 0);
  }
}

/** Runs `coracle rollout`; gives its output. */
async function coracle(cluster: PodmanCluster, ...args: string[]): Promise<string> {
  const said = { out: "", err: "" };
  const { kubeconfig } = cluster.server;
  const code = await runProgram(["rollout", ...args, "--kubeconfig", kubeconfig], {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    interactive: false,
    signal: AbortSignal.timeout(120_000),
  });
  assert.equal(code, 0, said.out + said.err);
  return said.out;
}

async function setVersion(cluster: PodmanCluster, version: string): Promise<void> {
  const path = "/spec/template/spec/containers/0/env/0/value";
  const patch = JSON.stringify([{ op: "replace", path, value: version }]);
  await cluster.kubectl("patch", "rollout", "web", "--type=json", "-p", patch);
}

/** Waits until a rollout stands at a weight, paused. */
async function pausedAt(cluster: PodmanCluster, weight: number): Promise<void> {
  await eventually(`paused at ${weight}`, async () => {
    const info = JSON.parse(await coracle(cluster, "get", "web", "-o", "json"));
    return info.actualWeight === String(weight) && info.status === "Paused";
  });
}

async function split(requests: number, from = url): Promise<Record<string, number>> {
  const { signal } = new AbortController();
  const { answers, failed } = await sendTraffic({ url: from, requests, connections: 1, signal });
  assert.equal(failed, 0);
  return Object.fromEntries([...answers].sort());
}

async function canary(cluster: PodmanCluster): Promise<void> {
  await coracle(cluster, "status", "web", "--timeout", "60s");
  await eventually("v1", async () => (await split(1))["v1"] === 1);
  await setVersion(cluster, "v2");
  await pausedAt(cluster, 20);
  assert.deepEqual(await split(100), { v1: 80, v2: 20 });
  await pausedAt(cluster, 50);
  assert.deepEqual(await split(100), { v1: 50, v2: 50 });
  assert.match(await coracle(cluster, "promote", "web"), /promoted/);
  await coracle(cluster, "status", "web", "--timeout", "60s");
  assert.deepEqual(await split(20), { v2: 20 });
}

async function clusterUrl(cluster: PodmanCluster, service: string): Promise<string> {
  const found = await cluster.get<Service>(`/api/v1/namespaces/default/services/${service}`);
  return `http://${found!.spec.clusterIP}/`;
}

async function blueGreen(cluster: PodmanCluster): Promise<void> {
  await coracle(cluster, "status", "web", "--timeout", "60s");
  const web = await clusterUrl(cluster, "web");
  await eventually("v1", async () => (await split(1, web))["v1"] === 1);
  await setVersion(cluster, "v2");
  await eventually("v2", async () => (await split(1, web))["v2"] === 1);
  await coracle(cluster, "status", "web", "--timeout", "60s");
  const path = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";
  const runs = (await cluster.get<{ items: AnalysisRun[] }>(path))!.items;
  assert.deepEqual(runs.map(({ status }) => status?.phase), ["Successful"]);
  assert.match(await coracle(cluster, "undo", "web"), /undo/);
  await eventually("v1 again", async () => (await split(1, web))["v1"] === 1);
  await coracle(cluster, "status", "web", "--timeout", "60s");
}

/** Sends requests while `act` goes on; gives what became of them. */
async function underLoad(to: string, perSecond: number, act: () => Promise<void>): Promise<Flow> {
  const flow = new Flow({ url: to, perSecond, connections: 4, clock: new SystemClock() });
  const stop = new AbortController();
  const running = flow.run(stop.signal);
  try {
    await act();
  } finally {
    stop.abort();
    await running;
  }
  return flow;
}

async function onProxy(cluster: PodmanCluster): Promise<void> {
  await coracle(cluster, "status", "web", "--timeout", "60s");
  await eventually("v1", async () => (await split(1))["v1"] === 1);
  const { total: { versions, lost } } = await underLoad(url, 200, async () => {
    await setVersion(cluster, "v2");
    await coracle(cluster, "status", "web", "--timeout", "90s");
    const env = [
      { op: "replace", path: "/spec/template/spec/containers/0/env/0/value", value: "v3" },
      {
        op: "add",
        path: "/spec/template/spec/containers/0/env/-",
        value: { name: "FAIL_ONE_IN", value: "5" },
      },
    ];
    await cluster.kubectl("patch", "rollout", "web", "--type=json", "-p", JSON.stringify(env));
    await eventually("it is taken back", async () => {
      const info = JSON.parse(await coracle(cluster, "get", "web", "-o", "json"));
      return info.status === "Degraded" && info.message.includes('Metric "errors" assessed Failed');
    });
  });
  assert.equal(lost, 0);
  assert.deepEqual([versions.get("v1")!.errors, versions.get("v2")!.errors], [0, 0]);
  assert.ok(versions.get("v3")!.errors > 0);
}

/** What answers as Prometheus does, always the same. */
const PROMETHEUS_SCRIPT = "mkdir -p /tmp/www/api/v1 && echo '" + JSON.stringify({
  status: "success",
  data: { resultType: "vector", result: [{ metric: {}, value: [0, "0.99"] }] },
}) + "' > /tmp/www/api/v1/query && exec httpd -f -p 9090 -h /tmp/www";

async function onPrometheus(cluster: PodmanCluster): Promise<void> {
  await makeLocalImage(cluster.podman, demoImage());
  const labels = { app: "prometheus" };
  const namespace = "monitoring";
  await cluster.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "prometheus", namespace, labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{
          name: "prometheus",
          image: "localhost/coracle-demo:1",
          imagePullPolicy: "Never",
          command: ["/bin/sh", "-c", PROMETHEUS_SCRIPT],
        }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "prometheus", namespace },
      spec: { selector: labels, ports: [{ port: 9090 }] },
    },
  );
  await coracle(cluster, "status", "web", "--timeout", "60s");
  await setVersion(cluster, "v2");
  await coracle(cluster, "status", "web", "--timeout", "60s");
  const path = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";
  const runs = (await cluster.get<{ items: AnalysisRun[] }>(path))!.items;
  const values = runs[0]!.status!.metricResults![0]!.measurements!.map(({ value }) => value);
  assert.deepEqual(values, ["[0.99]", "[0.99]"]);
}

async function deployment(cluster: PodmanCluster): Promise<void> {
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
  await eventually("v1", async () => (await split(1))["v1"] === 1);
  const flow = await underLoad(url, 200, async () => {
    await cluster.kubectl("set", "env", "deployment/web", "VERSION=v2");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  });
  assert.equal(flow.total.lost, 0);
  assert.deepEqual([...flow.total.versions.keys()].sort(), ["v1", "v2"]);
  await cluster.kubectl("rollout", "undo", "deployment/web");
  await eventually("the old version is asked for", async () => {
    const info = JSON.parse(await coracle(cluster, "get", "deployment/web", "-o", "json"));
    return info.replicaSets[0].revision === 3;
  });
}

async function inPlace(cluster: PodmanCluster): Promise<void> {
  const versions = async () => {
    const pods = await cluster.pods("app=web");
    const all = pods.map(({ metadata: { name }, spec, status }) => {
      const version = spec.containers[0]!.env!.find(({ name }) => name === "VERSION")!.value!;
      const ready = status.conditions?.some(({ type, status }) =>
        type === "Ready" && status === "True"
      );
      return [name, ready ? version : "", spec.nodeName] as const;
    });
    return all.sort(([a], [b]) => a < b ? -1 : 1).map(([, version]) => version).join(" ");
  };
  const become = (wanted: string) => eventually(wanted, async () => (await versions()) === wanted);
  await become("v1 v1 v1");
  await cluster.kubectl("set", "env", "statefulset/web", "VERSION=v2");
  await become("v1 v1 v2");
  await eventually("it waits", async () => /Paused/.test(await coracle(cluster, "get", "web")));
  await coracle(cluster, "abort", "web");
  await become("v1 v1 v1");
  await coracle(cluster, "retry", "web");
  await become("v1 v1 v2");
  await coracle(cluster, "promote", "web");
  await become("v2 v2 v2");
  await cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s");
}

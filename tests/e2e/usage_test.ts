import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { isReady, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "what pods use, on Podman: kubectl top, and what a kubelet tells",
  subnet: 171,
  steps: [
    { name: "kubectl top shows nodes, pods and containers", run: top },
    { name: "the group metrics.k8s.io is found, listed and explained", run: group },
    { name: "the node tells what a kubelet tells", run: kubelet },
  ],
});

const BURN = "while :; do i=$((i+1)); done";

async function top(cluster: PodmanCluster): Promise<void> {
  const sidecar = { name: "calm", image: "localhost/e2e:1", command: ["sleep", "600"] };
  const probe = { exec: { command: ["true"] }, periodSeconds: 1 };
  const resources = { limits: { cpu: "300m", memory: "64Mi" } };
  const busy = podOf("busy", { script: BURN, container: { resources, readinessProbe: probe } });
  (busy as { spec: { containers: object[] } }).spec.containers.push(sidecar);
  await cluster.apply(busy);
  await cluster.podWhen("busy", isReady);
  const lines = await eventually("kubectl top pod", async () => {
    const text = await cluster.kubectl("top", "pod", "--containers", "--no-headers");
    const rows = text.trim().split("\n").map((line) => line.split(/\s+/));
    const main = rows.find(([, name]) => name === "main");
    return main && Number.parseInt(main[2]!) > 150 ? rows : undefined;
  });
  const [calm, main] = ["calm", "main"].map((wanted) => lines.find(([, name]) => name === wanted)!);
  assert.ok(Number.parseInt(main![2]!) <= 400, main!.join(" "));
  assert.ok(Number.parseInt(calm![2]!) <= 20, calm!.join(" "));
  const node = await cluster.kubectl("top", "node", "--no-headers");
  const [, cpu, percent, memory] = node.trim().split(/\s+/);
  assert.match(`${cpu} ${percent} ${memory}`, /^\d+m \d+% \d+Mi$/);
  const summed = await cluster.kubectl("top", "pod", "-l", "app=busy", "--no-headers", "--sum");
  assert.match(summed, /busy\s+\d+m\s+\d+Mi/);
}

async function group(cluster: PodmanCluster): Promise<void> {
  const api = await cluster.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--no-headers");
  assert.match(api, /^v1beta1\.metrics\.k8s\.io\s+Local\s+True/);
  const names = await cluster.kubectl("api-resources", "--api-group=metrics.k8s.io", "-o", "name");
  assert.deepEqual(names.trim().split("\n"), ["nodes.metrics.k8s.io", "pods.metrics.k8s.io"]);
  assert.match(
    await cluster.kubectl("get", "podmetrics"),
    /NAME\s+CPU\s+MEMORY\s+WINDOW\nbusy\s+\d/,
  );
  assert.match(await cluster.kubectl("explain", "podmetrics.containers.usage"), /GROUP: +metrics/);
  const path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
  const list = await cluster.get<{ kind: string; items: { metadata: { labels: object } }[] }>(
    `${path}?labelSelector=app%3Dbusy`,
  );
  assert.equal(list?.kind, "PodMetricsList");
  assert.deepEqual(list.items.map(({ metadata }) => metadata.labels), [{ app: "busy" }]);
  assert.deepEqual((await cluster.get<typeof list>(`${path}?labelSelector=app%3Dx`))?.items, []);
  assert.equal(await cluster.get(`${path}/absent`), undefined);
  const one = await cluster.get<{ window: string }>(`${path}/busy`);
  assert.match(one!.window, /^[\d.]+m?s$/);
}

async function kubelet(cluster: PodmanCluster): Promise<void> {
  const [name] = (await cluster.kubectl("get", "node", "-o", "name")).trim().split("\n");
  const raw = (path: string) =>
    cluster.kubectl("get", "--raw", `/api/v1/${name!.replace("node", "nodes")}/proxy${path}`);
  const summary = JSON.parse(await raw("/stats/summary"));
  const [pod] = summary.pods;
  assert.equal(pod.podRef.name, "busy");
  const main = pod.containers.find((each: { name: string }) => each.name === "main");
  assert.ok(main.cpu.usageCoreNanoSeconds > 1e8, JSON.stringify(main.cpu));
  assert.ok(main.memory.workingSetBytes > 0 && main.memory.availableBytes < 64 * 1024 * 1024);
  assert.ok(main.logs && main.rootfs, JSON.stringify(main));
  assert.ok(pod.network.rxBytes >= 0 && pod["ephemeral-storage"].usedBytes > 0);
  assert.ok(summary.node.fs.capacityBytes > summary.node.fs.availableBytes);
  assert.ok(summary.node.rlimit.maxpid > summary.node.rlimit.curproc);
  assert.match(
    await raw("/metrics/resource"),
    /\ncontainer_memory_working_set_bytes\{container="calm",namespace="default",pod="busy"\} \d+ \d+\n/,
  );
  assert.match(
    await raw("/metrics/cadvisor"),
    /\ncontainer_network_receive_bytes_total\{.*interface="eth0"/,
  );
  assert.match(
    await raw("/metrics/probes"),
    /prober_probe_total\{container="main",namespace="default",pod="busy",pod_uid="[^"]+",probe_type="Readiness",result="successful"\} \d+/,
  );
  await cluster.delete("pod", "busy");
}

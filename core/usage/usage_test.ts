import assert from "node:assert/strict";
import { freshObjects } from "../objects/objects_fixture.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { check } from "../schema/check.ts";
import { ClusterUsage } from "./cluster_usage.ts";
import { cadvisorMetrics, probeMetrics, resourceMetrics } from "./kubelet_metrics.ts";
import { type NodeReport, nodeReport } from "./node_report.ts";
import { nodeMetricsOf, podMetricsOf } from "./resource_usage.ts";
import { summaryOf } from "./summary.ts";
import { REPORT } from "./usage_fixture.ts";

const [POD] = REPORT.pods;

Deno.test("metrics are as metrics-server writes them", () => {
  assert.deepEqual(podMetricsOf(REPORT, POD!, { app: "web" }), {
    apiVersion: "metrics.k8s.io/v1beta1",
    kind: "PodMetrics",
    metadata: {
      name: "web",
      namespace: "shop",
      creationTimestamp: "2026-01-01T00:00:30Z",
      labels: { app: "web" },
    },
    timestamp: "2026-01-01T00:00:30Z",
    window: "15.063s",
    containers: [
      { name: "a", usage: { cpu: "2283410n", memory: "2Mi" } },
      { name: "b", usage: { cpu: "2m", memory: "1001" } },
    ],
  });
  const { window, usage } = nodeMetricsOf(REPORT, undefined)!;
  assert.deepEqual({ window, usage }, { window: "15s", usage: { cpu: "1500m", memory: "2Mi" } });
});

Deno.test("there are no metrics of a pod before all its containers have a window", () => {
  const [a, b] = POD!.containers;
  const fresh = { ...b!, cpu: { totalNanos: 1 } };
  assert.equal(podMetricsOf(REPORT, { ...POD!, containers: [a!, fresh] }, {}), undefined);
  assert.equal(podMetricsOf(REPORT, { ...POD!, containers: [] }, {}), undefined);
  assert.equal(nodeMetricsOf({ ...REPORT, cpu: { totalNanos: 1 } }, {}), undefined);
});

Deno.test("the summary is the kubelet's, in full and short", () => {
  const time = "2026-01-01T00:00:30Z";
  const { node, pods: [pod] } = summaryOf(REPORT, { isShort: false }) as Summary;
  assert.deepEqual(node["cpu"], { time, usageNanoCores: 1_500_000_000, usageCoreNanoSeconds: 5e9 });
  assert.deepEqual(node["rlimit"], { time, maxpid: 100, curproc: 5 });
  const fs = { time, availableBytes: 40, capacityBytes: 100, inodes: 10, inodesFree: 4 };
  assert.deepEqual(node["fs"], { ...fs, usedBytes: 60, inodesUsed: 6 });
  assert.deepEqual(node["runtime"], { imageFs: node["fs"], containerFs: node["fs"] });
  assert.deepEqual(pod!["podRef"], { name: "web", namespace: "shop", uid: "uid-1" });
  assert.deepEqual(pod!["cpu"], { time, usageNanoCores: 4_283_410, usageCoreNanoSeconds: 3e9 });
  assert.deepEqual(pod!["process_stats"], { process_count: 3 });
  const [container] = pod!["containers"] as Record<string, unknown>[];
  assert.deepEqual(container!["logs"], { ...fs, usedBytes: 8, inodesUsed: 1 });
  const short = summaryOf(REPORT, { isShort: true }) as Summary;
  assert.deepEqual(Object.keys(short.node), ["nodeName", "startTime", "cpu", "memory"]);
  assert.deepEqual(Object.keys(short.pods[0]!), [
    "podRef",
    "startTime",
    "containers",
    "cpu",
    "memory",
  ]);
});

Deno.test("the texts for Prometheus name what a kubelet names, and quote what pods are called", () => {
  const resource = resourceMetrics(REPORT).split("\n");
  const at = REPORT.atMs;
  for (
    const line of [
      `container_cpu_usage_seconds_total{container="a",namespace="shop",pod="web"} 1 ${at}`,
      `container_start_time_seconds{container="a",namespace="shop",pod="web"} 1767225611.5`,
      `pod_memory_working_set_bytes{namespace="shop",pod="web"} 2098153 ${at}`,
      `node_cpu_usage_seconds_total 5 ${at}`,
      "# TYPE node_memory_working_set_bytes gauge",
      "resource_scrape_error 0",
    ]
  ) assert.ok(resource.includes(line), line);
  assert.match(
    cadvisorMetrics(REPORT),
    /^container_network_transmit_bytes_total\{id="\/kubepods\/poduid-1",interface="eth0",namespace="shop",pod="web"\} 12 /m,
  );
  assert.match(
    probeMetrics(REPORT),
    /^prober_probe_total\{container="a",namespace="shop",pod="we\\"b",pod_uid="uid-1",probe_type="Liveness",result="failed"\} 3$/m,
  );
});

Deno.test("a report of another node is checked: what is no report, or endless, is none", () => {
  assert.deepEqual(check(nodeReport, structuredClone(REPORT)).causes, []);
  const pod = structuredClone(POD!);
  const hostile: unknown[] = [
    "x",
    {},
    { ...REPORT, cpu: { totalNanos: "many" } },
    { ...REPORT, memory: { ...REPORT.memory, usedBytes: -1 } },
    { ...REPORT, memory: { ...REPORT.memory, usedBytes: 1e300 } },
    { ...REPORT, pods: Array.from({ length: 2_001 }, () => pod) },
    { ...REPORT, pods: [{ ...pod, name: "x".repeat(301) }] },
    { ...REPORT, pods: [null] },
  ];
  for (const report of hostile) {
    assert.notDeepEqual(
      check(nodeReport, structuredClone(report)).causes,
      [],
      JSON.stringify(report).slice(0, 80),
    );
  }
});

Deno.test("reports of nodes elsewhere are kept while they are fresh, and wanted often while somebody asks", async () => {
  const { client, clock } = await freshObjects();
  for (const name of ["node-a", "node-b"]) await client.create(nodes, { metadata: { name } });
  const usage = new ClusterUsage({
    view: client,
    clock,
    sources: new Map([["node-b", {
      report: () => Promise.resolve({ ...REPORT, node: "node-b" }),
    }]]),
  });
  assert.deepEqual(usage.take(REPORT), { nextMs: 60_000 });
  const names = async () => (await usage.metrics("nodes")).map(({ metadata }) => metadata.name);
  assert.deepEqual(await names(), ["node-a", "node-b"]);
  assert.deepEqual(usage.take(REPORT), { nextMs: 15_000 });
  await clock.advance(299_000);
  assert.deepEqual(await names(), ["node-b"]);
  await clock.advance(300_000);
  assert.deepEqual(usage.take(REPORT), { nextMs: 60_000 });
  await client.delete(nodes, { name: "node-a" });
  usage.take({ ...REPORT, node: "node-b" });
  assert.equal(await usage.reportOf("node-a"), undefined);
});

Deno.test("agents behind tunnels are asked once for all who want to know, and what they said holds for a while", async () => {
  const { client, clock } = await freshObjects();
  for (const name of ["node-a", "node-b"]) await client.create(nodes, { metadata: { name } });
  let asked = 0;
  let fault: Error | undefined;
  let isThere = true;
  const source = {
    report: async () => {
      asked++;
      await Promise.resolve();
      if (fault) throw fault;
      return REPORT;
    },
  };
  const remote = (node: string) => isThere && node === "node-a" ? source : undefined;
  const usage = new ClusterUsage({ view: client, clock, sources: new Map(), remote });
  const names = async () => (await usage.metrics("nodes")).map(({ metadata }) => metadata.name);
  assert.deepEqual(await Promise.all([names(), names()]), [["node-a"], ["node-a"]]);
  assert.equal(asked, 1);
  await clock.advance(10_000);
  await names();
  assert.equal(asked, 1);
  await clock.advance(1);
  await names();
  await usage.reportOf("node-a", { withFiles: true });
  assert.equal(asked, 3);
  fault = new Error("no tunnel");
  await clock.advance(150_000);
  assert.deepEqual([await names(), asked], [["node-a"], 4]);
  await clock.advance(1);
  assert.deepEqual([await names(), asked], [[], 5]);
  [fault, isThere] = [undefined, false];
  usage.take(REPORT);
  assert.deepEqual([await names(), asked], [["node-a"], 5]);
});

Deno.test("a report tells of the pods of its own node alone, and of those that run", async () => {
  const { client, clock } = await freshObjects();
  for (const name of ["node-a", "node-b"]) await client.create(nodes, { metadata: { name } });
  const usage = new ClusterUsage({ view: client, clock, sources: new Map() });
  const create = async (name: string, nodeName: string, phase: "Running" | "Pending") => {
    const spec = { nodeName, containers: [{ name: "a", image: "x" }] };
    const pod = await client.create(pods, { metadata: { name, namespace: "default" }, spec });
    await client.updateStatus(pods, { ...pod, status: { ...pod.status, phase } });
    return { ...POD!, name, namespace: "default", uid: pod.metadata.uid };
  };
  const own = await create("own", "node-a", "Running");
  const others = await create("others", "node-b", "Running");
  const early = await create("early", "node-a", "Pending");
  usage.take({ ...REPORT, pods: [own, others, early, { ...own, uid: "forged" }] } as NodeReport);
  const found = await usage.metrics("pods");
  assert.deepEqual(found.map(({ metadata }) => metadata.name), ["own"]);
});

interface Summary {
  node: Record<string, unknown>;
  pods: Record<string, unknown>[];
}

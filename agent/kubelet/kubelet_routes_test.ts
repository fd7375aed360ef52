import assert from "node:assert/strict";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { concat } from "../../core/lib/bytes.ts";
import { REPORT } from "../../core/usage/usage_fixture.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { lazyKubelet } from "./lazy_kubelet.ts";

const POD = { metadata: { name: "web", namespace: "default", uid: "u1" } };
const CONTAINERS = [
  { podUid: "u1", podName: "web", podNamespace: "default", name: "main", state: "running" },
  { podUid: "u1", podName: "web", podNamespace: "default", name: "done", state: "exited" },
] as ContainerState[];

const kubelet = lazyKubelet(() => ({
  nodeName: "edge",
  view: {
    by: (resource: unknown, _index: string, key: string) =>
      (resource === pods && key === "edge" ? [POD] : []) as never,
  },
  containers: () => CONTAINERS,
  machine: { capacity: { pods: "30" } },
  usage: { report: () => Promise.resolve(REPORT) } as never,
  podPidsMax: 512,
  shutdownGrace: { graceMs: 90_000, criticalMs: 3_600_000 },
}));

async function asked(path: string, query = "") {
  const { status, type, body } = await kubelet.ask({ path, query }, new AbortController().signal);
  return { status, type, text: new TextDecoder().decode(concat(await Array.fromAsync(body))) };
}

Deno.test("each route answers with a kubelet's status and type", async () => {
  const table: [string, number, RegExp, RegExp][] = [
    ["/healthz", 200, /^text\/plain/, /^ok$/],
    ["/healthz/syncloop", 200, /^text\/plain/, /^ok$/],
    ["/pods", 200, /^application\/json$/, /"kind":"PodList".*"uid":"u1"/],
    ["/runningpods", 200, /^application\/json$/, /"containers":\[\{"name":"main"/],
    ["/stats/summary", 200, /^application\/json$/, /"nodeName":"node-a".*"rlimit"/],
    ["/metrics", 200, /version=0\.0\.4/, /^kubelet_running_pods 1$/m],
    [
      "/metrics",
      200,
      /version=0\.0\.4/,
      /^kubelet_running_containers\{container_state="exited"\} 1$/m,
    ],
    ["/metrics/resource", 200, /version=0\.0\.4/, /^node_cpu_usage_seconds_total 5 /m],
    ["/metrics/cadvisor", 200, /version=0\.0\.4/, /^container_processes\{/m],
    ["/metrics/probes", 200, /version=0\.0\.4/, /^prober_probe_total\{/m],
    ["/logs", 405, /^text\/plain/, /^logs endpoint is disabled\.\n$/],
    ["/logs/../../etc/passwd", 405, /^text\/plain/, /^logs endpoint is disabled\.\n$/],
    ["/debug/pprof/heap", 405, /^text\/plain/, /^profiling endpoint is disabled\.\n$/],
    ["/debug/flags/v", 405, /^text\/plain/, /^flags endpoint is disabled\.\n$/],
    ["", 404, /^text\/plain/, /^404 page not found\n$/],
    ["/logsx", 404, /^text\/plain/, /^404 page not found\n$/],
    ["constructor", 404, /^text\/plain/, /^404 page not found\n$/],
  ];
  for (const [path, status, type, text] of table) {
    const answer = await asked(path);
    assert.equal(answer.status, status, path);
    assert.match(answer.type, type);
    assert.match(answer.text, text);
  }
  assert.doesNotMatch((await asked("/stats/summary", "only_cpu_and_memory=true")).text, /rlimit/);
});

Deno.test("the configuration is what the agent acts upon, as a kubelet writes it", async () => {
  const { kubeletconfig } = JSON.parse((await asked("/configz")).text);
  assert.deepEqual(kubeletconfig.evictionHard, {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
  });
  const { maxPods, podPidsLimit, imageMinimumGCAge, serializeImagePulls } = kubeletconfig;
  assert.deepEqual([maxPods, podPidsLimit, imageMinimumGCAge, serializeImagePulls], [
    30,
    512,
    "2m0s",
    true,
  ]);
  const { shutdownGracePeriod, shutdownGracePeriodCriticalPods: critical } = kubeletconfig;
  assert.deepEqual([shutdownGracePeriod, critical], ["1m30s", "1h0m0s"]);
});

import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import {
  IMAGE,
  isOver,
  isReady,
  mainStatus,
  PodmanCluster,
  podmanMissing,
  podOf,
} from "./podman_cluster.ts";
import { testSteps } from "./steps.ts";

const MI = 1024 * 1024;
/** How much less memory than now is too little. */
const MARGIN_MI = 1_500;
const folder = await Deno.makeTempDir({ prefix: "coracle-manifests-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

testSteps({
  name: "the node as a whole, on Podman: what it has, what it takes, its own pods",
  missing: podmanMissing(),
  start: async () => {
    const flags = [
      ...["--pod-manifest-path", folder, "--max-pods", "4"],
      ...["--system-reserved", "cpu=100m,memory=256Mi", "--kube-reserved", "cpu=100m"],
      ...["--eviction-hard", `memory.available<${availableMi() - MARGIN_MI}Mi`],
      ...["--eviction-pressure-transition-period", "1s"],
    ];
    return await PodmanCluster.start({ subnet: 172, args: flags });
  },
  steps: [
    { name: "kubectl describe node shows what it has and what pods get", run: describe },
    { name: "a pod from a file runs, is mirrored, changes and ends with its file", run: staticPod },
    { name: "a pod too many is refused by the node", run: outOfPods },
    { name: "the pod that eats the memory is evicted, and its neighbour goes on", run: evicted },
  ],
});

async function describe(cluster: PodmanCluster): Promise<void> {
  const node = await nodeOf(cluster);
  const { capacity = {}, allocatable = {} } = node.status;
  assert.deepEqual([capacity["pods"], allocatable["pods"]], ["4", "4"]);
  assert.equal(Number.parseInt(allocatable["cpu"]!), Number(capacity["cpu"]) * 1_000 - 200);
  assert.ok(capacity["ephemeral-storage"] && capacity["memory"]);
  const text = await cluster.kubectl("describe", "node", node.metadata.name);
  for (
    const pattern of [
      /MemoryPressure +False .*KubeletHasSufficientMemory +kubelet has sufficient memory available/,
      /DiskPressure +False .*KubeletHasNoDiskPressure/,
      /PIDPressure +False .*KubeletHasSufficientPID/,
      /Ready +True .*KubeletReady +kubelet is posting ready status/,
      /Capacity:\n +cpu: +\d+\n +ephemeral-storage: +\d+Ki\n/,
      /Allocatable:\n +cpu: +\d+m\n/,
      /Container Runtime Version: +podman:\/\//,
      /Allocated resources:\n/,
      /RegisteredNode +\S+ +node-controller +Node \S+ event: Registered Node \S+ in Controller/,
    ]
  ) assert.match(text, pattern);
}

async function staticPod(cluster: PodmanCluster): Promise<void> {
  const { metadata: { name: nodeName } } = await nodeOf(cluster);
  const name = `own-${nodeName}`;
  await Deno.mkdir(`${folder}/folder`);
  await Deno.writeTextFile(`${folder}/rubbish.yaml`, "kind: [");
  await write("echo first; sleep 600");
  await cluster.podWhen(name, isReady);
  assert.match(await cluster.logs(name), /^first/);
  await eventually(
    "its images",
    async () =>
      (await nodeOf(cluster)).status.images?.some(({ names = [], sizeBytes = 0 }) =>
        names.includes(IMAGE) && sizeBytes > 0
      ),
    20_000,
  );
  const { metadata } = (await cluster.pod(name))!;
  const { annotations = {}, ownerReferences = [] } = metadata;
  assert.equal(annotations["kubernetes.io/config.source"], "file");
  assert.equal(
    annotations["kubernetes.io/config.mirror"],
    annotations["kubernetes.io/config.hash"],
  );
  assert.deepEqual(ownerReferences.map(({ kind, controller }) => [kind, controller]), [[
    "Node",
    true,
  ]]);
  assert.match(await cluster.kubectl("exec", name, "--", "echo", "inside"), /inside/);
  await cluster.kubectl("delete", "pod", name, "--wait=false");
  await cluster.podWhen(name, (pod) => pod.metadata.uid !== metadata.uid && isReady(pod));
  assert.match(await cluster.logs(name), /^first/);
  await eventually(
    "kubectl top",
    async () =>
      (await cluster.kubectl("top", "pod", name, "--no-headers").catch(() => "")).includes("Mi"),
    20_000,
  );
  await write("echo second; sleep 600");
  await eventually(
    "the second version",
    async () => (await cluster.logs(name).catch(() => "")).startsWith("second"),
    20_000,
  );
  await Deno.remove(`${folder}/own.json`);
  await eventually("its end", async () => await cluster.pod(name) === undefined, 20_000);
  assert.match(cluster.log, /Cannot use a file as a static pod/);
}

/** Written beside, and put in its place. */
async function write(script: string): Promise<void> {
  const container = {
    name: "main",
    image: IMAGE,
    imagePullPolicy: "Never",
    command: ["sh", "-c", script],
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "own" },
    spec: { terminationGracePeriodSeconds: 1, containers: [container] },
  };
  await Deno.writeTextFile(`${folder}/.own`, JSON.stringify(pod));
  await Deno.rename(`${folder}/.own`, `${folder}/own.json`);
}

async function outOfPods(cluster: PodmanCluster): Promise<void> {
  const { metadata: { name: nodeName } } = await nodeOf(cluster);
  const names = ["p1", "p2", "p3", "p4", "p5"];
  await cluster.apply(
    ...names.map((name) => podOf(name, { script: "sleep 600", spec: { nodeName } })),
  );
  const failed = await eventually("a refusal", async () => {
    const all = await Promise.all(names.map((name) => cluster.pod(name)));
    const isSettled = all.every((pod) => pod && (isReady(pod) || pod.status.phase === "Failed"));
    return isSettled ? all.filter((pod) => pod?.status.phase === "Failed") : undefined;
  });
  assert.equal(failed.length, 1);
  assert.equal(failed[0]!.status.reason, "OutOfpods");
  assert.match(await cluster.kubectl("get", "pods"), /OutOfpods/);
  await cluster.delete("pod", ...names);
}

async function evicted(cluster: PodmanCluster): Promise<void> {
  const eat = "sleep 5; dd if=/dev/zero of=/memory/file bs=1M count=4000; sleep 600";
  const volumes = [{ name: "memory", emptyDir: { medium: "Memory" } }];
  const volumeMounts = [{ name: "memory", mountPath: "/memory" }];
  await cluster.apply(
    podOf("calm", { script: "sleep 600" }),
    podOf("greedy", { script: eat, container: { volumeMounts }, spec: { volumes } }),
  );
  await cluster.podWhen("calm", isReady);
  const { status } = await cluster.podWhen("greedy", isOver, 60_000);
  assert.equal(status.reason, "Evicted");
  assert.match(status.message!, /^The node was low on resource: memory\. Threshold quantity: \d+/);
  assert.match(
    status.message!,
    /Container main was using \d+Ki, request is 0, has larger consumption of memory\. $/,
  );
  assert.ok(
    status.conditions!.some(({ type, reason }) =>
      type === "DisruptionTarget" && reason === "TerminationByKubelet"
    ),
  );
  const calm = (await cluster.pod("calm"))!;
  assert.deepEqual([isReady(calm), mainStatus(calm).restartCount], [true, 0]);
  const events = await cluster.kubectl("get", "events", "-A");
  for (const reason of ["Evicted", "EvictionThresholdMet", "NodeHasInsufficientMemory"]) {
    assert.ok(events.includes(reason), `${reason} is not in\n${events}`);
  }
  await cluster.delete("pod", "greedy", "calm");
}

async function nodeOf(cluster: PodmanCluster): Promise<Node> {
  return (await cluster.get<{ items: Node[] }>("/api/v1/nodes"))!.items[0]!;
}

function availableMi(): number {
  const text = Deno.readTextFileSync("/proc/meminfo");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)![1]);
  return Math.floor((kib("MemFree") + kib("Inactive\\(file\\)")) * 1_024 / MI);
}

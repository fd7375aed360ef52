import assert from "node:assert/strict";
import { NodeUnderTest } from "../agent_fixture.ts";
import { conditionOf } from "../../core/resources/conditions.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";

/** The node has 2 CPUs and 4 GiB. */
type Amounts = Record<string, string>;

interface Draft {
  name: string;
  requests: Amounts;
  limits?: Amounts;
  resizePolicy?: object[];
}

async function createPod(node: NodeUnderTest, { name, requests, limits, resizePolicy }: Draft) {
  const resources = { requests, ...(limits && { limits }) };
  await node.create({ name, container: { resources, ...(resizePolicy && { resizePolicy }) } });
  await node.until(() => stateOf(node, name)?.running !== undefined);
}

/** As `kubectl patch --subresource resize` does it. */
async function resize(node: NodeUnderTest, name: string, requests: Amounts, limits?: Amounts) {
  const pod = node.pod(name)!;
  const containers = pod.spec.containers.map((container) => ({
    ...container,
    resources: { requests, ...(limits && { limits }) },
  }));
  await node.client.act(pods, { namespace: "default", name }, "resize", {
    ...pod,
    spec: { ...pod.spec, containers },
  });
}

function statusOf(node: NodeUnderTest, name: string) {
  return node.pod(name)?.status.containerStatuses?.[0];
}

function stateOf(node: NodeUnderTest, name: string) {
  return statusOf(node, name)?.state;
}

const pending = (pod: Pod | undefined) => conditionOf(pod?.status.conditions, "PodResizePending");
const progress = (pod: Pod | undefined) =>
  conditionOf(pod?.status.conditions, "PodResizeInProgress");

Deno.test("a running container is given other amounts, and is not started again", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "p", requests: { cpu: "500m" }, limits: { cpu: "1" } });
  assert.deepEqual(statusOf(node, "p")?.resources, {
    requests: { cpu: "500m" },
    limits: { cpu: "1" },
  });
  assert.deepEqual(statusOf(node, "p")?.allocatedResources, { cpu: "500m" });
  await resize(node, "p", { cpu: "750m" }, { cpu: "1500m" });
  await node.until(() => statusOf(node, "p")?.resources?.limits?.["cpu"] === "1500m");
  await node.until(() => progress(node.pod("p")) === undefined);
  const [change] = node.runtime.resized;
  assert.deepEqual(change, {
    id: node.runtime.containers[0]!.id,
    limits: { cpuMillis: 1500 },
    requests: { cpuMillis: 750 },
  });
  assert.deepEqual(statusOf(node, "p")?.allocatedResources, { cpu: "750m" });
  assert.equal(node.restarts("p"), 0);
  const completed = node.notices.find(({ reason }) => reason === "ResizeCompleted");
  assert.equal(
    completed?.message,
    'Pod resize completed: {"containers":[{"name":"main","resources":{"requests":{"cpu":"750m"},"limits":{"cpu":"1500m"}}}]}',
  );
});

Deno.test("what the node will never have is infeasible, and the container keeps what it has", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "p", requests: { cpu: "500m" } });
  await resize(node, "p", { cpu: "3" });
  await node.until(() => pending(node.pod("p")) !== undefined);
  const { status, reason, message, observedGeneration } = pending(node.pod("p"))!;
  assert.deepEqual([status, reason, message], [
    "True",
    "Infeasible",
    "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
  ]);
  assert.equal(observedGeneration, node.pod("p")!.metadata.generation);
  assert.deepEqual(statusOf(node, "p")?.resources, { requests: { cpu: "500m" } });
  node.killAll(1);
  await node.until(() => node.restarts("p") === 1);
  assert.deepEqual(node.runtime.made.at(-1)!.requests, { cpuMillis: 500 }); // not what it asks for
  await resize(node, "p", { cpu: "500m" });
  await node.until(() => pending(node.pod("p")) === undefined);
  assert.deepEqual(node.runtime.resized, []);
});

Deno.test("what the node does not have now it gives when another pod has gone", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "a", requests: { cpu: "1" } });
  await createPod(node, { name: "b", requests: { cpu: "1" } });
  await resize(node, "a", { cpu: "1500m" });
  await node.until(() => pending(node.pod("a")) !== undefined);
  const { reason, message } = pending(node.pod("a"))!;
  assert.deepEqual([reason, message], [
    "Deferred",
    "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  ]);
  await node.client.delete(pods, { namespace: "default", name: "b" }, { gracePeriodSeconds: 1 });
  await node.until(() => statusOf(node, "a")?.resources?.requests?.["cpu"] === "1500m", 60_000);
  assert.equal(pending(node.pod("a")), undefined);
});

Deno.test("two pods do not get the same room at once", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "a", requests: { cpu: "500m" } });
  await createPod(node, { name: "b", requests: { cpu: "500m" } });
  await Promise.all(["a", "b"].map((name) => resize(node, name, { cpu: "1200m" })));
  await node.until(() => ["a", "b"].some((name) => pending(node.pod(name))?.reason === "Deferred"));
  await node.until(() => node.runtime.resized.length === 1);
});

Deno.test("a container whose policy says so starts again with what it was given", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, {
    name: "p",
    requests: { memory: "64Mi", cpu: "100m" },
    limits: { memory: "64Mi" },
    resizePolicy: [
      { resourceName: "memory", restartPolicy: "RestartContainer" },
      { resourceName: "cpu", restartPolicy: "NotRequired" },
    ],
  });
  await resize(node, "p", { memory: "64Mi", cpu: "200m" }, { memory: "64Mi" });
  await node.until(() => node.runtime.resized.length === 1);
  assert.equal(node.restarts("p"), 0);
  await resize(node, "p", { memory: "128Mi", cpu: "200m" }, { memory: "128Mi" });
  await node.until(() => node.restarts("p") === 1, 60_000);
  assert.deepEqual(node.runtime.made.at(-1)!.limits, { memoryBytes: 128 * 1024 * 1024 });
  assert.equal(node.runtime.resized.length, 1);
  const killing = node.notices.find(({ reason }) => reason === "Killing");
  assert.equal(killing?.message, "Container main resize requires restart");
});

Deno.test("a change that fails says why, and is tried again", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "p", requests: { cpu: "500m" } });
  node.runtime.resizeFault = "device or resource busy";
  await resize(node, "p", { cpu: "600m" });
  await node.until(() => progress(node.pod("p"))?.reason === "Error");
  assert.match(progress(node.pod("p"))!.message!, /device or resource busy/);
  assert.deepEqual(statusOf(node, "p")?.resources, { requests: { cpu: "500m" } });
  node.runtime.resizeFault = undefined;
  await node.until(() => progress(node.pod("p")) === undefined, 120_000);
  assert.deepEqual(statusOf(node, "p")?.resources, { requests: { cpu: "600m" } });
});

Deno.test("an agent that comes later knows what a container has, and goes on", async () => {
  await using node = await NodeUnderTest.start();
  await createPod(node, { name: "p", requests: { cpu: "500m" } });
  await node.halt();
  await resize(node, "p", { cpu: "600m" });
  await node.restart();
  await node.until(() => statusOf(node, "p")?.resources?.requests?.["cpu"] === "600m", 60_000);
  assert.equal(node.runtime.resized.length, 1);
  assert.equal(node.restarts("p"), 0);
});

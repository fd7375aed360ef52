import assert from "node:assert/strict";

import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { isReady, NodeUnderTest } from "./agent_fixture.ts";
import type { MachineReadings } from "./stats/machine_readings.ts";

const MI = 1024 * 1024;

Deno.test("a node that runs out of memory evicts the pod that takes most, and says so everywhere", async () => {
  const used = new Map([["calm", 10 * MI], ["greedy", 900 * MI]]);
  const machine = { availableMi: 500 };
  await using node = await measuredNode(used, machine);
  await node.create({ name: "calm", spec: { restartPolicy: "Always" } });
  await node.create({ name: "greedy", spec: { terminationGracePeriodSeconds: 600 } });
  await node.until(() => isReady(node.pod("calm")) && isReady(node.pod("greedy")));
  node.runtime.images.set("app:1", { heedsSigterm: false });
  machine.availableMi = 50;
  await node.until(() => node.pod("greedy")?.status.phase === "Failed", 15_000);
  const { status } = node.pod("greedy")!;
  const message =
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. " +
    "Container main was using 900Mi, request is 0, has larger consumption of memory. ";
  assert.deepEqual([status.reason, status.message], ["Evicted", message]);
  const disruption = status.conditions?.find(({ type }) => type === "DisruptionTarget");
  assert.deepEqual([disruption?.status, disruption?.reason], ["True", "TerminationByKubelet"]);
  assert.ok(node.told().includes(`Warning Evicted ${message}`), node.told().join("\n"));
  assert.ok(node.told().includes("Warning EvictionThresholdMet Attempting to reclaim memory"));
  await node.until(() => node.pressure() === "True", 1_000);
  // The grace of an eviction is a second, whatever the pod would like.
  await node.until(
    () =>
      node.runtime.containers.every((run) => run.podName !== "greedy" || run.state === "exited"),
    3_000,
  );
  machine.availableMi = 500;
  await node.clock.advance(60_000);
  assert.equal(isReady(node.pod("calm")), true);
  assert.equal(node.pod("greedy")!.status.phase, "Failed");
  assert.equal(node.runtime.containers.filter(({ podName }) => podName === "greedy").length, 1);
  await node.create({ name: "late" });
  await node.until(() => node.pod("late")?.status.phase === "Failed");
  assert.deepEqual([node.pod("late")!.status.reason, node.pod("late")!.status.message], [
    "Evicted",
    "Pod was rejected: The node had condition: [MemoryPressure]. ",
  ]);
  await node.clock.advance(300_000);
  assert.equal(node.pressure(), "False");
  await node.create({ name: "later" });
  await node.until(() => isReady(node.pod("later")));
});

Deno.test("a node takes as many pods as it says, also when all come at once, and others when some have ended", async () => {
  const capacity = { cpu: "2", memory: "4Gi", pods: "2" };
  await using node = await NodeUnderTest.start();
  node.more = { machine: { capacity, info: { operatingSystem: "linux" } as never } };
  await node.restart();
  for (const name of ["a", "b", "c"]) {
    await node.create({ name, spec: { restartPolicy: "Never" } });
  }
  const phases = () => ["a", "b", "c"].map((name) => node.pod(name)!.status.phase);
  await node.until(() => phases().filter((phase) => phase === "Running").length === 2);
  assert.deepEqual(phases().toSorted(), ["Failed", "Running", "Running"]);
  const refused = ["a", "b", "c"].find((name) => node.pod(name)!.status.phase === "Failed")!;
  const { status } = node.pod(refused)!;
  assert.deepEqual([status.reason, status.message], [
    "OutOfpods",
    "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
  ]);
  const [first] = node.runtime.containers;
  node.runtime.kill(first!.id, 0);
  await node.until(() => phases().includes("Succeeded"));
  await node.create({ name: "d" });
  await node.until(() => isReady(node.pod("d")));
});

async function measuredNode(used: ReadonlyMap<string, number>, machine: { availableMi: number }) {
  const node = await NodeUnderTest.start();
  const memory = (bytes: number) => ({
    ...{ usedBytes: bytes, workingSetBytes: bytes, rssBytes: bytes },
    ...{ pageFaults: 0, majorPageFaults: 0 },
  });
  const readings: MachineReadings = {
    node: () => ({ startedAtMs: 0, memory: memory(0), cpu: { totalNanos: 0 } }),
    pressure: () => ({
      memory: { availableBytes: machine.availableMi * MI, totalBytes: 1_000 * MI },
    }),
    container: (id) => {
      const { podName } = node.runtime.containers.find((run) => run.id === id)!;
      return { memory: memory(used.get(podName) ?? 0), cpu: { totalNanos: 0 } };
    },
    network: () => undefined,
    keepOnly: () => {},
    files: () => Promise.resolve({ bytes: 0, inodes: 0 }),
  };
  node.more = { readings };
  node.runtime.pids = true;
  await node.restart();
  return Object.assign(node, {
    told: () => node.notices.map(({ type, reason, message }) => `${type} ${reason} ${message}`),
    pressure: () =>
      node.client.get(nodes, { name: "node-a" })?.status.conditions
        ?.find(({ type }) => type === "MemoryPressure")?.status,
  });
}

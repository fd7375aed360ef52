import assert from "node:assert/strict";
import fc from "fast-check";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { isReady, NodeUnderTest } from "../agent_fixture.ts";
import { shutdownPlan } from "./shutdown_plan.ts";

const CRITICAL = 2_000_000_000;

Deno.test("critical pods end last, and nobody has more time than there is", () => {
  const amounts = fc.record({
    priority: fc.constantFrom(undefined, 0, 1_000, CRITICAL - 1, CRITICAL, CRITICAL + 1_000),
    graceSeconds: fc.nat(100),
  });
  const times = fc.record({ graceMs: fc.nat(60_000), criticalMs: fc.nat(60_000) });
  fc.assert(fc.property(fc.array(amounts), times, (all, given) => {
    const workers = all.map(({ priority, graceSeconds }) => ({
      pod: { spec: { priority, terminationGracePeriodSeconds: graceSeconds } } as Pod,
    }));
    const groups = shutdownPlan(workers, given);
    const order = groups.flatMap(({ members }) => members.map(({ worker }) => worker));
    assert.deepEqual(new Set(order), new Set(workers));
    assert.equal(order.length, workers.length);
    const isCritical = ({ pod }: typeof workers[number]) => (pod.spec.priority ?? 0) >= CRITICAL;
    const firstCritical = order.findIndex(isCritical);
    assert.ok(firstCritical < 0 || order.slice(firstCritical).every(isCritical));
    assert.ok(groups.reduce((sum, { untilMs }) => sum + untilMs, 0) <= given.graceMs);
    for (const { members, untilMs } of groups) {
      for (const { worker, graceMs } of members) {
        assert.ok(graceMs <= untilMs);
        assert.ok(graceMs <= worker.pod.spec.terminationGracePeriodSeconds * 1_000);
      }
    }
  }));
});

Deno.test("pods of a machine that shuts down fail in the kubelet's words, and no others come", async () => {
  await using node = await shuttingDown();
  await node.create({ name: "web", spec: { terminationGracePeriodSeconds: 600 } });
  await node.create({ name: "vital", spec: { priorityClassName: "system-node-critical" } });
  await node.until(() => isReady(node.pod("web")) && isReady(node.pod("vital")));
  node.runtime.images.set("app:1", { heedsSigterm: false });
  const { shutdown } = node.agent.care;
  let isOver = false;
  const ended = shutdown!.begin().then(() => isOver = true);
  await node.until(() => node.pod("web")?.status.phase === "Failed");
  const { status } = node.pod("web")!;
  const message = "Pod was terminated in response to imminent node shutdown.";
  assert.deepEqual([status.reason, status.message], ["Terminated", message]);
  assert.ok(
    status.conditions!.some(({ type, reason }) =>
      type === "DisruptionTarget" && reason === "TerminationByKubelet"
    ),
  );
  assert.equal(isReady(node.pod("vital")), true);
  await node.until(() => node.ready() === "False node is shutting down");
  await node.create({ name: "late" });
  await node.until(() => node.pod("late")?.status.phase === "Failed");
  assert.deepEqual([node.pod("late")!.status.reason, node.pod("late")!.status.message], [
    "NodeShutdown",
    "Pod was rejected: Pod was rejected as the node is shutting down.",
  ]);
  assert.equal(isOver, false);
  await node.until(() => node.pod("vital")?.status.reason === "Terminated", 21_000);
  await node.until(() => isOver, 11_000);
  assert.ok(node.runtime.containers.every(({ state }) => state === "exited"));
  await ended;
  shutdown!.cancel();
  await node.until(() => node.ready() === "True kubelet is posting ready status");
  await node.create({ name: "next" });
  node.runtime.images.delete("app:1");
  await node.until(() => isReady(node.pod("next")));
  assert.deepEqual(
    node.notices.filter(({ reason }) => reason === "Shutdown").map(({ message }) => message),
    ["Shutdown manager detected shutdown event", "Shutdown manager detected shutdown cancellation"],
  );
});

async function shuttingDown() {
  const node = await NodeUnderTest.start();
  node.more = { shutdownGrace: { graceMs: 30_000, criticalMs: 10_000 } };
  await node.restart();
  return Object.assign(node, {
    ready: () => {
      const { status, message } = node.client.get(nodes, { name: "node-a" })!.status.conditions!
        .find(({ type }) => type === "Ready")!;
      return `${status} ${message}`;
    },
  });
}

import assert from "node:assert/strict";
import { nodeRangeController } from "../core/controllers/nodes/node_ranges.ts";
import { clientOf, TestCluster } from "../core/controllers/test_cluster.ts";
import { silentLog } from "../core/lib/log.ts";
import { VirtualClock } from "../core/lib/virtual_clock.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { CommandError } from "./command_error.ts";
import { assignedRange, checkRange } from "./pod_range.ts";

function asked(cluster: TestCluster, nodeName: string, signal = new AbortController().signal) {
  const clock = new VirtualClock();
  const client = clientOf(cluster);
  return assignedRange({ client, view: cluster, nodeName, clock, log: silentLog(clock), signal });
}

Deno.test("two machines that join at once get different ranges, and keep them", async () => {
  const cluster = new TestCluster();
  const both = Promise.all([asked(cluster, "one"), asked(cluster, "two")]);
  cluster.settle([nodeRangeController({ reserved: [] })]);
  const ranges = await both;
  assert.deepEqual(ranges, ["10.42.0.0/24", "10.42.1.0/24"]);
  assert.deepEqual(await Promise.all([asked(cluster, "one"), asked(cluster, "two")]), ranges);
});

Deno.test("waiting for a range ends when the signal aborts", async () => {
  const stop = new AbortController();
  const waiting = asked(new TestCluster(), "one", stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

Deno.test("a range that the user chooses must not be another node's", () => {
  const cluster = new TestCluster();
  cluster.put(nodes, { metadata: { name: "one" }, spec: { podCIDR: "10.42.1.0/24" } });
  checkRange(cluster, "one", "10.42.1.0/24");
  checkRange(cluster, "two", "10.42.2.0/24");
  assert.throws(
    () => checkRange(cluster, "two", "10.42.0.0/16"),
    (error) =>
      error instanceof CommandError && /node "one" has 10\.42\.1\.0\/24/.test(error.message),
  );
});

import assert from "node:assert/strict";
import { nodeRangeController } from "../core/controllers/nodes/node_ranges.ts";
import { clientOf, TestCluster } from "../core/controllers/test_cluster.ts";
import { silentLog } from "../core/lib/log.ts";
import { VirtualClock } from "../core/lib/virtual_clock.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { CommandError } from "./command_error.ts";
import { assignedRange, checkRange, nodeBlocksOf, ownBlockOf } from "./pod_range.ts";
import { blockAt, type NodeBlocks } from "../core/controllers/nodes/node_ranges.ts";
import type { NodeRangeFlags } from "./options.ts";

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

Deno.test("the ranges of nodes are as the flags say; contradictions are refused as Kubernetes does", () => {
  const size = (blocks: NodeBlocks) => [blockAt(blocks, 0), blocks.count];
  assert.deepEqual(size(nodeBlocksOf({})), ["10.42.0.0/24", 54 * 256]);
  assert.deepEqual(size(nodeBlocksOf({ nodeCidrMaskSize: 26 })), ["10.42.0.0/26", 54 * 1024]);
  assert.deepEqual(size(nodeBlocksOf({ nodeCidrMaskSizeIpv4: 16 })), ["10.42.0.0/16", 54]);
  const clusterCidr = "172.16.0.0/12";
  assert.deepEqual(size(nodeBlocksOf({ clusterCidr })), ["172.16.0.0/24", 4_096]);
  assert.deepEqual(size(nodeBlocksOf({ clusterCidr, nodeCidrMaskSize: 12 })), [clusterCidr, 1]);
  const refused: [NodeRangeFlags, RegExp][] = [
    [
      { nodeCidrMaskSize: 24, nodeCidrMaskSizeIpv4: 24 },
      /^usage of --node-cidr-mask-size-ipv4 and/,
    ],
    [
      { nodeCidrMaskSize: 24, nodeCidrMaskSizeIpv6: "64" },
      /^usage of --node-cidr-mask-size-ipv4 and/,
    ],
    [{ nodeCidrMaskSizeIpv6: "64" }, /is not allowed for a single-stack IPv4 cluster$/],
    [{ clusterCidr, nodeCidrMaskSize: 11 }, /^Controller: Invalid --cluster-cidr, mask size of/],
    [{ clusterCidr: "172.16.0.0/25" }, /^Controller: Invalid --cluster-cidr, mask size of/],
    [{ nodeCidrMaskSize: 15 }, /^Controller: Invalid --cluster-cidr, mask size of/],
  ];
  for (const [flags, words] of refused) {
    assert.throws(() => nodeBlocksOf(flags), (error: Error) => {
      return error instanceof CommandError && words.test(error.message);
    }, JSON.stringify(flags));
  }
});

Deno.test("the server's own node has the first range of those that were chosen", () => {
  assert.equal(ownBlockOf({}), undefined, "the usual one");
  assert.equal(ownBlockOf({ clusterCidr: "172.16.0.0/12" }), "172.16.0.0/24");
  assert.equal(ownBlockOf({ nodeCidrMaskSize: 28 }), "10.42.0.0/28");
});

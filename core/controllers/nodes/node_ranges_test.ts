import assert from "node:assert/strict";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { parseIpv4Range } from "../../lib/addresses/ipv4.ts";
import { nodeBlocks, nodeRangeController } from "./node_ranges.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";

const RESERVED = ["10.42.0.0/24"];
const blocks = nodeBlocks(parseIpv4Range("10.42.0.0/16"));

function join(cluster: TestCluster, name: string, podCIDR?: string): Node {
  const spec = podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] };
  return cluster.put(nodes, { metadata: { name }, spec });
}

function settle(cluster: TestCluster): void {
  cluster.settle([nodeRangeController({ reserved: RESERVED, blocks })]);
}

function rangeOf(cluster: TestCluster, name: string): string | undefined {
  const { podCIDR, podCIDRs } = cluster.get(nodes, { name })!.spec;
  assert.equal(podCIDRs?.[0], podCIDR);
  return podCIDR;
}

Deno.test("nodes that join at once get ranges of their own, none that is reserved", () => {
  const cluster = new TestCluster();
  for (const name of ["a", "b", "c"]) join(cluster, name);
  settle(cluster);
  const ranges = ["a", "b", "c"].map((name) => rangeOf(cluster, name));
  assert.deepEqual(ranges, ["10.42.1.0/24", "10.42.2.0/24", "10.42.3.0/24"]);
});

Deno.test("a range that a node brings is kept, and nothing of it is given to another", () => {
  const cluster = new TestCluster();
  join(cluster, "wide", "10.42.0.0/22");
  join(cluster, "half", "10.42.4.128/25");
  join(cluster, "new");
  settle(cluster);
  assert.equal(rangeOf(cluster, "wide"), "10.42.0.0/22");
  assert.equal(rangeOf(cluster, "new"), "10.42.5.0/24");
});

Deno.test("ranges beside those of the cluster take none of them", () => {
  const cluster = new TestCluster();
  join(cluster, "below", "10.41.255.0/24");
  join(cluster, "above", "10.43.0.0/24");
  join(cluster, "far", "192.168.0.0/16");
  join(cluster, "new");
  settle(cluster);
  assert.equal(rangeOf(cluster, "new"), "10.42.1.0/24");
  join(cluster, "around", "10.0.0.0/8");
  const none = join(cluster, "none");
  cluster.perform(nodeRangeController({ reserved: RESERVED, blocks }).reconcile(none, cluster, 0));
  assert.equal(rangeOf(cluster, "none"), undefined);
});

Deno.test("a node for which nothing is left is told of, and gets the range of one that goes", () => {
  const cluster = new TestCluster();
  join(cluster, "all", "10.42.0.0/16");
  const late = join(cluster, "late");
  cluster.perform(nodeRangeController({ reserved: RESERVED, blocks }).reconcile(late, cluster, 0));
  assert.deepEqual(cluster.notices.map(({ reason }) => reason), ["CIDRNotAvailable"]);
  assert.equal(rangeOf(cluster, "late"), undefined);
  cluster.take(nodes, { name: "all" });
  settle(cluster);
  assert.equal(rangeOf(cluster, "late"), "10.42.1.0/24");
});

Deno.test("the first range and the last one are given too, one node at a time", () => {
  const cluster = new TestCluster();
  const controller = nodeRangeController({ reserved: [], blocks });
  assert.equal(controller.workers, 1, "two at once would get the same range");
  join(cluster, "first");
  cluster.settle([controller]);
  assert.equal(rangeOf(cluster, "first"), "10.42.0.0/24");
  join(cluster, "low", "10.42.0.0/17");
  join(cluster, "high", "10.42.128.0/18");
  join(cluster, "higher", "10.42.192.0/19");
  join(cluster, "highest", "10.42.224.0/20");
  join(cluster, "top", "10.42.240.0/21");
  for (const last of [248, 249, 250, 251, 252, 253, 254]) {
    join(cluster, `n${last}`, `10.42.${last}.0/24`);
  }
  join(cluster, "last");
  cluster.settle([controller]);
  assert.equal(rangeOf(cluster, "last"), "10.42.255.0/24");
});

Deno.test("when a node goes, those without a range are looked at, and no others", () => {
  const cluster = new TestCluster();
  join(cluster, "all", "10.42.0.0/16");
  join(cluster, "late");
  const keys: string[] = [];
  const run = loopOf(nodeRangeController({ reserved: [], blocks })).start(
    cluster,
    (key) => keys.push(key),
  );
  keys.length = 0;
  join(cluster, "all", "10.42.0.0/16");
  assert.deepEqual(keys.splice(0), ["/all"]);
  cluster.take(nodes, { name: "all" });
  assert.deepEqual(keys.splice(0).sort(), ["/all", "/late"]);
  run.stop();
});

Deno.test("the range of the cluster and the size of its blocks can be chosen; others are given too by default", () => {
  const given = (cidr: string | undefined, size: number | undefined, taken: string[]) => {
    const cluster = new TestCluster();
    taken.forEach((range, i) => join(cluster, `taken-${i}`, range));
    join(cluster, "new");
    const blocks = nodeBlocks(cidr === undefined ? undefined : parseIpv4Range(cidr), size);
    cluster.perform(
      nodeRangeController({ reserved: ["10.96.0.0/16"], blocks })
        .reconcile(cluster.get(nodes, { name: "new" })!, cluster, 0),
    );
    return rangeOf(cluster, "new") ?? cluster.notices[0]?.message;
  };
  const none = "Node new status is now: CIDRNotAvailable";
  const rows: [string | undefined, number | undefined, string[], string][] = [
    [undefined, undefined, [], "10.42.0.0/24"],
    [undefined, undefined, ["10.42.0.0/16"], "10.43.0.0/24"],
    [undefined, undefined, ["10.42.0.0/15", "10.44.0.0/14"], "10.48.0.0/24"],
    [undefined, 26, ["10.42.0.0/24"], "10.42.1.0/26"],
    [undefined, 26, ["10.42.0.64/26"], "10.42.0.0/26"],
    [undefined, undefined, ["10.32.0.0/11", "10.64.0.0/11"], none],
    ["172.16.0.0/12", undefined, [], "172.16.0.0/24"],
    ["172.16.0.0/12", 16, ["172.16.5.0/24"], "172.17.0.0/16"],
    ["172.16.0.0/29", 30, ["172.16.0.0/30"], "172.16.0.4/30"],
    ["172.16.0.0/29", 30, ["172.16.0.0/29"], none],
    ["172.16.0.0/24", 24, [], "172.16.0.0/24"],
    ["10.96.0.0/15", 16, [], "10.97.0.0/16"],
    ["0.0.0.0/0", 8, ["0.0.0.0/1"], "128.0.0.0/8"],
  ];
  for (const [cidr, size, taken, expected] of rows) {
    assert.equal(given(cidr, size, taken), expected, `${cidr} ${size} without ${taken}`);
  }
});

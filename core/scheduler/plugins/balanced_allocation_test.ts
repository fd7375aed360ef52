import assert from "node:assert/strict";
import { balancedAllocation } from "./balanced_allocation.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";

const requesting = (requests: object) =>
  podOf({ containers: [{ name: "a", resources: { requests } }] });

Deno.test("a node is better the more alike the used parts of CPU and memory would be", () => {
  const rows: [requests: object, score: number | "no opinion"][] = [
    [{}, "no opinion"],
    [{ "example.com/gpu": "1" }, "no opinion"],
    [{ cpu: "2", memory: "500" }, 100],
    [{ cpu: "2" }, 75],
    [{ memory: "500" }, 75],
    [{ cpu: "4", memory: "0" }, 50],
    [{ cpu: "9", memory: "0" }, 50],
    [{ cpu: "1", memory: "1000" }, 62],
    [{ cpu: "1", memory: "9000" }, 62],
  ];
  for (const [requests, score] of rows) {
    const node = nodeOf({ allocatable: { cpu: "4", memory: "1000" } });
    const here = new NodeUnderTest(balancedAllocation, node);
    assert.equal(here.score(requesting(requests)), score, JSON.stringify(requests));
  }
});

Deno.test("what the pods of a node request counts, until they leave", () => {
  const there = [requesting({ cpu: "1" }), requesting({ cpu: "1", memory: "500" })];
  const node = nodeOf({ allocatable: { cpu: "4", memory: "1000" } });
  const here = new NodeUnderTest(balancedAllocation, node, there);
  assert.equal(here.score(requesting({ cpu: "1" })), 87);
  here.remove(there[1]!);
  assert.equal(here.score(requesting({ cpu: "1" })), 75);
  const small = nodeOf({ allocatable: { cpu: "4m", memory: "4" } });
  const others = [requesting({ cpu: "1m" }), requesting({ memory: "1" })];
  const used = new NodeUnderTest(balancedAllocation, small, others);
  assert.equal(used.score(requesting({ cpu: "1m", memory: "1" })), 100);
  assert.equal(used.score(requesting({ cpu: "2m" })), 75);
});

Deno.test("a node that lacks an amount, or names only its capacity, is scored", () => {
  for (const allocatable of [{ cpu: "4" }, { memory: "1000" }, { cpu: "0", memory: "1000" }]) {
    const bare = new NodeUnderTest(balancedAllocation, nodeOf({ allocatable }));
    assert.equal(bare.score(requesting({ cpu: "1" })), 100, JSON.stringify(allocatable));
  }
  const tiny = new NodeUnderTest(
    balancedAllocation,
    nodeOf({ allocatable: { cpu: "1m", memory: "1" } }),
  );
  assert.equal(tiny.score(requesting({ cpu: "1m" })), 50);
  const { status: _, ...node } = nodeOf();
  const status = { capacity: { cpu: "4", memory: "1000" } };
  const small = new NodeUnderTest(balancedAllocation, { ...node, status } as never);
  assert.equal(small.score(requesting({ cpu: "2" })), 75);
});

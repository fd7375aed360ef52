import assert from "node:assert/strict";
import { refusal } from "../plugin.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";
import { taintToleration } from "./taint_toleration.ts";

function tainted(...taints: object[]) {
  return new NodeUnderTest(taintToleration, nodeOf({ spec: { taints } }));
}

const tolerating = (key: string) => podOf({ tolerations: [{ key, operator: "Exists" }] });

Deno.test("a node refuses pods that do not tolerate its taints", () => {
  const [a, b] = [{ key: "a", value: "x", effect: "NoSchedule" }, {
    key: "b",
    effect: "NoExecute",
  }];
  const rows: [taints: object[], reason: string | undefined][] = [
    [[], undefined],
    [[a], "node(s) had untolerated taint(s)"],
    [[b], "node(s) had untolerated taint(s)"],
    [[b, a], "node(s) had untolerated taint(s)"],
    [[{ key: "t", effect: "NoSchedule" }, a], "node(s) had untolerated taint(s)"],
    [[{ key: "t", effect: "NoSchedule" }], undefined],
    [[{ key: "c", effect: "PreferNoSchedule" }], undefined],
  ];
  for (const [taints, reason] of rows) {
    const found = tainted(...taints).refusal(tolerating("t"));
    assert.deepEqual(found, reason && refusal(reason), JSON.stringify(taints));
  }
  assert.equal(new NodeUnderTest(taintToleration, nodeOf()).refusal(podOf()), undefined);
});

Deno.test("the fewer untolerated taints there are that only discourage, the better", () => {
  const soft = (key: string) => ({ key, effect: "PreferNoSchedule" });
  assert.equal(taintToleration.weight, 3);
  assert.equal(new NodeUnderTest(taintToleration, nodeOf()).score(podOf()), 0);
  assert.equal(tainted().score(podOf()), 0);
  assert.equal(tainted(soft("a"), soft("t")).score(tolerating("t")), 1);
  assert.equal(tainted(soft("a"), soft("b"), soft("c")).score(podOf()), 3);
  assert.equal(tainted({ key: "a", effect: "NoSchedule" }).score(podOf()), 0);
  const scores = Float64Array.of(0, 1, 3);
  taintToleration.normalize!(scores);
  assert.deepEqual([...scores], [100, 67, 0]);
});

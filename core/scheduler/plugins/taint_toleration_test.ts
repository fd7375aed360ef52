import assert from "node:assert/strict";
import { refusal } from "../plugin.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";
import { taintToleration } from "./taint_toleration.ts";

function tainted(...taints: object[]) {
  return new NodeUnderTest(taintToleration, nodeOf({ spec: { taints } }));
}

const tolerating = (key: string) => podOf({ tolerations: [{ key, operator: "Exists" }] });

Deno.test("a node refuses pods that do not tolerate its taints, and names the first", () => {
  const [a, b] = [{ key: "a", value: "x", effect: "NoSchedule" }, {
    key: "b",
    effect: "NoExecute",
  }];
  const rows: [taints: object[], reason: string | undefined][] = [
    [[], undefined],
    [[a], "node(s) had untolerated taint {a: x}"],
    [[b], "node(s) had untolerated taint {b: }"],
    [[b, a], "node(s) had untolerated taint {b: }"],
    [[{ key: "t", effect: "NoSchedule" }, a], "node(s) had untolerated taint {a: x}"],
    [[{ key: "t", effect: "NoSchedule" }], undefined],
    [[{ key: "c", effect: "PreferNoSchedule" }], undefined],
  ];
  for (const [taints, reason] of rows) {
    const found = tainted(...taints).refusal(tolerating("t"));
    assert.deepEqual(found, reason && refusal(reason), JSON.stringify(taints));
  }
  assert.equal(new NodeUnderTest(taintToleration, nodeOf()).refusal(podOf()), undefined);
});

Deno.test("the score falls with the number of untolerated taints that only discourage", () => {
  const soft = (key: string) => ({ key, effect: "PreferNoSchedule" });
  assert.equal(taintToleration.weight, 3);
  assert.equal(new NodeUnderTest(taintToleration, nodeOf()).score(podOf()), 100);
  assert.equal(tainted().score(podOf()), 100);
  assert.equal(tainted(soft("a"), soft("t")).score(tolerating("t")), 50);
  assert.equal(tainted(soft("a"), soft("b"), soft("c")).score(podOf()), 25);
  assert.equal(tainted({ key: "a", effect: "NoSchedule" }).score(podOf()), 100);
});

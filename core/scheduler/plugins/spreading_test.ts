import assert from "node:assert/strict";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";
import { spreading } from "./spreading.ts";

function controlledBy(uid: string) {
  return podOf({ ownerReferences: [{ uid: "other" }, { uid, controller: true }] });
}

Deno.test("the score falls with the number of pods that the same controller has on the node", () => {
  const pods = ["a", "a", "a", "b"].map(controlledBy);
  const here = new NodeUnderTest(spreading, nodeOf(), [...pods, podOf()]);
  assert.equal(spreading.weight, 2);
  assert.deepEqual(["a", "b", "c"].map((uid) => here.score(controlledBy(uid))), [25, 50, 100]);
  assert.equal(here.score(podOf()), "no opinion");
  here.remove(pods[0]!);
  here.remove(pods[3]!);
  assert.deepEqual(["a", "b"].map((uid) => here.score(controlledBy(uid))), [100 / 3, 100]);
});

Deno.test("the tally forgets a controller without pods, and ignores pods without a controller", () => {
  const { begin, add, remove } = spreading.tally!;
  const counts = begin(nodeOf());
  const pod = controlledBy("a");
  add(counts, podOf());
  add(counts, pod);
  remove(counts, pod);
  assert.deepEqual(counts, new Map());
});

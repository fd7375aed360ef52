import assert from "node:assert/strict";
import { refusal } from "../plugin.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";

const REFUSAL = refusal("node(s) didn't match Pod's node affinity/selector");
const NODE = nodeOf({ labels: { zone: "a", cores: "4", size: "7k" } });
const here = new NodeUnderTest(nodeAffinity, NODE);

function requiring(...nodeSelectorTerms: object[]) {
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return podOf({ affinity: { nodeAffinity: required } });
}

Deno.test("the plugin has no opinion on a pod without selector and affinity", () => {
  assert.equal(here.refusal(podOf()), "no opinion");
  assert.equal(here.refusal(podOf({ affinity: {}, nodeSelector: {} })), "no opinion");
  assert.equal(here.score(podOf()), "no opinion");
});

Deno.test("the node must have every label of the node selector", () => {
  const rows: [nodeSelector: object, fits: boolean][] = [
    [{ zone: "a" }, true],
    [{ zone: "a", cores: "4", size: "7k" }, true],
    [{ zone: "a", cores: "8" }, false],
    [{ zone: "b" }, false],
    [{ toString: "a" }, false],
  ];
  for (const [nodeSelector, fits] of rows) {
    const wanted = fits ? undefined : REFUSAL;
    assert.deepEqual(here.refusal(podOf({ nodeSelector })), wanted, JSON.stringify(nodeSelector));
  }
});

Deno.test("a requirement is satisfied according to its operator", () => {
  const rows: [key: string, operator: string, values: string[] | undefined, fits: boolean][] = [
    ["zone", "In", ["b", "a"], true],
    ["zone", "In", ["b"], false],
    ["zone", "In", undefined, false],
    ["none", "In", ["a"], false],
    ["zone", "NotIn", ["b"], true],
    ["zone", "NotIn", ["a"], false],
    ["none", "NotIn", ["a"], true],
    ["zone", "Exists", undefined, true],
    ["none", "Exists", undefined, false],
    ["zone", "DoesNotExist", undefined, false],
    ["none", "DoesNotExist", undefined, true],
    ["cores", "Gt", ["3"], true],
    ["cores", "Gt", ["4"], false],
    ["none", "Gt", ["3"], false],
    ["zone", "Gt", ["3"], false],
    ["cores", "Gt", undefined, false],
    ["cores", "Lt", ["5"], true],
    ["cores", "Lt", ["4"], false],
    ["none", "Lt", ["5"], false],
    ["cores", "Lt", undefined, false],
    ["size", "Gt", ["3"], false],
    ["size", "Lt", ["8"], false],
    ["cores", "Lt", ["5x"], false],
  ];
  for (const [key, operator, values, fits] of rows) {
    const pod = requiring({ matchExpressions: [{ key, operator, values }] });
    const title = `${key} ${operator} ${values}`;
    assert.deepEqual(here.refusal(pod), fits ? undefined : REFUSAL, title);
  }
});

Deno.test("one term must match, with all its requirements", () => {
  const inZone = (zone: string) => ({ key: "zone", operator: "In", values: [zone] });
  const named = (name: string, key = "metadata.name") => ({ key, operator: "In", values: [name] });
  const rows: [terms: object[], fits: boolean][] = [
    [[{ matchExpressions: [inZone("b")] }, { matchExpressions: [inZone("a")] }], true],
    [[{ matchExpressions: [inZone("a"), inZone("b")] }], false],
    [[{ matchFields: [named("n")] }], true],
    [[{ matchFields: [named("m")] }], false],
    [[{ matchFields: [named("n", "metadata.uid")] }], false],
    [[{ matchExpressions: [inZone("a")], matchFields: [named("n")] }], true],
    [[{ matchExpressions: [inZone("a")], matchFields: [named("m")] }], false],
    [[{ matchExpressions: [inZone("b")], matchFields: [named("n")] }], false],
    [[{}], false],
    [[], false],
  ];
  for (const [terms, fits] of rows) {
    const wanted = fits ? undefined : REFUSAL;
    assert.deepEqual(here.refusal(requiring(...terms)), wanted, JSON.stringify(terms));
  }
  const both = { ...requiring({ matchExpressions: [inZone("a")] }).spec, nodeSelector: { x: "y" } };
  assert.deepEqual(here.refusal(podOf({ ...both })), REFUSAL);
});

Deno.test("the score is the sum of the weights of the preferences that the node satisfies", () => {
  const preferring = (...weights: [weight: number, zone: string][]) => {
    const preferences = weights.map(([weight, zone]) => ({
      weight,
      preference: { matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] },
    }));
    const preferred = { preferredDuringSchedulingIgnoredDuringExecution: preferences };
    return podOf({ affinity: { nodeAffinity: preferred } });
  };
  assert.equal(nodeAffinity.weight, 2);
  assert.equal(here.score(preferring([1, "a"])), 1);
  assert.equal(here.score(preferring([1, "b"])), 0);
  assert.equal(here.score(preferring([30, "a"], [10, "b"])), 30);
  assert.equal(here.score(preferring([30, "b"], [10, "a"], [10, "a"])), 20);
  const scores = Float64Array.of(0, 15, 40);
  nodeAffinity.normalize!(scores);
  assert.deepEqual([...scores], [0, 37, 100]);
});

Deno.test("only the nodes that a pod names are looked at", () => {
  const field = (operator: string, ...values: string[]) => ({
    key: "metadata.name",
    operator,
    values,
  });
  const rows: [terms: object[], names: string[] | undefined][] = [
    [[{ matchFields: [field("In", "m")] }], ["m"]],
    [[{ matchFields: [field("In", "m", "n"), field("In", "n", "o")] }], ["n"]],
    [[{ matchFields: [field("In", "m")] }, { matchFields: [field("In", "n")] }], ["m", "n"]],
    [[{ matchFields: [field("NotIn", "m")] }], undefined],
    [[{ matchFields: [field("In", "m")] }, { matchExpressions: [] }], undefined],
    [[], undefined],
  ];
  for (const [terms, names] of rows) {
    const found = nodeAffinity.preFilter!(requiring(...terms), here.snapshot);
    assert.deepEqual(found, names && new Set(names), JSON.stringify(terms));
  }
  const torn = requiring({ matchFields: [field("In", "m"), field("In", "n")] });
  assert.deepEqual(
    nodeAffinity.preFilter!(torn, here.snapshot),
    refusal("pod affinity terms conflict"),
  );
});

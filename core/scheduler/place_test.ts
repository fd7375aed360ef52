import assert from "node:assert/strict";
import type { Pod } from "../resources/core/pods/pods.ts";
import { feasibleMax, place as placeBy } from "./place.ts";
import type { Plugin } from "./plugin.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

const POD = { metadata: { uid: "p" }, spec: {}, status: {} } as Pod;

/** By plugins that sum up nothing of the cluster. */
function place(pod: Pod, snapshot: Snapshot, plugins: readonly Plugin[], start = 0) {
  const placement = placeBy(pod, snapshot, { plugins, clusterTallies: [] }, start);
  return "node" in placement ? { node: placement.node } : placement;
}

/** Nodes n0, n1, … without pods. */
function nodesOf(count: number): Snapshot {
  const nodes = Array.from({ length: count }, (_, index) => {
    return { name: `n${index}`, tallies: [] as unknown[] } as unknown as NodeState;
  });
  const nodeNamed = (name: string) => nodes.find((node) => node.name === name);
  return { nodes, nodeNamed, nominatedOn: () => [] } as unknown as Snapshot;
}

function scoring(scores: readonly number[], weight?: number): Plugin {
  return {
    name: "Scoring",
    ...(weight !== undefined && { weight }),
    score: () => ({ name }) => scores[Number(name.slice(1))] ?? 0,
  };
}

function refusing(names: readonly string[], preemptionMayHelp = false, reason = "no"): Plugin {
  return {
    name: "Refusing",
    filter: () => ({ name }) =>
      names.includes(name) ? { reasons: [reason], preemptionMayHelp } : undefined,
  };
}

Deno.test("the node with the highest score wins, of equally good ones the first", () => {
  const rows: [scores: number[], node: string][] = [
    [[5], "n0"],
    [[1, 3, 2], "n1"],
    [[3, 3, 3], "n0"],
    [[1, 3, 3], "n1"],
    [[0, 0], "n0"],
    [[-3, -2, -4], "n1"],
    [[1, 2], "n1"],
  ];
  for (const [scores, node] of rows) {
    const placed = place(POD, nodesOf(scores.length), [scoring(scores)]);
    assert.deepEqual(placed, { node }, scores.join());
  }
});

Deno.test("scores of plugins are added, each times its weight, which is 1 by default", () => {
  const rows: [plugins: Plugin[], node: string][] = [
    [[scoring([10, 0]), scoring([0, 6])], "n0"],
    [[scoring([10, 0]), scoring([0, 6], 2)], "n1"],
    [[scoring([10, 0]), scoring([0, 11], 1)], "n1"],
    [[scoring([10, 0], 1), scoring([0, 5], 2)], "n0"],
    [[scoring([0, 6], 2), scoring([10, 0])], "n1"],
    [[{ name: "No opinion", score: () => undefined }, scoring([0, 1])], "n1"],
  ];
  for (const [plugins, node] of rows) {
    assert.deepEqual(place(POD, nodesOf(2), plugins), { node }, JSON.stringify(plugins));
  }
});

Deno.test("a single feasible node is chosen without asking for its score", () => {
  const asked: string[] = [];
  const scores: Plugin = {
    name: "Scores",
    score: () => ({ name }) => asked.push(name),
  };
  assert.deepEqual(place(POD, nodesOf(2), [refusing(["n0"]), scores]), { node: "n1" });
  assert.deepEqual(asked, []);
  place(POD, nodesOf(2), [scores]);
  assert.deepEqual(asked, ["n0", "n1"]);
});

Deno.test("the search begins at the node that the caller names, and wraps around", () => {
  assert.deepEqual(place(POD, nodesOf(3), [], 2), { node: "n2" });
  assert.deepEqual(place(POD, nodesOf(3), []), { node: "n0" });
  assert.deepEqual(place(POD, nodesOf(3), [refusing(["n2"])], 2), { node: "n0" });
  assert.deepEqual(place(POD, nodesOf(3), [scoring([1, 1, 1])], 1), { node: "n1" });
});

Deno.test("the search ends with enough feasible nodes", () => {
  const looked: string[] = [];
  const watching: Plugin = {
    name: "Watching",
    filter: () => ({ name }) => {
      looked.push(name);
      return name === "n0" ? { reasons: ["no"], preemptionMayHelp: false } : undefined;
    },
  };
  place(POD, nodesOf(400), [watching]);
  assert.equal(looked.length, 1 + feasibleMax(400));
});

Deno.test("enough are all of 100 nodes, then half, then an ever smaller share, but no fewer than 100", () => {
  const rows = [
    [1, 1],
    [100, 100],
    [101, 100],
    [200, 100],
    [250, 120],
    [1000, 420],
    [2009, 683],
    [
      5000,
      500,
    ],
    [6000, 300],
    [20_000, 1000],
  ];
  for (const [count, enough] of rows) assert.equal(feasibleMax(count!), enough, String(count));
});

/** The placement of an unschedulable pod. */
function unschedulable(...args: Parameters<typeof place>) {
  const placement = place(...args);
  assert.ok("message" in placement);
  return placement;
}

Deno.test("for an unschedulable pod the message says why, and why preemption did not help", () => {
  const empty = "no nodes available to schedule pods";
  assert.equal(unschedulable(POD, nodesOf(0), []).message, empty);
  const plugins = [refusing(["n0"]), refusing(["n1", "n2"], true, "Insufficient cpu")];
  assert.equal(
    unschedulable(POD, nodesOf(3), plugins).message,
    "0/3 nodes are available: 1 no, 2 Insufficient cpu.",
  );
  const none = (words: string): Plugin => ({
    name: "None",
    preempt: () => ({ none: words, keepsNomination: true }),
  });
  assert.equal(
    unschedulable(POD, nodesOf(1), [refusing(["n0"]), none("not eligible.")]).message,
    "0/1 nodes are available: 1 no. preemption: not eligible.",
  );
});

Deno.test("an unschedulable pod was refused by the plugins that were the first to refuse a node", () => {
  const [a, b, c] = [refusing(["n0", "n1"]), refusing(["n1", "n2"]), refusing(["n1"])];
  const { refusers } = unschedulable(POD, nodesOf(3), [a!, b!, c!]);
  assert.deepEqual([...refusers], [a, b]);
  assert.equal(unschedulable(POD, nodesOf(0), [a!]).refusers.size, 0);
});

Deno.test("for an unschedulable pod the first plugin with a preemption decides", () => {
  const preempting = (node: string): Plugin => {
    return { name: "Preempting", preempt: () => ({ node, victims: [POD] }) };
  };
  const refuses = refusing(["n0"]);
  const silent: Plugin = { name: "No opinion" };
  assert.equal(unschedulable(POD, nodesOf(1), [refuses, silent]).preemption, undefined);
  assert.deepEqual(
    unschedulable(POD, nodesOf(1), [refuses, silent, preempting("n0"), preempting("n1")])
      .preemption,
    { node: "n0", victims: [POD] },
  );
  assert.deepEqual(place(POD, nodesOf(1), [preempting("n0")]), { node: "n0" });
});

Deno.test("each plugin is asked with its own tally", () => {
  const tallies = ["first", undefined, "third"];
  const nodes = ["n0", "n1"].map((name) => ({ name, tallies }));
  const snapshot = { nodes, nominatedOn: () => [] };
  const heard: unknown[] = [];
  const hearing = (name: string): Plugin => ({
    name,
    filter: (_pod, _snapshot, cluster) => (_node, tally) =>
      void heard.push(`${name} filter ${tally} ${cluster}`),
    score: (_pod, _snapshot, cluster) => (_node, tally) =>
      heard.push(`${name} score ${tally} ${cluster}`),
  });
  const plugins = [hearing("a"), { name: "b" }, hearing("c")];
  placeBy(POD, snapshot as unknown as Snapshot, { plugins, clusterTallies: ["x", "y", "z"] });
  assert.deepEqual([...new Set(heard)], [
    "a filter first x",
    "c filter third z",
    "a score first x",
    "c score third z",
  ]);
});

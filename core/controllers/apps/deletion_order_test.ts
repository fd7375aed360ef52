import assert from "node:assert/strict";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { inDeletionOrder } from "./deletion_order.ts";

interface Setting {
  node?: string;
  phase?: string;
  /** Second of the minute in which it became ready; absent: it is not. */
  ready?: number;
  cost?: string;
  restarts?: number[];
  created?: number;
}

function pod(
  name: string,
  { node = "n1", phase = "Running", ready, cost, restarts = [], created = 30 }: Setting,
): Pod {
  const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
  return {
    metadata: {
      name,
      creationTimestamp: at(created),
      ...(cost && { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
    },
    spec: { nodeName: node },
    status: {
      phase,
      conditions: ready === undefined
        ? []
        : [{ type: "Ready", status: "True", lastTransitionTime: at(ready) }],
      containerStatuses: restarts.map((restartCount) => ({ restartCount })),
    },
  } as unknown as Pod;
}

const UNBOUND = { nodeName: undefined };

/** What decides, the pod that goes, and the pod that stays. */
const ROWS: [decides: string, goes: Setting, stays: Setting][] = [
  ["unready goes before ready", {}, { ready: 10 }],
  ["pending before unknown", { phase: "Pending" }, { phase: "Unknown" }],
  ["unknown before running", { phase: "Unknown" }, { phase: "Running" }],
  ["pending before ready", { phase: "Pending", ready: 1 }, { phase: "Running" }],
  ["the phase before the readiness", { phase: "Unknown", ready: 10 }, { phase: "Running" }],
  ["the readiness before the cost", { cost: "9" }, { ready: 10, cost: "-9" }],
  ["the lower cost", { ready: 10, cost: "-1" }, { ready: 10 }],
  ["a cost is a number, not a text", { ready: 10, cost: "9" }, { ready: 10, cost: "10" }],
  ["no cost is 0", { ready: 10 }, { ready: 10, cost: "1" }],
  ["a cost that is none is 0", { ready: 10, cost: "x" }, { ready: 10, cost: "1" }],
  ["the cost before the time", { ready: 10, cost: "1" }, { ready: 20, cost: "2" }],
  ["ready for a shorter time", { ready: 20 }, { ready: 10 }],
  ["the time before the restarts", { ready: 20 }, { ready: 10, restarts: [5] }],
  ["restarted more often", { restarts: [3] }, { restarts: [2] }],
  ["the most of any container counts", { restarts: [0, 3] }, { restarts: [2, 2] }],
  ["the restarts before the age", { restarts: [3], created: 10 }, { created: 20 }],
  ["the younger", { created: 20 }, { created: 10 }],
];

for (const [decides, goes, stays] of ROWS) {
  Deno.test(`of too many pods goes first: ${decides}`, () => {
    // The names would decide otherwise.
    const [first, last] = [pod("z", goes), pod("a", stays)];
    for (const pods of [[first, last], [last, first]]) {
      assert.deepEqual(inDeletionOrder(pods, pods), [first, last]);
    }
  });
}

Deno.test("a pod on no node goes before all others, though it shares that with many", () => {
  const unbound = { ...pod("z", { phase: "Running", ready: 1 }), spec: UNBOUND } as unknown as Pod;
  const bound = pod("a", { phase: "Pending" });
  assert.deepEqual(inDeletionOrder([bound, unbound], [bound, unbound]), [unbound, bound]);
});

Deno.test("a pod that shares its node with more of its kind goes first, of other ReplicaSets too", () => {
  const [crowded, alone] = [pod("z", { ready: 10 }), pod("a", { node: "n2", ready: 10 })];
  const related = [crowded, alone, pod("other", { ready: 10 })];
  assert.deepEqual(inDeletionOrder([alone, crowded], related), [crowded, alone]);
  const cheap = { ...alone, ...{ metadata: pod("a", { cost: "-1" }).metadata } };
  assert.deepEqual(
    inDeletionOrder([crowded, cheap], related),
    [cheap, crowded],
    "the cost is first",
  );
  const newer = pod("a", { node: "n2", ready: 50 });
  assert.deepEqual(
    inDeletionOrder([newer, crowded], [crowded, newer, pod("other", {})]),
    [crowded, newer],
    "the time is later",
  );
});

Deno.test("a pod that is about to be adopted does not count among those of its node", () => {
  const [counted, adopted] = [pod("z", { ready: 10 }), pod("a", { node: "n2", ready: 10 })];
  assert.deepEqual(inDeletionOrder([adopted, counted], [counted]), [counted, adopted]);
});

Deno.test("pods that are alike go by their names, and the given list stays as it is", () => {
  const pods = [pod("b", {}), pod("c", {}), pod("a", {})];
  const before = [...pods];
  assert.deepEqual(inDeletionOrder(pods, pods).map(({ metadata }) => metadata.name), [
    "a",
    "b",
    "c",
  ]);
  assert.deepEqual(pods, before);
});

import assert from "node:assert/strict";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { TestCluster } from "../test_cluster.ts";
import { isScaled, scaledSizes } from "./proportional_scaling.ts";
import { DESIRED_REPLICAS, type History, MAX_REPLICAS } from "./replica_set_history.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web" }] },
};
const selector = { matchLabels: { app: "web" } };

function deployment(
  replicas: number,
  { maxSurge = 0, pods = 0, type = "RollingUpdate" } = {},
): Deployment {
  const strategy = type === "Recreate"
    ? { type }
    : { type, rollingUpdate: { maxSurge, maxUnavailable: 1 } };
  return new TestCluster().put(deployments, {
    metadata: { name: "web" },
    spec: { replicas, strategy, selector, template },
    status: pods === 0 ? {} : { replicas: pods },
  });
}

interface Given {
  /** Day of its creation. */
  day?: number;
  /** What the annotations say that its size was computed from. */
  desired?: number;
  max?: number;
  available?: number;
}

function replicaSet(
  name: string,
  replicas: number,
  { day = 1, desired, max, available = 0 }: Given = {},
): ReplicaSet {
  const annotations = {
    ...(desired !== undefined && { [DESIRED_REPLICAS]: String(desired) }),
    ...(max !== undefined && { [MAX_REPLICAS]: String(max) }),
  };
  return new TestCluster().put(replicaSets, {
    metadata: { name, annotations, creationTimestamp: `2026-01-0${day}T00:00:00Z` },
    spec: { replicas, selector, template },
    status: { replicas, ...(available > 0 && { availableReplicas: available }) },
  });
}

/** ReplicaSets v1, v2, …, each a day younger than the one before; the last one is current. */
function historyOf(sizes: number[], max?: number): History {
  const all = sizes.map((size, i) =>
    replicaSet(`v${i + 1}`, size, { day: i + 1, ...(max !== undefined && { max }) })
  );
  return { current: all.at(-1), old: all.slice(0, -1) };
}

/** The sizes of all, those that stay included. */
function scaled(given: Deployment, history: History): number[] {
  const sizes = scaledSizes(given, history);
  return [...history.old, ...history.current ? [history.current] : []]
    .map(({ metadata, spec }) => sizes.get(metadata.name) ?? spec.replicas);
}

Deno.test("during a rollout each ReplicaSet keeps its share", () => {
  const rows: [
    title: string,
    before: number[],
    max: number | undefined,
    replicas: number,
    options: object,
    after: number[],
  ][] = [
    ["up", [3, 2], 5, 10, {}, [6, 4]],
    ["down", [3, 2], 5, 3, {}, [2, 1]],
    ["down to few", [1, 8], 9, 4, {}, [0, 4]],
    ["three of them", [2, 3, 2], 7, 10, {}, [3, 4, 3]],
    ["three of them, down", [3, 8, 2], 13, 8, {}, [2, 5, 1]],
    ["what rounding leaves goes to the youngest of the largest", [1, 1, 1], 3, 4, {}, [1, 1, 2]],
    ["what rounding leaves is taken from the oldest of the largest", [1, 1, 1], 3, 2, {}, [
      0,
      1,
      1,
    ]],
    ["rounding gives no more than there is", [1, 1, 1], 3, 5, {}, [1, 2, 2]],
    ["rounding takes no more than it must", [3, 3, 3], 9, 7, {}, [2, 2, 3]],
    ["the larger one first", [1, 4], 5, 6, {}, [1, 5]],
    ["to none", [3, 2], 5, 0, {}, [0, 0]],
    ["to none, with a surge", [3, 2], 6, 0, { maxSurge: 1 }, [0, 0]],
    ["to one", [3, 2], 5, 1, {}, [1, 0]],
    ["to one, with a surge", [3, 2], 6, 1, { maxSurge: 1 }, [1, 1]],
    ["the surge counts", [3, 3], 6, 10, { maxSurge: 2 }, [6, 6]],
    ["by one", [2, 2], 4, 5, {}, [2, 3]],
    ["nothing to add, whatever it was computed from", [4, 2], 4, 6, {}, [4, 2]],
    ["by the pods that there are, without annotation", [3, 2], undefined, 10, { pods: 5 }, [6, 4]],
    ["by nothing that is known, up", [3, 2], undefined, 10, {}, [8, 2]],
    ["by nothing that is known, down", [3, 3], undefined, 1, {}, [0, 3]],
    ["by nothing that is known, to none", [3, 3], undefined, 0, {}, [0, 0]],
    ["by one pod", [3, 2], undefined, 10, { pods: 1 }, [8, 2]],
    ["without surge by Recreate", [3, 2], 5, 10, { type: "Recreate" }, [3, 2]],
    ["those without pods get none", [0, 2, 3], 5, 10, {}, [0, 4, 6]],
    ["one of them has a single pod", [1, 0, 4], 5, 10, {}, [2, 0, 8]],
  ];
  for (const [title, before, max, replicas, options, after] of rows) {
    assert.deepEqual(scaled(deployment(replicas, options), historyOf(before, max)), after, title);
  }
});

Deno.test("when one ReplicaSet has all pods, it gets the number; without any the current one, else the youngest", () => {
  const young = replicaSet("young", 0, { day: 3 }), older = replicaSet("older", 0, { day: 2 });
  const oldest = replicaSet("oldest", 0, { day: 1 }), one = replicaSet("one", 1, { day: 2 });
  const rows: [history: History, expected: object][] = [
    [{ current: young, old: [one] }, { one: 7 }],
    [{ current: one, old: [older] }, { one: 7 }],
    [{ current: older, old: [oldest] }, { older: 7 }],
    [{ current: undefined, old: [older, young, oldest] }, { young: 7 }],
    [{ current: undefined, old: [young, oldest] }, { young: 7 }],
    [{ current: undefined, old: [oldest] }, { oldest: 7 }],
    [{ current: undefined, old: [] }, {}],
  ];
  for (const [history, expected] of rows) {
    assert.deepEqual(Object.fromEntries(scaledSizes(deployment(7), history)), expected);
  }
});

Deno.test("once the current ReplicaSet has all its pods available, the old ones get none", () => {
  const saturated = { desired: 4, available: 4, max: 4 };
  const old = [replicaSet("a", 2, { max: 4 }), replicaSet("b", 0), replicaSet("c", 1, { max: 4 })];
  const sizes = (current: ReplicaSet | undefined) =>
    Object.fromEntries(scaledSizes(deployment(4), { current, old }));
  assert.deepEqual(sizes(replicaSet("now", 4, saturated)), { a: 0, c: 0 });
  const isProportional = (current: ReplicaSet | undefined) =>
    assert.ok((sizes(current)["a"] ?? 0) > 0);
  isProportional(replicaSet("now", 3, saturated));
  isProportional(replicaSet("now", 4, { ...saturated, desired: 5 }));
  isProportional(replicaSet("now", 4, { ...saturated, available: 3 }));
  isProportional(undefined);
});

Deno.test("a deployment is scaled when one of its ReplicaSets with pods got its size from another number", () => {
  const rows: [replicaSets: ReplicaSet[], expected: boolean][] = [
    [[replicaSet("a", 4, { desired: 4 })], false],
    [[replicaSet("a", 3, { desired: 3 })], true],
    [[replicaSet("a", 1, { desired: 3 })], true],
    [[replicaSet("a", 0, { desired: 3 })], false],
    [[replicaSet("a", 3)], false],
    [[replicaSet("a", 4, { desired: 4 }), replicaSet("b", 1, { desired: 3 })], true],
    [[], false],
  ];
  for (const [old, expected] of rows) {
    assert.equal(isScaled(deployment(4), { current: undefined, old }), expected);
  }
  assert.equal(
    isScaled(deployment(4), { current: replicaSet("a", 3, { desired: 3 }), old: [] }),
    true,
  );
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type BasicCounts, type BasicGoal, basicSizes, basicWanted } from "./basic_sizes.ts";

/** `[replicas, weight, surge, canary, stable]` */
const WANTED: readonly [number, number, number, number, number][] = [
  [1, 50, 1, 1, 1],
  [2, 10, 1, 1, 2],
  [3, 20, 1, 1, 3],
  [4, 25, 1, 1, 3],
  [10, 30, 0, 3, 7],
  [10, 0, 1, 0, 10],
  [10, 100, 1, 10, 0],
  [1, 5, 0, 0, 1],
  [3, 50, 0, 2, 1],
  [5, 1, 0, 1, 4],
  [5, 99, 0, 4, 1],
  [0, 50, 1, 0, 0],
];

Deno.test("the numbers of pods come as close to the weight as they can", () => {
  for (const [replicas, weight, surge, canary, stable] of WANTED) {
    const goal = { replicas, weight, weightMax: 100, surge, unavailable: 0 };
    assert.deepEqual(basicWanted(goal), { canary, stable }, JSON.stringify(goal));
  }
});

const set = (size: number, available = size) => ({ size, available });

interface Case {
  what: string;
  goal: Omit<BasicGoal, "weightMax">;
  counts: BasicCounts;
  sizes: [canary: number, stable: number];
}

const STEPS: readonly Case[] = [
  {
    what: "a bad version stops at the surge",
    goal: { replicas: 4, weight: 100, surge: 1, unavailable: 0 },
    counts: { canary: set(1, 0), stable: set(4), others: set(0) },
    sizes: [1, 4],
  },
  {
    what: "a third revision waits for the second to shrink",
    goal: { replicas: 4, weight: 100, surge: 1, unavailable: 0 },
    counts: { canary: set(0), stable: set(4), others: set(1, 0) },
    sizes: [0, 4],
  },
  {
    what: "scaled up in the middle, the stable set grows first",
    goal: { replicas: 8, weight: 25, surge: 1, unavailable: 0 },
    counts: { canary: set(1), stable: set(3), others: set(0) },
    sizes: [2, 6],
  },
  {
    what: "with a surge of two, two are tried at once",
    goal: { replicas: 4, weight: 100, surge: 2, unavailable: 0 },
    counts: { canary: set(0), stable: set(4), others: set(0) },
    sizes: [2, 4],
  },
  {
    what: "scaled to eight, the surge is the canary's",
    goal: { replicas: 8, weight: 100, surge: 4, unavailable: 0 },
    counts: { canary: set(2, 0), stable: set(4), others: set(0) },
    sizes: [8, 4],
  },
  {
    what: "from 100 to 0 never fewer than three are available",
    goal: { replicas: 3, weight: 0, surge: 2, unavailable: 0 },
    counts: { canary: set(3), stable: set(0), others: set(0) },
    sizes: [3, 2],
  },
  {
    what: "a crashing stable set does not block the canary",
    goal: { replicas: 4, weight: 50, surge: 0, unavailable: 1 },
    counts: { canary: set(0), stable: set(4, 0), others: set(0) },
    sizes: [0, 3],
  },
  {
    what: "without a stable set the canary becomes all",
    goal: { replicas: 4, weight: 10, surge: 1, unavailable: 0 },
    counts: { canary: set(0), others: set(0) },
    sizes: [4, 0],
  },
  {
    what: "sets of further revisions shrink first",
    goal: { replicas: 4, weight: 100, surge: 1, unavailable: 1 },
    counts: { canary: set(1), stable: set(3), others: set(1) },
    sizes: [1, 3],
  },
  {
    what: "broken stable pods make room when nothing else can",
    goal: { replicas: 2, weight: 100, surge: 1, unavailable: 0 },
    counts: { canary: set(1), stable: set(1, 0), others: set(1) },
    sizes: [1, 0],
  },
  {
    what: "so do those of an aborted canary",
    goal: { replicas: 2, weight: 0, surge: 1, unavailable: 0 },
    counts: { canary: set(1, 0), stable: set(1), others: set(1) },
    sizes: [0, 1],
  },
  {
    what: "pods that are ending do not count",
    goal: { replicas: 4, weight: 50, surge: 1, unavailable: 0 },
    counts: { canary: set(1, 3), stable: set(3), others: set(0) },
    sizes: [2, 3],
  },
  {
    what: "alone it shrinks at once",
    goal: { replicas: 2, weight: 100, surge: 1, unavailable: 0 },
    counts: { canary: set(5), others: set(0) },
    sizes: [2, 0],
  },
];

for (const { what, goal, counts, sizes } of STEPS) {
  Deno.test(`sizes of a basic canary: ${what}`, () => {
    const [canary, stable] = sizes;
    assert.deepEqual(basicSizes({ ...goal, weightMax: 100 }, counts), { canary, stable });
  });
}

const goals = fc.record({
  replicas: fc.integer({ min: 1, max: 20 }),
  weight: fc.integer({ min: 0, max: 100 }),
  surge: fc.integer({ min: 0, max: 20 }),
  unavailable: fc.integer({ min: 0, max: 20 }),
}).map(({ replicas, surge, unavailable, weight }): BasicGoal => ({
  replicas,
  weight,
  weightMax: 100,
  surge,
  unavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable),
}));

/** Two sets within the limits of the goal, of which any number of pods is available. */
const states = goals.chain((goal) =>
  fc.record({
    stable: fc.integer({ min: 0, max: goal.replicas + goal.surge }),
    canaryShare: fc.double({ min: 0, max: 1, noNaN: true }),
    isHealthy: fc.boolean(),
    shares: fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
  }).map(({ stable, canaryShare, isHealthy, shares }) => {
    const canary = Math.round((goal.replicas + goal.surge - stable) * canaryShare);
    const available = (size: number, share: number) => isHealthy ? size : Math.round(size * share);
    return {
      goal,
      counts: {
        canary: set(canary, available(canary, shares[0])),
        stable: set(stable, available(stable, shares[1])),
        others: set(0),
      },
    };
  })
);

Deno.test("a basic canary never has more pods than may surge", () => {
  fc.assert(fc.property(states, ({ goal, counts }) => {
    const { canary, stable } = basicSizes(goal, counts);
    assert.ok(canary + stable <= goal.replicas + goal.surge);
    assert.ok(canary >= 0 && stable >= 0);
  }));
});

Deno.test("no pod of a basic canary goes that must stay available", () => {
  fc.assert(fc.property(states, ({ goal, counts }) => {
    const { canary, stable } = basicSizes(goal, counts);
    const before = counts.canary.available + counts.stable.available;
    const sure = Math.min(canary, counts.canary.available) +
      Math.min(stable, counts.stable.available);
    const isCrashing = counts.canary.available < counts.canary.size ||
      counts.stable.available < counts.stable.size;
    // A set that shrinks may lose pods that do not work; Kubernetes deletes these first.
    if (isCrashing) return;
    assert.ok(sure >= Math.min(before, goal.replicas - goal.unavailable));
  }));
});

Deno.test("a healthy basic canary reaches what is wanted", () => {
  fc.assert(fc.property(states, ({ goal, counts }) => {
    let sizes = { canary: counts.canary.size, stable: counts.stable.size };
    for (let step = 0; step < 60; step++) {
      const { canary, stable } = sizes;
      sizes = basicSizes(goal, { canary: set(canary), stable: set(stable), others: set(0) });
      if (sizes.canary === canary && sizes.stable === stable) break;
    }
    assert.deepEqual(sizes, basicWanted(goal));
  }));
});

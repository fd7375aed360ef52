import assert from "node:assert/strict";
import { shareOf } from "../situation/shares.ts";
import { desiredWeight, type WeightFacts } from "./desired_weight.ts";

const facts: WeightFacts = {
  max: 100,
  replicas: 4,
  steps: { before: 10, now: 25, isDone: false },
  dynamicStableScale: false,
  isPromoted: false,
  isAborted: false,
  promoteFull: false,
  current: { hash: "new", available: 1 },
  stable: { hash: "old", available: 4 },
  returningFrom: undefined,
  present: 10,
  hasDesiredCounts: true,
  experiments: [{ weight: 5, serviceName: "baseline", podTemplateHash: "b" }],
};

const extra = facts.experiments;
const managed = { canaryHash: "new", removesManagedRoutes: false };
const cleared = { canaryHash: "new", removesManagedRoutes: true, extra: [] };

const CASES: [name: string, Partial<WeightFacts>, ReturnType<typeof desiredWeight>][] = [
  ["the step's, once pods are there", {}, { ...managed, weight: 25, extra }],
  ["that of the step before until then", { hasDesiredCounts: false }, {
    ...managed,
    weight: 10,
    extra,
  }],
  [
    "all after the last step, without experiments",
    { steps: { before: 25, now: 100, isDone: true } },
    { ...managed, weight: 100, extra: [] },
  ],
  ["none without steps", { steps: undefined }, { ...managed, weight: 0, extra: [] }],
  ["none when promoted", { isPromoted: true }, { ...cleared, weight: 0 }],
  ["none when aborted", { isAborted: true }, { ...cleared, weight: 0 }],
  ["an abort wins over a full promotion", { isAborted: true, promoteFull: true }, {
    ...cleared,
    weight: 0,
  }],
  [
    "none without an available pod; experiments go on",
    { current: { hash: "new", available: 0 } },
    { ...cleared, weight: 0, extra },
  ],
  ["as it is while all is promoted", { promoteFull: true }, { ...cleared, weight: 10 }],
  ["none then when there was none", { promoteFull: true, present: undefined }, {
    ...cleared,
    weight: 0,
  }],
  [
    "what new pods can carry, when stable pods go as they come",
    { promoteFull: true, dynamicStableScale: true, current: { hash: "new", available: 3 } },
    { ...cleared, weight: 75 },
  ],
  [
    "what too few stable pods cannot carry, after an abort",
    {
      isAborted: true,
      dynamicStableScale: true,
      present: 75,
      stable: { hash: "old", available: 3 },
    },
    { ...cleared, weight: 25 },
  ],
  [
    "never more than before, after an abort",
    {
      isAborted: true,
      dynamicStableScale: true,
      present: 20,
      stable: { hash: "old", available: 1 },
    },
    { ...cleared, weight: 20 },
  ],
  [
    "shared with the set before, on the way back to stable pods",
    {
      isPromoted: true,
      dynamicStableScale: true,
      returningFrom: "mid",
      present: 50,
      stable: { hash: "old", available: 3 },
    },
    { canaryHash: "mid", removesManagedRoutes: false, extra: [], weight: 25 },
  ],
  [
    "of another whole",
    {
      max: 1_000,
      isAborted: true,
      dynamicStableScale: true,
      present: 900,
      replicas: 3,
      stable: { hash: "old", available: 1 },
    },
    { ...cleared, weight: 667 },
  ],
];

for (const [name, change, expected] of CASES) {
  Deno.test(`The canary's weight is ${name}`, () => {
    assert.deepEqual(desiredWeight({ ...facts, ...change }), expected);
  });
}

Deno.test("What pods stand for is rounded down; none wanted is all", () => {
  assert.deepEqual([shareOf(1, 3, 100), shareOf(2, 3, 100), shareOf(3, 3, 100)], [33, 66, 100]);
  assert.equal(shareOf(0, 0, 100), 100);
});

import assert from "node:assert/strict";
import type { CanaryStrategy, Rollout, TrafficWeights } from "../../../resources/argoproj/mod.ts";
import { type ResolvedRollout, resolvedRollout } from "../situation/situation.ts";
import { limitsOf, routedSizes } from "./sizes.ts";

function rollout(replicas: number, canary: CanaryStrategy, status: object = {}): ResolvedRollout {
  const given = { metadata: { name: "web" }, spec: { replicas, strategy: { canary } }, status };
  return resolvedRollout(given as unknown as Rollout); // sizes follow from these fields alone
}

Deno.test("a text is a percentage, with its sign or without; the surge is rounded up, and one of both is never 0", () => {
  const rows: [replicas: number, CanaryStrategy, surge: number, unavailable: number][] = [
    [4, {}, 1, 1],
    [10, {}, 3, 2],
    [3, {}, 1, 0],
    [1, {}, 1, 0],
    [4, { maxSurge: "100%", maxUnavailable: 0 }, 4, 0],
    [4, { maxSurge: "50", maxUnavailable: "50" }, 2, 2],
    [4, { maxSurge: 0, maxUnavailable: 0 }, 0, 1],
    [4, { maxSurge: "0%", maxUnavailable: "10%" }, 0, 1],
    [2, { maxSurge: 1, maxUnavailable: 7 }, 1, 2],
    [0, {}, 0, 0],
    [3, { maxSurge: 0, maxUnavailable: "75%" }, 0, 2],
  ];
  for (const [replicas, canary, surge, unavailable] of rows) {
    const limits = limitsOf(rollout(replicas, canary));
    assert.deepEqual(limits, { surge, unavailable }, JSON.stringify([replicas, canary]));
  }
});

const ROUTED = { trafficRouting: { plugins: {} } };
const UPDATING = { stableRS: "a", currentPodHash: "b" };

function weights(canary: number): TrafficWeights {
  return { canary: { weight: canary }, stable: { weight: 100 - canary } };
}

interface Row {
  what: string;
  canary: CanaryStrategy;
  status: object;
  weights?: TrafficWeights;
  sizes: [canary: number, stable: number];
}

const STEPS = [{ setWeight: 10 }, { setCanaryScale: { weight: 50 } }, { setWeight: 25 }];
const ROWS: readonly Row[] = [
  {
    what: "the canary is as large as its weight, the stable set stays",
    canary: { steps: STEPS },
    status: { currentStepIndex: 0 },
    sizes: [1, 10],
  },
  {
    what: "setCanaryScale counts more than setWeight, later ones, too",
    canary: { steps: STEPS },
    status: { currentStepIndex: 2 },
    sizes: [5, 10],
  },
  {
    what: "a number of pods is taken as it is",
    canary: { steps: [{ setCanaryScale: { replicas: 3 } }], minPodsPerReplicaSet: 4 },
    status: { currentStepIndex: 0 },
    sizes: [3, 10],
  },
  {
    what: "until it matches the weight again",
    canary: { steps: [...STEPS, { setCanaryScale: { matchTrafficWeight: true } }] },
    status: { currentStepIndex: 3 },
    sizes: [3, 10],
  },
  {
    what: "a set that has pods has as many as it must",
    canary: { steps: STEPS, minPodsPerReplicaSet: 2 },
    status: { currentStepIndex: 0 },
    sizes: [2, 10],
  },
  {
    what: "but none when it needs none",
    canary: { steps: [{ setWeight: 0 }], minPodsPerReplicaSet: 2 },
    status: { currentStepIndex: 0 },
    sizes: [0, 10],
  },
  {
    what: "of another maximum the weight is a part of that",
    canary: { steps: STEPS, trafficRouting: { plugins: {}, maxTrafficWeight: 1_000 } },
    status: { currentStepIndex: 0 },
    sizes: [1, 10],
  },
  {
    what: "an abort takes the canary away",
    canary: { steps: STEPS },
    status: { currentStepIndex: 2, abort: true },
    sizes: [0, 10],
  },
  {
    what: "unless it is to stay for ever",
    canary: { steps: STEPS.slice(1), abortScaleDownDelaySeconds: 0 },
    status: { currentStepIndex: 0, abort: true },
    sizes: [5, 10],
  },
  {
    what: "promoted in full it is all",
    canary: { steps: STEPS },
    status: { currentStepIndex: 0, promoteFull: true },
    sizes: [10, 10],
  },
  {
    what: "past the last step, too",
    canary: { steps: STEPS },
    status: { currentStepIndex: 3 },
    sizes: [10, 10],
  },
  {
    what: "a stable set that follows keeps what its weight in use needs",
    canary: { steps: [{ setWeight: 40 }], dynamicStableScale: true },
    status: { currentStepIndex: 0 },
    weights: weights(10),
    sizes: [4, 9],
  },
  {
    what: "and goes when the weight is in use",
    canary: { steps: [{ setWeight: 40 }], dynamicStableScale: true },
    status: { currentStepIndex: 0 },
    weights: weights(40),
    sizes: [4, 6],
  },
  {
    what: "and grows before its weight does",
    canary: { steps: [{ setWeight: 10 }], dynamicStableScale: true },
    status: { currentStepIndex: 0 },
    weights: weights(60),
    sizes: [1, 9],
  },
  {
    what: "an aborted canary then shrinks as its weight does",
    canary: { steps: [{ setWeight: 60 }], dynamicStableScale: true },
    status: { currentStepIndex: 0, abort: true },
    weights: weights(35),
    sizes: [4, 10],
  },
];

for (const { what, canary, status, weights, sizes: [wanted, stable] } of ROWS) {
  Deno.test(`sizes of a routed canary: ${what}`, () => {
    const given = rollout(10, { ...ROUTED, ...canary }, { ...UPDATING, ...status });
    assert.deepEqual(routedSizes(given, weights), { canary: wanted, stable });
  });
}

import assert from "node:assert/strict";
import type { Rollout, RolloutStatus } from "./cluster/objects.ts";
import { type Promotion, type PromotionPatches, promotionPatches } from "./promotion.ts";

const STEPS = [{ setWeight: 20 }, { pause: {} }, { setWeight: 50 }];
const PAUSED: RolloutStatus = {
  currentStepIndex: 1,
  pauseConditions: [{ reason: "CanaryPauseStep" }],
  controllerPause: true,
};

interface Given {
  status?: RolloutStatus;
  paused?: boolean;
  strategy?: Rollout["spec"]["strategy"];
}

function rolloutWith({ status = {}, paused, strategy = { canary: { steps: STEPS } } }: Given) {
  const rollout: Rollout = {
    metadata: { name: "web", uid: "1" },
    spec: { strategy, ...(paused !== undefined && { paused }) },
    status,
  };
  return rollout;
}

const ROWS: readonly [what: string, Given, Promotion, PromotionPatches][] = [
  ["a pause of a step is taken away, and the step stays", { status: PAUSED }, "next", {
    status: { pauseConditions: null },
  }],
  ["without a pause the step is skipped", { status: { currentStepIndex: 1 } }, "next", {
    status: { pauseConditions: null, currentStepIndex: 2 },
  }],
  ["a step index that is absent is that of the first step", {}, "next", {
    status: { pauseConditions: null, currentStepIndex: 1 },
  }],
  ["after the last step there is none to skip", { status: { currentStepIndex: 3 } }, "next", {
    status: { pauseConditions: null, currentStepIndex: 3 },
  }],
  ["a user's pause ends, too", { status: PAUSED, paused: true }, "next", {
    spec: { paused: false },
    status: { pauseConditions: null },
  }],
  [
    "an inconclusive analysis is passed over together with its pause",
    {
      status: {
        ...PAUSED,
        pauseConditions: [{ reason: "InconclusiveAnalysisRun" }],
        canary: { currentStepAnalysisRunStatus: { status: "Inconclusive" } },
      },
    },
    "next",
    { status: { pauseConditions: null, controllerPause: false, currentStepIndex: 2 } },
  ],
  [
    "a blue-green rollout without a pause has nothing to promote",
    {
      strategy: { blueGreen: {} },
    },
    "next",
    {},
  ],
  [
    "a paused blue-green rollout goes on",
    {
      strategy: { blueGreen: {} },
      status: { pauseConditions: [{ reason: "BlueGreenPause" }], controllerPause: true },
    },
    "next",
    { status: { pauseConditions: null } },
  ],
  ["a canary without steps has nothing to promote", { strategy: { canary: {} } }, "next", {}],
  ["full", { status: { currentPodHash: "b", stableRS: "a" } }, "full", {
    status: { promoteFull: true },
  }],
  ["full, where all is promoted", { status: { currentPodHash: "a", stableRS: "a" } }, "full", {}],
  ["the current step is skipped", { status: PAUSED }, "skip-current-step", {
    status: { currentStepIndex: 2 },
  }],
  ["all steps are skipped", { status: PAUSED }, "skip-all-steps", {
    status: { currentStepIndex: 3 },
  }],
];

for (const [what, given, promotion, patches] of ROWS) {
  Deno.test(`promotion: ${what}`, () => {
    assert.deepEqual(promotionPatches(rolloutWith(given), promotion), patches);
  });
}

Deno.test("promotion: what has no steps has none to skip", () => {
  const skipped = (strategy: NonNullable<Given["strategy"]>) => () =>
    promotionPatches(rolloutWith({ strategy }), "skip-all-steps");
  assert.throws(skipped({ blueGreen: {} }), /Cannot skip steps of a bluegreen rollout/);
  assert.throws(skipped({ canary: {} }), /Cannot skip steps of a rollout without steps/);
});

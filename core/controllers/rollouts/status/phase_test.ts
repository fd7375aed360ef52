import assert from "node:assert/strict";
import type { RolloutStatus } from "../../../resources/argoproj/mod.ts";
import type { ResolvedRollout } from "../situation/situation.ts";
import { phaseOf } from "./phase.ts";

const DONE: RolloutStatus = {
  replicas: 2,
  updatedReplicas: 2,
  availableReplicas: 2,
  currentPodHash: "b",
  stableRS: "b",
  blueGreen: { activeSelector: "b" },
};
const CANARY = { canary: {} };
const BLUE_GREEN = { blueGreen: { activeService: "active" } };
const JUDGED = { blueGreen: { ...BLUE_GREEN.blueGreen, postPromotionAnalysis: { templates: [] } } };

function conditions(type: string, reason: string): Pick<RolloutStatus, "conditions"> {
  const time = "2026-01-01T00:00:00Z";
  return {
    conditions: [{
      type,
      status: "False",
      reason,
      message: "why",
      lastUpdateTime: time,
      lastTransitionTime: time,
    }],
  };
}

const run = (status: string) => ({
  blueGreen: {
    activeSelector: "b",
    postPromotionAnalysisRunStatus: { name: "web-post", status },
  },
});

Deno.test("the first that applies is the phase of a rollout", () => {
  const pauseConditions = [{ reason: "CanaryPauseStep", startTime: "2026-01-01T00:00:00Z" }];
  const restartAt = "2026-01-01T00:00:00Z";
  const cases: [string, object, RolloutStatus][] = [
    ["Degraded InvalidSpec: why", { paused: true }, conditions("InvalidSpec", "InvalidSpec")],
    ["Degraded RolloutAborted: why", { paused: true }, conditions("Progressing", "RolloutAborted")],
    [
      "Degraded ProgressDeadlineExceeded: why",
      {},
      { ...conditions("Progressing", "ProgressDeadlineExceeded"), pauseConditions },
    ],
    ["Paused manually paused", { paused: true }, { pauseConditions }],
    ["Paused CanaryPauseStep", { restartAt }, { pauseConditions }],
    ["Progressing rollout is restarting", { restartAt }, { updatedReplicas: 1 }],
    ["Progressing more replicas need to be updated", {}, { updatedReplicas: 1, replicas: 3 }],
    [
      "Progressing updated replicas are still becoming available",
      {},
      { availableReplicas: 1, replicas: 3 },
    ],
    ["Progressing old replicas are pending termination", {}, { replicas: 3, stableRS: "a" }],
    ["Progressing waiting for all steps to complete", {}, { stableRS: "a" }],
    [
      "Progressing waiting for all steps to complete",
      { strategy: { canary: { trafficRouting: {} } } },
      { replicas: 3, stableRS: "" },
    ],
    [
      "Healthy ",
      { strategy: { canary: { trafficRouting: {} } } },
      { replicas: 3 },
    ],
    ["Healthy ", { restartAt }, { restartedAt: "2026-01-01T00:00:00.000Z" }],
    [
      "Progressing active service cutover pending",
      { strategy: BLUE_GREEN },
      { blueGreen: {} },
    ],
    [
      "Progressing active service cutover pending",
      { strategy: BLUE_GREEN },
      { blueGreen: { activeSelector: "a" }, stableRS: "a" },
    ],
    [
      "Progressing waiting for post-promotion verification to complete",
      { strategy: BLUE_GREEN },
      { stableRS: "a" },
    ],
    ["Progressing waiting for analysis to complete", { strategy: JUDGED }, { stableRS: "a" }],
    [
      "Progressing waiting for analysis to complete",
      { strategy: JUDGED },
      { stableRS: "a", ...run("Running") },
    ],
    [
      "Progressing waiting for post-promotion verification to complete",
      { strategy: JUDGED },
      { stableRS: "a", ...run("Successful") },
    ],
    ["Healthy ", { strategy: BLUE_GREEN }, { replicas: 5 }],
  ];
  for (const [expected, spec, status] of cases) {
    const rollout = { spec: { replicas: 2, strategy: CANARY, ...spec } };
    const { phase, message } = phaseOf(rollout as ResolvedRollout, { ...DONE, ...status });
    assert.equal(`${phase} ${message}`, expected);
  }
});

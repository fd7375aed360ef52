import assert from "node:assert/strict";
import { timestamp } from "../../../lib/timestamp.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { RolloutCondition, RolloutStatus } from "../../../resources/argoproj/mod.ts";
import { DESIRED_REPLICAS, HASH_LABEL, SCALE_DOWN_DEADLINE } from "../situation/sets.ts";
import type { ResolvedRollout } from "../situation/situation.ts";
import { conditionIn, withConditionSet } from "./condition_list.ts";
import { type ConditionFacts, rolloutConditions } from "./conditions.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const MESSAGE = { reason: "RolloutHealthy", message: "Rollout is healthy" };

function condition(
  type: string,
  status: string,
  reason: string,
  ageS = 60,
): RolloutCondition {
  const time = timestamp(NOW_MS - ageS * 1_000);
  return { type, status, reason, message: "", lastUpdateTime: time, lastTransitionTime: time };
}

function setOf(
  hash: string,
  { available = 3, annotations = {}, conditions = [] as object[] } = {},
): ReplicaSet {
  return {
    kind: "ReplicaSet",
    metadata: {
      name: `web-${hash}`,
      labels: { [HASH_LABEL]: hash },
      annotations: { [DESIRED_REPLICAS]: "3", ...annotations },
    },
    spec: { replicas: 3 },
    status: { replicas: 3, availableReplicas: available, conditions },
  } as unknown as ReplicaSet; // what conditions are made of
}

/** Facts of a rollout of three pods that has finished, but for what is given. */
function factsOf({ spec = {}, before = {}, status = {}, ...facts }: {
  spec?: object;
  before?: Partial<RolloutStatus>;
  status?: Partial<RolloutStatus>;
} & Partial<Omit<ConditionFacts, "rollout" | "status">> = {}): ConditionFacts {
  const counts = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
  const hashes = { currentPodHash: "b", stableRS: "b" };
  const rollout = {
    metadata: { name: "web", generation: 1 },
    spec: { replicas: 3, strategy: { canary: {} }, ...spec },
    status: { observedGeneration: "1", ...counts, ...hashes, canary: {}, blueGreen: {}, ...before },
  } as unknown as ResolvedRollout; // what conditions are made of
  const current = setOf("b");
  return {
    rollout,
    status: { ...counts, ...hashes, conditions: before.conditions ?? [], ...status },
    current,
    others: [],
    all: [current],
    revision: 2,
    isAborted: false,
    abortMessage: undefined,
    nowMs: NOW_MS,
    ...facts,
  };
}

/** `type=status reason`, in order. */
function said({ conditions }: { conditions: readonly RolloutCondition[] }): string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

Deno.test("a condition of equal status and reason stays as it is, a changed one comes last", () => {
  const before = [condition("A", "True", "Old"), condition("B", "True", "Old")];
  const same = withConditionSet(
    before,
    { type: "A", status: "True", reason: "Old", message: "new" },
    NOW_MS,
  );
  assert.equal(same, before);
  const [b, a] = withConditionSet(
    before,
    { type: "A", status: "True", reason: "New", message: "" },
    NOW_MS,
  );
  assert.equal(b, before[1]);
  assert.equal(a!.lastTransitionTime, before[0]!.lastTransitionTime);
  assert.equal(a!.lastUpdateTime, timestamp(NOW_MS));
  const turned = withConditionSet(
    before,
    { type: "A", status: "False", reason: "Old", message: "" },
    NOW_MS,
  );
  assert.equal(turned[1]!.lastTransitionTime, timestamp(NOW_MS));
});

Deno.test("a rollout that has finished is healthy, available and completed", () => {
  const made = rolloutConditions(factsOf());
  assert.deepEqual(said(made), [
    "Healthy=True RolloutHealthy",
    "Progressing=True NewReplicaSetAvailable",
    "Available=True AvailableReason",
    "Completed=True RolloutCompleted",
  ]);
  assert.deepEqual(
    made.conditions.map(({ message }) => message),
    [
      MESSAGE.message,
      'ReplicaSet "web-b" has successfully progressed.',
      "Rollout has minimum availability",
      "RolloutCompleted",
    ],
  );
  assert.deepEqual(made.notices, []);
});

Deno.test("a rollout is not healthy before it has all, and is not said to be unhealthy before it was healthy", () => {
  const cases: [string, Parameters<typeof factsOf>[0]][] = [
    ["pods are missing", { status: { updatedReplicas: 2 } }],
    ["pods are too many", { status: { updatedReplicas: 4 } }],
    ["pods are not available", { status: { availableReplicas: 2 } }],
    ["the spec was not seen yet", { before: { observedGeneration: "0" } }],
    ["somebody has paused it", { spec: { paused: true } }],
    ["it waits", { before: { pauseConditions: [{ reason: "X", startTime: "" }] } }],
    ["steps are left", {
      spec: { strategy: { canary: { steps: [{}, {}] } } },
      status: { currentStepIndex: 1 },
    }],
    ["another set is stable", { status: { stableRS: "a" } }],
    ["old pods are left", { status: { replicas: 4 } }],
    ["users see another set", {
      spec: { strategy: { blueGreen: {} } },
      status: { blueGreen: { activeSelector: "a" } },
    }],
    ["the preview has another set", {
      spec: { strategy: { blueGreen: { previewService: "preview" } } },
      status: { blueGreen: { activeSelector: "b", previewSelector: "a" } },
    }],
  ];
  for (const [name, given] of cases) {
    const healthOf = (facts: ConditionFacts) =>
      conditionIn(rolloutConditions(facts).conditions, "Healthy");
    assert.equal(healthOf(factsOf(given)), undefined, name);
    const healthy = { conditions: [condition("Healthy", "True", "RolloutHealthy")] };
    const after = healthOf(factsOf({ ...given, before: { ...given?.before, ...healthy } }));
    assert.deepEqual([after?.status, after?.message], ["False", "Rollout is not healthy"], name);
  }
});

Deno.test("every kind of progress is noted with its time, even under the same reason", () => {
  const before = {
    conditions: [condition("Progressing", "True", "ReplicaSetUpdated")],
    stableRS: "a",
    replicas: 6,
    availableReplicas: 1,
  };
  const status = { stableRS: "a", replicas: 6, availableReplicas: 1 };
  const progressOf = (given: Parameters<typeof factsOf>[0]) =>
    conditionIn(
      rolloutConditions(factsOf({ ...given, before: { ...before, ...given?.before } })).conditions,
      "Progressing",
    )!;
  assert.equal(progressOf({ status }).lastUpdateTime, timestamp(NOW_MS - 60_000));
  const steps: RolloutStatus[] = [
    { updatedReplicas: 2 },
    { replicas: 5 },
    { readyReplicas: 4 },
    { availableReplicas: 2 },
    { stableRS: "b", replicas: 6 },
    { currentStepHash: "x" },
  ];
  for (const step of steps) {
    const { lastUpdateTime, lastTransitionTime, message } = progressOf({
      status: { ...status, ...step },
    });
    assert.equal(lastUpdateTime, timestamp(NOW_MS), JSON.stringify(step));
    assert.equal(lastTransitionTime, timestamp(NOW_MS - 60_000));
    assert.equal(message, 'ReplicaSet "web-b" is progressing.');
  }
  const steppedBack = {
    before: { currentStepIndex: 1 },
    status: { ...status, currentStepIndex: 0 },
  };
  assert.equal(progressOf(steppedBack).lastUpdateTime, timestamp(NOW_MS));
});

Deno.test("a promoted rollout that loses pods gets the whole deadline again", () => {
  const conditions = [
    condition("Healthy", "True", "RolloutHealthy"),
    condition("Progressing", "True", "NewReplicaSetAvailable", 3_600),
  ];
  const made = rolloutConditions(factsOf({
    before: { conditions },
    status: { availableReplicas: 2, readyReplicas: 2 },
  }));
  const progressing = conditionIn(made.conditions, "Progressing")!;
  assert.equal(progressing.reason, "ReplicaSetNotAvailable");
  assert.equal(progressing.message, "Rollout does not have minimum availability");
  assert.equal(progressing.lastUpdateTime, timestamp(NOW_MS));
});

Deno.test("without progress until the deadline it has timed out, and is aborted where that is asked for", () => {
  const status = { availableReplicas: 2, stableRS: "a" };
  const made = (
    { spec = {}, reason = "ReplicaSetUpdated", ageS = 11, ...more }:
      & { spec?: object; reason?: string; ageS?: number }
      & Partial<ConditionFacts>,
    before: Partial<RolloutStatus> = {},
  ) => {
    const conditions = [
      condition(
        "Progressing",
        reason === "ProgressDeadlineExceeded" ? "False" : "True",
        reason,
        ageS,
      ),
      ...before.conditions ?? [],
    ];
    return rolloutConditions(factsOf({
      spec: { progressDeadlineSeconds: 10, ...spec },
      before: { ...status, ...before, conditions },
      ...more,
      status,
    }));
  };
  const reasonOf = (outcome: { conditions: RolloutCondition[] }) =>
    conditionIn(outcome.conditions, "Progressing")!.reason;
  assert.equal(reasonOf(made({ ageS: 10 })), "ReplicaSetUpdated");
  const late = made({});
  assert.deepEqual([reasonOf(late), late.abort], ["ProgressDeadlineExceeded", undefined]);
  const message = 'ReplicaSet "web-b" has timed out progressing.';
  assert.equal(conditionIn(late.conditions, "Progressing")!.message, message);
  const spec = { progressDeadlineAbort: true };
  assert.equal(made({ spec }).abort, message);
  assert.equal(made({ spec, reason: "ProgressDeadlineExceeded", ageS: 1 }).abort, message);
  assert.deepEqual(made({ spec }).notices[0], {
    reason: "RolloutAborted",
    message,
    type: "Warning",
  });
  const waiting = setOf("c", { annotations: { [SCALE_DOWN_DEADLINE]: "2026-01-01T00:20:00Z" } });
  assert.equal(reasonOf(made({ others: [waiting] })), "ReplicaSetUpdated");
  assert.equal(reasonOf(made({ reason: "RolloutPaused" })), "RolloutPaused");
  assert.equal(
    reasonOf(made({}, { conditions: [condition("Paused", "True", "RolloutPaused")] })),
    "ReplicaSetUpdated",
  );
  for (const step of [{ pause: {} }, { analysis: {} }, { experiment: {} }]) {
    const strategy = { canary: { steps: [step] } };
    assert.equal(reasonOf(made({ spec: { strategy } })), "ReplicaSetUpdated");
  }
  const strategy = { canary: { steps: [{ setWeight: 20 }] } };
  assert.equal(reasonOf(made({ spec: { strategy } })), "ProgressDeadlineExceeded");
});

Deno.test("an abort is told once, with its revision and why", () => {
  const aborted = { isAborted: true, abortMessage: "metric", status: { stableRS: "a" } };
  const message = "Rollout aborted update to revision 2: metric";
  const made = rolloutConditions(factsOf(aborted));
  assert.equal(conditionIn(made.conditions, "Progressing")!.message, message);
  assert.deepEqual(made.notices[0], { reason: "RolloutAborted", message, type: "Warning" });
  const again = rolloutConditions(factsOf({
    ...aborted,
    before: { conditions: made.conditions },
  }));
  assert.deepEqual(again.notices, []);
  assert.deepEqual(said(again), said(made));
});

Deno.test("an update is told when it begins", () => {
  const conditions = [condition("Completed", "True", "RolloutCompleted")];
  const made = rolloutConditions(factsOf({ before: { conditions }, status: { stableRS: "a" } }));
  assert.deepEqual(made.notices, [{
    reason: "RolloutNotCompleted",
    message: "Rollout not completed, started update to revision 2 (b)",
  }]);
});

Deno.test("blue-green is available with the set that users see, a canary with all sets", () => {
  const availability = (given: Parameters<typeof factsOf>[0]) =>
    conditionIn(rolloutConditions(factsOf(given)).conditions, "Available")!.status;
  const [some, none] = [setOf("b", { available: 1 }), setOf("a", { available: 2 })];
  assert.equal(availability({ current: some, all: [some, none] }), "True");
  assert.equal(availability({ current: some, all: [some] }), "False");
  const blueGreen = { spec: { strategy: { blueGreen: {} } } };
  const seen = (activeSelector: string) => ({
    ...blueGreen,
    status: { blueGreen: { activeSelector } },
  });
  assert.equal(availability(seen("b")), "True");
  assert.equal(availability({ ...seen("a"), all: [setOf("b"), none] }), "False");
  assert.equal(availability(blueGreen), "False");
});

Deno.test("what a set cannot do is said while it cannot", () => {
  const conditions = [{
    type: "ReplicaFailure",
    status: "True",
    reason: "FailedCreate",
    message: "quota",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  }];
  const failing = setOf("a", { conditions });
  const made = rolloutConditions(factsOf({ all: [setOf("b"), failing] }));
  assert.equal(conditionIn(made.conditions, "ReplicaFailure")!.message, "quota");
  const after = rolloutConditions(factsOf({ before: { conditions: made.conditions } }));
  assert.equal(conditionIn(after.conditions, "ReplicaFailure"), undefined);
});

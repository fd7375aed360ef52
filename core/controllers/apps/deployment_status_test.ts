import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { TestCluster } from "../test_cluster.ts";
import {
  countedStatus,
  deadlineInMs,
  isComplete,
  pausedOrResumed,
  rolloutStatus,
  withProgress,
} from "./deployment_status.ts";
import type { History } from "./replica_set_history.ts";

const NOW_MS = Date.parse("2026-01-01T01:00:00Z");
const NO_DEADLINE = 2_147_483_647;
const selector = { matchLabels: { app: "web" } };
const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web" }] },
};

function deployment(spec: object = {}, status: object = {}, metadata: object = {}): Deployment {
  return new TestCluster().put(deployments, {
    metadata: { name: "web", ...metadata },
    spec: { replicas: 3, selector, template, ...spec },
    status,
  });
}

function replicaSet(name: string, replicas: number, status: object = {}): ReplicaSet {
  return new TestCluster().put(replicaSets, {
    metadata: { name },
    spec: { replicas, selector, template },
    status: { replicas, ...status },
  });
}

function progressing(reason: string, agoMs = 0, status = "True"): object {
  const lastUpdateTime = timestamp(NOW_MS - agoMs);
  return {
    type: "Progressing",
    status,
    reason,
    message: "",
    lastUpdateTime,
    lastTransitionTime: lastUpdateTime,
  };
}

function reasonOf(status: Deployment["status"] | undefined): string | undefined {
  return conditionOf(status?.conditions, "Progressing")?.reason;
}

Deno.test("counts are those of all ReplicaSets, and those of 0 are not kept", () => {
  const history: History = {
    current: replicaSet("new", 2, { readyReplicas: 1, availableReplicas: 1 }),
    old: [replicaSet("old", 3, { readyReplicas: 3, availableReplicas: 2 }), replicaSet("bare", 0)],
  };
  const { conditions: _, ...counts } = countedStatus(deployment(), history, NOW_MS);
  assert.deepEqual(counts, {
    observedGeneration: 1,
    replicas: 5,
    updatedReplicas: 2,
    readyReplicas: 4,
    availableReplicas: 3,
    unavailableReplicas: 2,
  });
  const more = { current: replicaSet("new", 1, { availableReplicas: 3 }), old: [] };
  const status = countedStatus(deployment({}, { collisionCount: 2 }), more, NOW_MS);
  assert.deepEqual([status.unavailableReplicas, status.collisionCount], [undefined, 2]);
  const none = countedStatus(deployment(), { current: undefined, old: [] }, NOW_MS);
  assert.deepEqual(Object.keys(none), ["observedGeneration", "conditions"]);
});

Deno.test("a deployment is available with as many pods as may not be missing, no fewer", () => {
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
  for (const [available, expected] of [[3, "True"], [2, "True"], [1, "False"]] as const) {
    const current = replicaSet("new", 3, { availableReplicas: available });
    const { conditions } = countedStatus(deployment({ strategy }), { current, old: [] }, NOW_MS);
    assert.equal(conditionOf(conditions, "Available")?.status, expected, `${available}`);
  }
});

Deno.test("a condition of the same status and reason is not written again", () => {
  const current = replicaSet("new", 3, { availableReplicas: 3 });
  const first = countedStatus(deployment(), { current, old: [] }, NOW_MS);
  const again = countedStatus(deployment({}, first), { current, old: [] }, NOW_MS + 60_000);
  assert.deepEqual(again.conditions, first.conditions);
  const lost = replicaSet("new", 3);
  const other = countedStatus(deployment({}, first), { current: lost, old: [] }, NOW_MS + 60_000);
  assert.equal(
    conditionOf(other.conditions, "Available")?.lastUpdateTime,
    timestamp(NOW_MS + 60_000),
  );
});

Deno.test("progress is kept only where there is a deadline for it", () => {
  const update = { status: "True" as const, reason: "R", message: "m" };
  assert.equal(reasonOf(withProgress(deployment(), update, NOW_MS)), "R");
  const endless = deployment({ progressDeadlineSeconds: NO_DEADLINE });
  assert.equal(withProgress(endless, update, NOW_MS), endless.status);
});

Deno.test("pausing and resuming are said once, and not after the deadline", () => {
  const rows: [
    paused: boolean,
    before: string | undefined,
    expected: string | undefined,
    deadline?: number,
  ][] = [
    [true, undefined, "DeploymentPaused"],
    [true, "ReplicaSetUpdated", "DeploymentPaused"],
    [true, "DeploymentPaused", undefined],
    [false, "DeploymentPaused", "DeploymentResumed"],
    [false, "ReplicaSetUpdated", undefined],
    [false, undefined, undefined],
    [true, "ProgressDeadlineExceeded", undefined],
    [true, undefined, undefined, NO_DEADLINE],
  ];
  for (const [paused, before, expected, progressDeadlineSeconds = 600] of rows) {
    const conditions = before === undefined ? [] : [progressing(before)];
    const given = deployment({ paused, progressDeadlineSeconds }, { conditions });
    assert.equal(reasonOf(pausedOrResumed(given, NOW_MS)), expected, `${paused} ${before}`);
  }
});

Deno.test("a deployment is complete with all pods updated, available and no others, for its last spec", () => {
  const whole = { updatedReplicas: 3, replicas: 3, availableReplicas: 3, observedGeneration: 1 };
  assert.equal(isComplete(deployment(), whole), true);
  const less = ["updatedReplicas", "replicas", "availableReplicas", "observedGeneration"] as const;
  for (const count of less) {
    assert.equal(isComplete(deployment(), { ...whole, [count]: whole[count] - 1 }), false, count);
    const { [count]: _, ...rest } = whole;
    assert.equal(isComplete(deployment(), rest), false, count);
    if (count === "observedGeneration") continue;
    const one = { updatedReplicas: 1, replicas: 1, availableReplicas: 1, observedGeneration: 1 };
    const { [count]: __, ...others } = one;
    assert.equal(isComplete(deployment({ replicas: 1 }), others), false, `${count} of one pod`);
  }
  assert.equal(isComplete(deployment(), { ...whole, replicas: 4 }), false);
  assert.equal(isComplete(deployment(), { ...whole, observedGeneration: 2 }), true);
  assert.equal(isComplete(deployment({ replicas: 0 }), { observedGeneration: 1 }), true);
});

Deno.test("what counts as progress: more updated, ready or available pods, or fewer old ones", () => {
  const counts = { replicas: 4, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  const rows: [before: object, isProgress: boolean][] = [
    [counts, false],
    [{ ...counts, updatedReplicas: 1, replicas: 3 }, true],
    [{ ...counts, replicas: 5 }, true],
    [{ ...counts, replicas: 3 }, false],
    [{ ...counts, readyReplicas: 1 }, true],
    [{ ...counts, availableReplicas: 1 }, true],
    [{ ...counts, readyReplicas: 3, availableReplicas: 3 }, false],
  ];
  const history = {
    current: replicaSet("new", 2, { readyReplicas: 1, availableReplicas: 1 }),
    old: [replicaSet("old", 2, { readyReplicas: 1, availableReplicas: 1 })],
  };
  for (const [before, isProgress] of rows) {
    const conditions = [progressing("ReplicaSetUpdated", 5_000)];
    const { conditions: after } = rolloutStatus(
      deployment({}, { ...before, conditions }),
      history,
      NOW_MS,
    );
    const { lastUpdateTime } = conditionOf(after, "Progressing")!;
    assert.equal(lastUpdateTime === timestamp(NOW_MS), isProgress, JSON.stringify(before));
  }
  const first = {
    current: replicaSet("new", 1, { readyReplicas: 1, availableReplicas: 1 }),
    old: [],
  };
  for (const left of ["updatedReplicas", "readyReplicas", "availableReplicas"] as const) {
    const before = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
    const { [left]: _, ...rest } = before;
    const status = { ...rest, conditions: [progressing("ReplicaSetUpdated", 5_000)] };
    const { conditions } = rolloutStatus(deployment({}, status), first, NOW_MS);
    assert.equal(conditionOf(conditions, "Progressing")!.lastUpdateTime, timestamp(NOW_MS), left);
  }
});

Deno.test("what a rollout says: complete, then nothing new; late; nothing without a deadline", () => {
  const all = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
  const whole = {
    current: replicaSet("new", 3, { readyReplicas: 3, availableReplicas: 3 }),
    old: [],
  };
  const stuck = { current: replicaSet("new", 3), old: [] };
  const stuckCounts = { replicas: 3, updatedReplicas: 3 };
  const late = [progressing("ReplicaSetUpdated", 601_000)];
  const rows: [
    title: string,
    history: History,
    status: object,
    expected: string | undefined,
    spec?: object,
  ][] = [
    [
      "complete",
      whole,
      { ...all, conditions: [progressing("ReplicaSetUpdated")] },
      "NewReplicaSetAvailable",
    ],
    ["late", stuck, { ...stuckCounts, conditions: late }, "ProgressDeadlineExceeded"],
    ["not yet late", stuck, {
      ...stuckCounts,
      conditions: [progressing("ReplicaSetUpdated", 600_000)],
    }, "ReplicaSetUpdated"],
    ["nothing said yet", stuck, stuckCounts, "FoundNewReplicaSet"],
    ["nothing said yet, and no ReplicaSet", { current: undefined, old: [] }, {}, undefined],
    ["complete before", stuck, {
      ...stuckCounts,
      conditions: [progressing("NewReplicaSetAvailable", 700_000)],
    }, "NewReplicaSetAvailable"],
    ["no deadline", stuck, { ...stuckCounts, conditions: late }, undefined, {
      progressDeadlineSeconds: NO_DEADLINE,
    }],
  ];
  for (const [title, history, status, expected, spec] of rows) {
    assert.equal(
      reasonOf(rolloutStatus(deployment(spec, status), history, NOW_MS)),
      expected,
      title,
    );
  }
  const rolling = { current: replicaSet("new", 1), old: [replicaSet("old", 2)] };
  const before = {
    replicas: 3,
    updatedReplicas: 1,
    conditions: [progressing("NewReplicaSetAvailable", 700_000)],
  };
  assert.equal(
    reasonOf(rolloutStatus(deployment({}, before), rolling, NOW_MS)),
    "NewReplicaSetAvailable",
    "not late before it has begun",
  );
  const { message } = conditionOf(
    rolloutStatus(deployment({}, { ...all, conditions: [] }), whole, NOW_MS).conditions,
    "Progressing",
  )!;
  assert.equal(message, 'ReplicaSet "new" has successfully progressed.');
});

Deno.test("what counts as progress, and what does not", () => {
  const late = "ProgressDeadlineExceeded";
  const rows: [title: string, before: object, history: History, expected: string][] = [
    [
      "pods of both templates go alike",
      { replicas: 3, updatedReplicas: 2 },
      { current: replicaSet("new", 1), old: [replicaSet("old", 1)] },
      late,
    ],
    [
      "the last old pod goes",
      { replicas: 1 },
      { current: replicaSet("new", 0), old: [] },
      "ReplicaSetUpdated",
    ],
    [
      "the last new pod goes",
      { replicas: 2, updatedReplicas: 1 },
      { current: replicaSet("new", 0), old: [replicaSet("old", 1)] },
      late,
    ],
    [
      "the first new pod comes",
      { replicas: 1 },
      { current: replicaSet("new", 1), old: [replicaSet("old", 1)] },
      "ReplicaSetUpdated",
    ],
  ];
  for (const [title, before, history, expected] of rows) {
    const status = { ...before, conditions: [progressing("ReplicaSetUpdated", 700_000)] };
    assert.equal(
      reasonOf(rolloutStatus(deployment({}, status), history, NOW_MS)),
      expected,
      title,
    );
  }
});

Deno.test("when a rollout is complete, nothing more is said of progress until the next one", () => {
  const conditions = [progressing("NewReplicaSetAvailable", 700_000)];
  const rows: [before: object, history: History][] = [
    [{ replicas: 3, updatedReplicas: 3, readyReplicas: 1 }, {
      current: replicaSet("new", 3, { readyReplicas: 2 }),
      old: [],
    }],
    [{ replicas: 2 }, { current: replicaSet("new", 0), old: [] }],
  ];
  for (const [before, history] of rows) {
    const given = deployment({}, { ...before, conditions });
    assert.equal(reasonOf(rolloutStatus(given, history, NOW_MS)), "NewReplicaSetAvailable");
  }
});

Deno.test("a rollout is late at once when its deadline has passed", () => {
  const conditions = [progressing("ReplicaSetUpdated", 600_000)];
  const given = deployment({}, { replicas: 3, updatedReplicas: 3, conditions });
  const history = { current: replicaSet("new", 3), old: [] };
  const reasonAfter = (ms: number) => reasonOf(rolloutStatus(given, history, NOW_MS + ms));
  assert.equal(reasonAfter(0), "ReplicaSetUpdated");
  assert.equal(reasonAfter(1), "ProgressDeadlineExceeded");
});

Deno.test("a deployment without a generation has none that was seen, and is complete without", () => {
  const given = deployment({ replicas: 0 }, {}, { generation: undefined });
  const history = { current: replicaSet("new", 0), old: [] };
  assert.equal(countedStatus(given, history, NOW_MS).observedGeneration, undefined);
  assert.equal(isComplete(given, {}), true);
});

Deno.test("when to look whether the deadline has passed", () => {
  const soon = [progressing("ReplicaSetUpdated", 590_000)];
  const whole = { updatedReplicas: 3, replicas: 3, availableReplicas: 3, observedGeneration: 1 };
  const rows: [title: string, spec: object, status: object, expected: number | undefined][] = [
    ["a second after", {}, { conditions: soon }, 11_000],
    ["it has passed", {}, { conditions: [progressing("ReplicaSetUpdated", 700_000)] }, 1_000],
    ["paused", { paused: true }, { conditions: soon }, undefined],
    ["no deadline", { progressDeadlineSeconds: NO_DEADLINE }, { conditions: soon }, undefined],
    ["nothing said", {}, {}, undefined],
    ["complete", {}, { ...whole, conditions: soon }, undefined],
    ["it was late", {}, { conditions: [progressing("ProgressDeadlineExceeded")] }, undefined],
    ["it is available", {}, { conditions: [progressing("NewReplicaSetAvailable")] }, undefined],
  ];
  for (const [title, spec, status, expected] of rows) {
    const given = deployment(spec, status);
    assert.equal(deadlineInMs(given, given.status, NOW_MS), expected, title);
  }
});

Deno.test("the failure of a ReplicaSet is copied, the current one's first", () => {
  const failing = (name: string) =>
    replicaSet(name, 1, {
      conditions: [
        { type: "Other", status: "True" },
        {
          type: "ReplicaFailure",
          status: "True",
          reason: name,
          lastTransitionTime: timestamp(NOW_MS),
        },
      ],
    });
  const failureOf = (history: History, status = {}) =>
    conditionOf(
      rolloutStatus(deployment({}, status), history, NOW_MS).conditions,
      "ReplicaFailure",
    );
  const both = { current: failing("new"), old: [failing("old")] };
  assert.deepEqual(failureOf(both), {
    type: "ReplicaFailure",
    status: "True",
    reason: "new",
    lastTransitionTime: timestamp(NOW_MS),
    lastUpdateTime: timestamp(NOW_MS),
  });
  assert.equal(failureOf({ current: replicaSet("new", 1), old: [failing("old")] })?.reason, "old");
  const before = { conditions: [{ type: "ReplicaFailure", status: "True" }] };
  assert.equal(failureOf({ current: replicaSet("new", 1), old: [] }, before), undefined);
});

import assert from "node:assert/strict";
import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import { rollouts } from "../../../resources/argoproj/mod.ts";
import { templateOf, TestRollout } from "../rollout_fixture.ts";

const STEPS = [{ setWeight: 50 }, { pause: { duration: "3s" } }];

Deno.test("a canary, its abort and its retry tell exactly what Argo Rollouts tells", () => {
  const rollout = new TestRollout({ strategy: { canary: { steps: STEPS } } });
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  rollout.setImage("web:2").run();
  assert.equal(rollout.status.phase, "Paused");
  assert.deepEqual(rollout.sizes, { 1: 1, 2: 1 });
  rollout.patchStatus({ abort: true }).run();
  assert.equal(rollout.status.phase, "Degraded");
  assert.equal(rollout.status.message, "RolloutAborted: Rollout aborted update to revision 2");
  assert.deepEqual(rollout.sizes, { 1: 1, 2: 0 });
  rollout.patchStatus({ abort: false }).run();
  assert.equal(rollout.status.phase, "Paused");
  assert.deepEqual(rollout.sizes, { 1: 1, 2: 1 });
  rollout.pass(3).run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 1 });
  assert.deepEqual(rollout.reasons, [
    "RolloutAddedToInformer",
    "RolloutUpdated",
    "NewReplicaSetCreated",
    "RolloutNotCompleted",
    "ScalingReplicaSet",
    "RolloutCompleted",
    "RolloutUpdated",
    "NewReplicaSetCreated",
    "RolloutNotCompleted",
    "ScalingReplicaSet",
    "RolloutStepCompleted",
    "RolloutPaused",
    "ScalingReplicaSet",
    "RolloutAborted",
    "ScalingReplicaSet",
    "RolloutStepCompleted",
    "RolloutPaused",
    "RolloutStepCompleted",
    "RolloutResumed",
    "ScalingReplicaSet",
    "RolloutCompleted",
  ]);
});

interface Scenario {
  what: string;
  spec: object;
  canary: object;
  /** What is done, and the sizes of the revisions after it. */
  story: readonly [(rollout: TestRollout) => unknown, Record<number, number>][];
}

const SCENARIOS: readonly Scenario[] = [
  {
    what: "a bad version stops at the surge, and a third one takes its place",
    spec: { replicas: 4 },
    canary: { maxSurge: 1, maxUnavailable: 0 },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("bad:2").run(), { 1: 4, 2: 1 }],
      [(rollout) => rollout.setImage("bad:3").run(), { 1: 4, 2: 0, 3: 1 }],
      [(rollout) => rollout.setImage("web:4").run(), { 1: 0, 2: 0, 3: 0, 4: 4 }],
    ],
  },
  {
    what: "a stable version that never was ready does not block a bad one, nor a good one",
    spec: { replicas: 4, template: templateOf("bad:1") },
    canary: { maxSurge: 1, maxUnavailable: 0 },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("bad:2").run(), { 1: 4, 2: 1 }],
      [(rollout) => rollout.setImage("web:3").run(), { 1: 0, 2: 0, 3: 4 }],
    ],
  },
  {
    what: "a surge of two pods, scaled up and down in the middle",
    spec: { replicas: 4 },
    canary: { maxSurge: 2, maxUnavailable: 0 },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("bad:2").run(), { 1: 4, 2: 2 }],
      [(rollout) => rollout.change({ replicas: 8 }).run(), { 1: 4, 2: 6 }],
      [(rollout) => rollout.change({ replicas: 4 }).run(), { 1: 4, 2: 2 }],
    ],
  },
  {
    what: "a surge of all pods, scaled up and down in the middle",
    spec: { replicas: 4 },
    canary: { maxSurge: "100%" },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("bad:2").run(), { 1: 3, 2: 4 }],
      [(rollout) => rollout.change({ replicas: 8 }).run(), { 1: 3, 2: 8 }],
      [(rollout) => rollout.change({ replicas: 4 }).run(), { 1: 3, 2: 4 }],
    ],
  },
  {
    what: "scaled up and down at a pause, the share stays",
    spec: { replicas: 2 },
    canary: { steps: [{ setWeight: 25 }, { pause: {} }] },
    story: [
      [(rollout) => rollout.run(), { 1: 2 }],
      [(rollout) => rollout.setImage("web:2").run(), { 1: 2, 2: 1 }],
      [(rollout) => rollout.change({ replicas: 8 }).run(), { 1: 6, 2: 2 }],
      [(rollout) => rollout.change({ replicas: 4 }).run(), { 1: 3, 2: 1 }],
    ],
  },
  {
    what: "the stable template comes back in the middle, without steps",
    spec: { replicas: 4 },
    canary: { steps: [{ setWeight: 50 }, { pause: {} }] },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("web:2").run(), { 1: 2, 2: 2 }],
      [(rollout) => rollout.setImage("web:1").run(), { 2: 0, 3: 4 }],
    ],
  },
  {
    what: "what is promoted in full needs no steps, and ends an abort",
    spec: { replicas: 4 },
    canary: { steps: [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: {} }] },
    story: [
      [(rollout) => rollout.run(), { 1: 4 }],
      [(rollout) => rollout.setImage("web:2").run(), { 1: 3, 2: 1 }],
      [(rollout) => rollout.patchStatus({ abort: true }).run(), { 1: 4, 2: 0 }],
      [(rollout) => rollout.patchStatus({ promoteFull: true }).run(), { 1: 0, 2: 4 }],
    ],
  },
];

for (const { what, spec, canary, story } of SCENARIOS) {
  Deno.test(`a basic canary: ${what}`, () => {
    const rollout = new TestRollout({ strategy: { canary }, ...spec });
    for (const image of ["bad:1", "bad:2", "bad:3"]) rollout.broken.add(image);
    for (const [act, sizes] of story) {
      act(rollout);
      assert.deepEqual(rollout.sizes, sizes);
    }
  });
}

Deno.test("an abort right after a full promotion was asked for wins", () => {
  const steps = [{ setWeight: 25 }, { pause: {} }];
  const rollout = new TestRollout({ replicas: 4, strategy: { canary: { steps } } });
  rollout.run().setImage("web:2").run();
  rollout.patchStatus({ promoteFull: true }).look().patchStatus({ abort: true }).run();
  assert.equal(rollout.status.phase, "Degraded");
  assert.deepEqual(rollout.sizes, { 1: 4, 2: 0 });
});

Deno.test("a pause without duration ends when somebody ends it, one with when its time is over", () => {
  const steps = [{ pause: {} }, { pause: { duration: 10 } }, { pause: { duration: "1m" } }];
  const rollout = new TestRollout({ strategy: { canary: { steps } } });
  rollout.run().setImage("web:2").run();
  assert.equal(rollout.pass(3_600).run().status.currentStepIndex, 0);
  assert.equal(
    rollout.patchStatus({ pauseConditions: undefined }).run().status.currentStepIndex,
    1,
  );
  assert.equal(rollout.plan().againAfterMs, 10_000);
  assert.equal(rollout.pass(9).run().status.currentStepIndex, 1);
  assert.equal(rollout.pass(1).run().status.currentStepIndex, 2);
  assert.equal(rollout.pass(59).run().status.currentStepIndex, 2);
  assert.equal(rollout.pass(1).run().status.phase, "Healthy");
});

Deno.test("a step of a plugin is an abort that says why", () => {
  const steps = [{ setWeight: 50 }, { plugin: { name: "example/step" } }];
  const rollout = new TestRollout({ strategy: { canary: { steps } } });
  assert.equal(rollout.run().status.phase, "Healthy");
  rollout.setImage("web:2").run();
  assert.equal(
    rollout.status.message,
    "RolloutAborted: Rollout aborted update to revision 2: Step Plugin 2 (example/step) failed: " +
      "plugins of steps are not supported; use an analysis or a pause instead",
  );
  assert.equal(rollout.status.canary?.stepPluginStatuses?.[0]?.phase, "Failed");
  assert.deepEqual(rollout.sizes, { 1: 1, 2: 0 });
});

Deno.test("when nothing is to do, nothing is written", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: { canary: {} } }).run();
  assert.deepEqual(rollout.plan(), { writes: [] });
});

Deno.test("sets beyond the limit of the history go, the oldest first", () => {
  const rollout = new TestRollout({ revisionHistoryLimit: 1, strategy: { canary: {} } });
  for (const image of ["web:1", "web:2", "web:3", "web:4"]) {
    rollout.setImage(image).run();
    rollout.pass(1);
  }
  rollout.run();
  assert.deepEqual(rollout.sizes, { 3: 0, 4: 1 });
});

Deno.test("a template that comes back to an old set gives it a new revision", () => {
  const rollout = new TestRollout({ strategy: { canary: {} } });
  for (const image of ["web:1", "web:2", "web:1"]) rollout.setImage(image).run();
  assert.deepEqual(rollout.sizes, { 2: 0, 3: 1 });
  const { annotations } = rollout.rollout.metadata;
  assert.equal(annotations?.["rollout.argoproj.io/revision"], "3");
  const [back] = rollout.sets.filter(({ spec }) => spec.replicas === 1);
  assert.equal(back?.metadata.annotations?.["rollout.argoproj.io/revision-history"], "1");
});

Deno.test("a rollout that is invalid says so, changes nothing else, and goes on when it is valid", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: { canary: {} } }).run();
  rollout.change({ strategy: {} }).settle();
  assert.equal(rollout.status.phase, "Degraded");
  assert.deepEqual(rollout.sizes, { 1: 2 });
  assert.equal(rollout.plan().againAfterMs, 20_000);
  rollout.change({ strategy: { canary: {} } }).run();
  assert.equal(rollout.status.phase, "Healthy");
});

Deno.test("what somebody resumed goes on at once; nobody is told what that somebody knows", () => {
  const steps = [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: {} }];
  const rollout = new TestRollout({ replicas: 4, strategy: { canary: { steps } } });
  rollout.run().setImage("web:2").run().patchStatus({ pauseConditions: undefined });
  while (rollout.status.currentStepIndex === 1) rollout.look();
  assert.equal(rollout.status.pauseConditions, undefined);
  assert.equal(rollout.status.controllerPause, undefined);
  rollout.run();
  const told = rollout.reasons.filter((reason) => /Paused|Resumed/.test(reason));
  assert.deepEqual(told, ["RolloutPaused", "RolloutPaused"]);
});

Deno.test("a template that was copied from a set, with all its defaults, is that of the set", () => {
  const rollout = new TestRollout({ strategy: { canary: {} } });
  rollout.run().setImage("web:2").run();
  const [first] = rollout.sets.filter(({ spec }) => spec.replicas === 0);
  const { metadata, spec } = first!.spec.template;
  const { "rollouts-pod-template-hash": hash, ...labels } = metadata!.labels!;
  rollout.change({ template: { metadata: { labels }, spec } }).run();
  assert.deepEqual(rollout.sizes, { 2: 0, 3: 1 });
  assert.equal(rollout.status.currentPodHash, hash);
  assert.equal(rollout.status.phase, "Healthy");
});

Deno.test("other steps begin again with the same canary", () => {
  const steps = [{ setWeight: 50 }, { pause: {} }];
  const rollout = new TestRollout({ replicas: 2, strategy: { canary: { steps } } });
  rollout.run().setImage("web:2").run();
  assert.equal(rollout.status.currentStepIndex, 1);
  rollout.change({ strategy: { canary: { steps: [{ pause: {} }, ...steps] } } }).run();
  assert.equal(rollout.status.currentStepIndex, 0);
  assert.equal(rollout.sets.length, 2);
});

Deno.test("while somebody has paused it, no pod comes or goes", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: { canary: {} } }).run();
  rollout.change({ paused: true }).setImage("web:2").run();
  assert.deepEqual(rollout.sizes, { 1: 2, 2: 0 });
  assert.equal(rollout.status.phase, "Paused");
  assert.equal(rollout.status.message, "manually paused");
  rollout.change({ paused: false }).run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 2 });
});

for (const aborts of [false, true]) {
  Deno.test(`an update that makes no progress is late${aborts ? ", and goes back" : ""}`, () => {
    const deadline = { progressDeadlineSeconds: 60, progressDeadlineAbort: aborts };
    const rollout = new TestRollout({ ...deadline, strategy: { canary: {} } }).run();
    rollout.broken.add("bad:2");
    rollout.setImage("bad:2").run();
    assert.equal(rollout.plan().againAfterMs, 61_000);
    assert.equal(rollout.pass(60).run().status.phase, "Progressing");
    rollout.pass(1).run();
    assert.equal(rollout.status.phase, "Degraded");
    assert.deepEqual(rollout.sizes, aborts ? { 1: 1, 2: 0 } : { 1: 1, 2: 1 });
    assert.equal(rollout.reasons.includes("RolloutAborted"), aborts);
    assert.equal(rollout.setImage("web:3").run().status.phase, "Healthy");
  });
}

Deno.test("the name of a set that is taken makes the next hash", () => {
  const rollout = new TestRollout({ strategy: { canary: {} } });
  const first = rollout.plan().writes.find(({ verb }) => verb === "create")!;
  const name = first.verb === "create" ? first.draft.metadata.name! : "";
  rollout.cluster.put(replicaSets, {
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "other" } },
      template: {
        metadata: { labels: { app: "other" } },
        spec: { containers: [{ name: "c", image: "c" }] },
      },
    },
  });
  rollout.run();
  assert.equal(rollout.status.collisionCount, 1);
  assert.equal(rollout.status.phase, "Healthy");
  assert.notEqual(`web-${rollout.status.currentPodHash}`, name);
});

Deno.test("each rollout is told when it is first seen, and when it is gone", () => {
  const rollout = new TestRollout({ strategy: { canary: {} } }).run();
  const { metadata } = rollout.rollout;
  rollout.cluster.take(rollouts, metadata);
  rollout.look().look();
  const told = rollout.cluster.notices.filter(({ reason }) => /Added|Deleted/.test(reason));
  assert.deepEqual(told.map(({ message, about }) => [message, about.metadata.uid]), [
    ["Rollout resource added to informer: default/web", metadata.uid],
    ["Rollout web/default is deleted.", metadata.uid],
  ]);
});

Deno.test("clients may skip steps, even more than there are", () => {
  const steps = [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: {} }];
  for (
    const [index, phase, sizes] of [
      [2, "Paused", { 1: 2, 2: 2 }],
      [-5, "Paused", { 1: 3, 2: 1 }],
      [4, "Healthy", { 1: 0, 2: 4 }],
      [99, "Healthy", { 1: 0, 2: 4 }],
    ] as const
  ) {
    const rollout = new TestRollout({ replicas: 4, strategy: { canary: { steps } } });
    rollout.run().setImage("web:2").run();
    rollout.patchStatus({ pauseConditions: undefined, currentStepIndex: index }).run();
    assert.deepEqual([rollout.status.phase, rollout.sizes], [phase, sizes], String(index));
  }
});

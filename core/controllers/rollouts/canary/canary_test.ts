import assert from "node:assert/strict";
import { TestRollout } from "../rollout_fixture.ts";

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

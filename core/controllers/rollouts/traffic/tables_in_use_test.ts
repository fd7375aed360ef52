import assert from "node:assert/strict";
import { RoutedRollout } from "./routed_rollout_fixture.ts";

const STEPS = [{ setWeight: 25 }, { pause: {} }];

function isVerified(made: RoutedRollout): boolean | undefined {
  return made.status.canary!.weights!.verified;
}

Deno.test("A weight is verified once every proxy serves it, and only then its step is done", () => {
  const made = new RoutedRollout({ steps: STEPS }, 4).runAll();
  made.setImage("web:2").run();
  assert.deepEqual([made.route, isVerified(made), made.status.currentStepIndex], [
    [75, 25],
    false,
    0,
  ]);
  made.catchUp(0);
  made.run();
  assert.deepEqual([isVerified(made), made.status.currentStepIndex], [false, 0]);
  made.catchUp(1);
  made.run();
  assert.deepEqual([isVerified(made), made.status.currentStepIndex, made.status.phase], [
    true,
    1,
    "Paused",
  ]);
});

Deno.test("A weight is not verified while a service does not lead everywhere where it should", () => {
  const made = new RoutedRollout({ steps: [{ setWeight: 0 }, { pause: {} }] }, 4).runAll();
  assert.equal(isVerified(made), true);
  made.change({
    strategy: {
      canary: {
        ...made.rollout.spec.strategy!.canary,
        steps: [{ setCanaryScale: { weight: 25 } }, { pause: {} }],
      },
    },
  });
  made.setImage("web:2").run();
  assert.equal(made.revisionOf("web-canary"), "2");
  assert.deepEqual([made.route, isVerified(made)], [[100, 0], false]);
  made.catchUp(0);
  made.catchUp(1);
  made.run();
  assert.equal(isVerified(made), true);
});

Deno.test("After a promotion the stable service leads to the new pods before it gets the traffic", () => {
  const made = new RoutedRollout({ steps: [{ setWeight: 25 }] }, 4).runAll();
  made.setImage("web:2").run();
  for (let i = 0; made.revisionOf("web-stable") === "1"; i++) {
    assert.ok(i < 10, JSON.stringify(made.status));
    made.catchUp(0);
    made.catchUp(1);
    made.run();
  }
  assert.deepEqual(made.route, [0, 100], "not before all proxies know where the service leads");
  made.catchUp(0);
  made.catchUp(1);
  made.run();
  assert.deepEqual(made.route, [100, 0]);
});

Deno.test("Pods go when their last request has ended", () => {
  const made = new RoutedRollout({ steps: STEPS, abortScaleDownDelaySeconds: 1 }, 4).runAll();
  made.setImage("web:2").runAll();
  made.patchStatus({ abort: true }).run();
  made.catchUp(0);
  made.catchUp(1);
  made.run().pass(2).run();
  assert.deepEqual([made.route, made.sizes], [[100, 0], { 1: 4, 2: 1 }]);
  made.proxies.drain();
  made.run();
  assert.deepEqual(made.sizes, { 1: 4, 2: 0 });
});

Deno.test("The weight does not rise for a set that is not of this update", () => {
  const first = [{ setCanaryScale: { replicas: 3 } }, { setWeight: 25 }, { pause: {} }];
  const made = new RoutedRollout({ steps: first }, 4).runAll();
  made.setImage("web:2").runAll();
  assert.deepEqual([made.route, made.revisionOf("web-canary")], [[75, 25], "2"]);
  made.touchRoute(); // nothing is verified from now on, so that the service does not move
  const canary = {
    ...made.rollout.spec.strategy!.canary,
    steps: [{ setWeight: 75 }, { pause: {} }],
  };
  made.change({ strategy: { canary } });
  made.setImage("web:3").run();
  assert.equal(made.revisionOf("web-canary"), "2");
  assert.ok(made.route[1]! <= 25, `revision 2 gets ${made.route[1]} %`);
  made.runAll();
  assert.deepEqual([made.route, made.revisionOf("web-canary"), made.status.phase], [
    [25, 75],
    "3",
    "Paused",
  ]);
});

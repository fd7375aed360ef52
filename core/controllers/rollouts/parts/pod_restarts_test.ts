import assert from "node:assert/strict";
import fc from "fast-check";
import { timestamp } from "../../../lib/timestamp.ts";
import { rollouts } from "../../../resources/argoproj/mod.ts";
import { isActive, isReady } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../../resources/policy/pod_disruption_budgets.ts";
import { TestRollout, WEB } from "../rollout_fixture.ts";
import { restartWatches } from "./pod_restarts.ts";

const CANARY = { canary: { maxSurge: 1, maxUnavailable: "50%", steps: [] } };

function running(spec: object = {}): TestRollout {
  return new TestRollout({ replicas: 4, strategy: CANARY, ...spec }).run();
}

function restart(rollout: TestRollout, inSeconds = 0): TestRollout {
  const at = timestamp(rollout.cluster.nowMs + inSeconds * 1_000);
  return rollout.change({ restartAt: at });
}

/** Names of the pods that the next look evicts. */
function evicted(rollout: TestRollout): string[] {
  const { writes } = rollout.plan();
  return writes.flatMap((write) =>
    write.verb === "act" && write.subresource === "eviction" ? [write.name.name] : []
  );
}

Deno.test("as many pods are restarted at once as may be missing, at least one", () => {
  const cases: [object, number][] = [
    [CANARY, 2],
    [{ canary: { maxSurge: 1, maxUnavailable: "75%" } }, 3],
    [{ canary: { maxSurge: 1, maxUnavailable: 0 } }, 1],
    [{ canary: { maxSurge: 1, maxUnavailable: 9 } }, 4],
  ];
  for (const [strategy, count] of cases) {
    const rollout = restart(running({ strategy }).pass(10)).pass(1);
    assert.equal(evicted(rollout).length, count, JSON.stringify(strategy));
  }
});

Deno.test("all pods are restarted, bit by bit, and then it is done", () => {
  const rollout = running().pass(10);
  const before = rollout.cluster.list<Pod>(pods).map(({ metadata }) => metadata.name);
  restart(rollout).pass(1);
  const { restartAt } = rollout.rollout.spec;
  let least = 4;
  while (rollout.status.restartedAt !== restartAt) {
    const changed = rollout.step();
    const up = rollout.cluster.list<Pod>(pods).filter((pod) => isActive(pod) && isReady(pod));
    least = Math.min(least, up.length);
    if (!changed) {
      assert.ok(rollout.end() + rollout.ready() > 0, "the restart does not go on");
    }
  }
  assert.equal(least, 2);
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  const after = rollout.cluster.list<Pod>(pods).map(({ metadata }) => metadata.name);
  assert.deepEqual(after.filter((name) => before.includes(name)), []);
  assert.deepEqual(evicted(rollout), []);
});

Deno.test("a restart waits for its time; pods of that time or later stay", () => {
  const rollout = running();
  restart(rollout, 60);
  assert.deepEqual(evicted(rollout), []);
  assert.equal(rollout.plan().againAfterMs, 60_001);
  rollout.pass(60);
  assert.deepEqual(evicted(rollout), []);
  assert.equal(evicted(rollout.pass(1)).length, 2);
  const young = restart(running()).pass(5);
  assert.deepEqual(evicted(young), []);
  assert.equal(young.settle().status.restartedAt, young.rollout.spec.restartAt);
});

function budget(rollout: TestRollout, disruptionsAllowed: number): void {
  rollout.cluster.put(podDisruptionBudgets, {
    metadata: { name: "keep", generation: 1 },
    spec: { maxUnavailable: disruptionsAllowed, selector: { matchLabels: { app: "web" } } },
    status: {
      observedGeneration: 1,
      disruptionsAllowed,
      currentHealthy: 4,
      desiredHealthy: 4 - disruptionsAllowed,
      expectedPods: 4,
    },
  });
}

Deno.test("what a budget forbids waits, and goes on when the budget goes", () => {
  const rollout = restart(running().pass(10)).pass(1);
  budget(rollout, 0);
  assert.deepEqual(evicted(rollout), []);
  assert.equal(rollout.plan().againAfterMs, 30_000);
  budget(rollout, 1);
  assert.equal(evicted(rollout).length, 1);
  const gone = rollout.cluster.get(podDisruptionBudgets, { namespace: "default", name: "keep" })!;
  assert.deepEqual(
    restartWatches[0]!.concerns(gone, rollout.cluster).map(({ name }) => name),
    ["web"],
  );
  rollout.cluster.take(podDisruptionBudgets, gone.metadata);
  assert.equal(evicted(rollout).length, 2);
});

Deno.test("pods of the stable set are restarted before new ones", () => {
  const steps = [{ setWeight: 50 }, { pause: {} }];
  const rollout = running({ strategy: { canary: { ...CANARY.canary, steps } } });
  const stable = rollout.cluster.list<Pod>(pods).map(({ metadata }) => metadata.name);
  rollout.setImage("web:2").run().pass(10);
  restart(rollout).pass(1);
  const names = evicted(rollout);
  assert.ok(names.length > 0 && names.every((name) => stable.includes(name)));
});

Deno.test("never more pods are evicted than may be missing, whatever is there", () => {
  const arbitrary = fc.record({
    replicas: fc.integer({ min: 1, max: 6 }),
    maxUnavailable: fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constantFrom("0%", "30%", "100%")),
    ready: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ replicas, maxUnavailable, ready }) => {
      const canary = { maxSurge: 1, maxUnavailable, steps: [] };
      const rollout = new TestRollout({ replicas, strategy: { canary } }).settle();
      const up = rollout.ready(ready);
      const settled = restart(rollout.settle().pass(10)).pass(1);
      const max = typeof maxUnavailable === "number"
        ? maxUnavailable
        : Math.floor(parseInt(maxUnavailable) * replicas / 100);
      const allowed = Math.max(1, Math.min(max, replicas));
      const count = evicted(settled).length;
      assert.ok(count <= Math.max(0, up - (replicas - allowed)), `${count} of ${up}`);
      assert.equal(settled.cluster.get(rollouts, WEB)!.spec.replicas, replicas);
    }),
    { numRuns: 40 },
  );
});

import assert from "node:assert/strict";
import { type ReplicaSet, replicaSets } from "../../../resources/apps/replica_sets.ts";
import { recordEvent } from "../../runtime/controller.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { Pass } from "./pass.ts";
import { resolvedRollout } from "./situation.ts";

/** A look at a rollout that is there, with its first set. */
function begun(): { pass: Pass; set: ReplicaSet } {
  const test = new TestRollout({ replicas: 2, strategy: { canary: {} } }).run();
  const { rollout: stored } = test;
  const pass = new Pass({ stored, rollout: resolvedRollout(stored), nowMs: 0 } as never);
  return { pass, set: test.sets[0]! };
}

const sized = (replicas: number) => (set: ReplicaSet) => ({
  ...set,
  spec: { ...set.spec, replicas },
});

Deno.test("a set that changes twice is written once, at the place of its first change, its events behind it", () => {
  const { pass, set } = begun();
  pass.changeSet(set, sized(3), { reason: "First", message: "a" });
  pass.write(recordEvent({ about: set, type: "Normal", reason: "Between", message: "b" }));
  pass.changeSet(set, (now) => sized(now.spec.replicas + 1)(now), {
    reason: "Second",
    message: "c",
  });
  const writes = pass.writesWith([]);
  assert.deepEqual(
    writes.map((write) => write.verb === "event" ? write.event.reason : write.verb),
    [
      "update",
      "First",
      "Second",
      "Between",
    ],
  );
  const [written] = writes;
  assert.equal(written?.verb === "update" && (written.object as ReplicaSet).spec.replicas, 4);
  assert.equal(pass.setNow(set).spec.replicas, 4);
});

Deno.test("a set that is changed back is not written", () => {
  const { pass, set } = begun();
  pass.changeSet(set, sized(3));
  pass.changeSet(set, sized(set.spec.replicas));
  assert.deepEqual(pass.writesWith([]), []);
});

Deno.test("what is told of the rollout follows its status, so that a refused write tells nothing", () => {
  const { pass, set } = begun();
  pass.tell("Told", "x");
  const status = { verb: "updateStatus" as const, resource: replicaSets, object: set };
  const writes = pass.writesWith([status]);
  assert.deepEqual(writes.map(({ verb }) => verb), ["updateStatus", "event"]);
});

Deno.test("the earliest wish to look again counts, and none is before now", () => {
  const { pass } = begun();
  assert.equal(pass.againAfterMs, undefined);
  pass.wakeIn(5_000);
  pass.wakeIn(7_000);
  assert.equal(pass.againAfterMs, 5_000);
  pass.wakeIn(-1);
  assert.equal(pass.againAfterMs, 0);
});

Deno.test("an abort ends all pauses, and keeps the time at which it began", () => {
  const test = new TestRollout({ strategy: { canary: {} } }).run();
  const startTime = "2026-01-01T00:00:00Z";
  test.patchStatus({ pauseConditions: [{ reason: "CanaryPauseStep", startTime }] });
  const stored = test.rollout;
  const pass = new Pass({ stored, rollout: resolvedRollout(stored), nowMs: 60_000 } as never);
  pass.addAbort("because");
  pass.settlePauses();
  const { abort, abortedAt, pauseConditions } = pass.status;
  assert.deepEqual({ abort, abortedAt, pauseConditions }, {
    abort: true,
    abortedAt: "1970-01-01T00:01:00Z",
    pauseConditions: undefined,
  });
});

import assert from "node:assert/strict";
import {
  type AnyCondition,
  conditionOf,
  isConditionTrue,
  withCondition,
  withConditions,
  withoutCondition,
  withTransitionTime,
} from "./conditions.ts";

const NOW_MS = 60_000;
const NOW = "1970-01-01T00:01:00Z";
const BEFORE = "1970-01-01T00:00:30Z";

interface Condition extends AnyCondition {
  reason?: string;
}

const ready: Condition = {
  type: "Ready",
  status: "True",
  reason: "Up",
  lastTransitionTime: BEFORE,
};
const other: Condition = { type: "Other", status: "False", lastTransitionTime: BEFORE };

Deno.test("a condition is found by its type, and is true only with the status True", () => {
  assert.equal(conditionOf([other, ready], "Ready"), ready);
  assert.equal(conditionOf([other], "Ready"), undefined);
  assert.equal(conditionOf(undefined, "Ready"), undefined);
  assert.equal(isConditionTrue([other, ready], "Ready"), true);
  assert.equal(isConditionTrue([{ type: "Ready", status: "Unknown" }], "Ready"), false);
  assert.equal(isConditionTrue([ready], "Other"), false);
  assert.equal(isConditionTrue(undefined, "Ready"), false);
});

const MERGES: Record<string, { given: Condition[] | undefined; next: Condition; then: object[] }> =
  {
    "of a new type is added at the end": {
      given: [other],
      next: { type: "Ready", status: "True" },
      then: [other, { type: "Ready", status: "True", lastTransitionTime: NOW }],
    },
    "is added where there are none": {
      given: undefined,
      next: { type: "Ready", status: "True" },
      then: [{ type: "Ready", status: "True", lastTransitionTime: NOW }],
    },
    "with another status has a new time, in the same place": {
      given: [ready, other],
      next: { type: "Ready", status: "False", reason: "Down" },
      then: [{ type: "Ready", status: "False", reason: "Down", lastTransitionTime: NOW }, other],
    },
    "with the same status keeps its time, whatever else changes": {
      given: [ready, other],
      next: { type: "Ready", status: "True", reason: "Still" },
      then: [{ type: "Ready", status: "True", reason: "Still", lastTransitionTime: BEFORE }, other],
    },
    "gives no time of its own": {
      given: [ready],
      next: { type: "Ready", status: "False", lastTransitionTime: BEFORE },
      then: [{ type: "Ready", status: "False", lastTransitionTime: NOW }],
    },
    "with the same status gets a time when it had none": {
      given: [{ type: "Ready", status: "True" }],
      next: { type: "Ready", status: "True" },
      then: [{ type: "Ready", status: "True", lastTransitionTime: NOW }],
    },
  };

for (const [name, { given, next, then }] of Object.entries(MERGES)) {
  Deno.test(`a merged condition ${name}`, () => {
    const before = structuredClone(given);
    assert.deepEqual(withCondition(given, next, NOW_MS), then);
    assert.deepEqual(given, before, "what was given stays as it was");
  });
}

Deno.test("a merge that changes nothing returns the same list", () => {
  const list = [other, ready];
  assert.equal(withCondition(list, { type: "Ready", status: "True", reason: "Up" }, NOW_MS), list);
  const { lastTransitionTime: _, ...same } = other;
  assert.equal(withConditions(list, [same, ready], NOW_MS), list);
  assert.equal(withConditions(list, [], NOW_MS), list);
  assert.equal(withoutCondition(list, "Absent"), list);
});

Deno.test("several conditions are merged one after the other", () => {
  const updates: Condition[] = [{ type: "New", status: "True" }, {
    type: "Ready",
    status: "False",
  }];
  assert.deepEqual(withConditions([ready, other], updates, NOW_MS), [
    { type: "Ready", status: "False", lastTransitionTime: NOW },
    other,
    { type: "New", status: "True", lastTransitionTime: NOW },
  ]);
});

Deno.test("a condition is taken out by its type", () => {
  assert.deepEqual(withoutCondition([other, ready], "Ready"), [other]);
  assert.deepEqual(withoutCondition<Condition>(undefined, "Ready"), []);
});

Deno.test("the time of a transition is kept while the status is the same", () => {
  const next: Condition = { type: "Ready", status: "True" };
  assert.equal(withTransitionTime(next, ready, NOW_MS).lastTransitionTime, BEFORE);
  assert.equal(withTransitionTime(next, other, NOW_MS).lastTransitionTime, NOW);
  assert.equal(withTransitionTime(next, undefined, NOW_MS).lastTransitionTime, NOW);
});

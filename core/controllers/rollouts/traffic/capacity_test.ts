import assert from "node:assert/strict";
import fc from "fast-check";
import { type CapacityFacts, replicasCarrying, weightWithinCapacity } from "./capacity.ts";

const facts: CapacityFacts = {
  max: 100,
  replicas: 10,
  canaryAvailable: 10,
  stableAvailable: 10,
  extra: 0,
  present: 0,
  desired: 50,
};

const CASES: [name: string, Partial<CapacityFacts>, expected: number][] = [
  ["is the desired one when pods can carry it", {}, 50],
  ["is what the canary's pods can carry", { canaryAvailable: 1, desired: 100 }, 10],
  ["is 0 without a pod of the canary", { canaryAvailable: 0 }, 0],
  ["falls only as far as the stable pods can take over", {
    present: 80,
    desired: 0,
    stableAvailable: 6,
  }, 40],
  [
    "does not rise because stable pods are gone",
    { present: 20, desired: 20, stableAvailable: 0 },
    20,
  ],
  [
    "stays when more pods are wanted than there are",
    { replicas: 20, canaryAvailable: 5, stableAvailable: 5, present: 50 },
    50,
  ],
  [
    "gives each pod as much as any other while they are too few",
    { replicas: 20, canaryAvailable: 2, stableAvailable: 6, present: 50 },
    25,
  ],
  ["leaves what experiments have", { extra: 70, desired: 50 }, 30],
  ["counts experiments as carried by others", {
    extra: 20,
    present: 60,
    desired: 0,
    stableAvailable: 5,
  }, 30],
  ["is the desired one when no pod is wanted", {
    replicas: 0,
    canaryAvailable: 0,
    stableAvailable: 0,
  }, 50],
];

for (const [name, change, expected] of CASES) {
  Deno.test(`The weight within capacity ${name}`, () => {
    assert.equal(weightWithinCapacity({ ...facts, ...change }), expected);
  });
}

const anyFacts: fc.Arbitrary<CapacityFacts> = fc.record({
  max: fc.constantFrom(100, 7, 1_000),
  replicas: fc.integer({ min: 1, max: 12 }),
  canary: fc.integer({ min: 0, max: 14 }),
  stable: fc.integer({ min: 0, max: 14 }),
  parts: fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }), fc.nat({ max: 100 })),
}).map(({ max, replicas, canary, stable, parts: [extra, present, desired] }) => {
  const of = (percent: number, whole: number) => Math.floor(whole * percent / 100);
  const extraWeight = of(extra % 60, max);
  return {
    max,
    replicas,
    canaryAvailable: canary,
    stableAvailable: stable,
    extra: extraWeight,
    present: of(present, max - extraWeight),
    desired: of(desired, max - extraWeight),
  };
});

Deno.test("No set gets more than its ready pods can carry, unless both together are too few", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { max, replicas, canaryAvailable, stableAvailable, extra, present } = facts;
      const weight = weightWithinCapacity(facts);
      const stableWeight = max - extra - weight;
      assert.ok(weight >= 0 && stableWeight >= 0, "no share is negative");
      const carried = Math.floor(max * canaryAvailable / replicas) +
        Math.floor(max * stableAvailable / replicas) + extra;
      const carrying = carried >= max
        ? replicas
        : replicasCarrying(replicas, canaryAvailable + stableAvailable);
      assert.ok(weight * carrying <= max * canaryAvailable, "the canary is never overloaded");
      const couldTakeOver = present * replicas <= max * canaryAvailable &&
        (max - extra - present) * replicas <= max * stableAvailable;
      if (carried >= max && couldTakeOver) {
        assert.ok(
          stableWeight * replicas <= max * stableAvailable,
          "stable pods are not overloaded",
        );
      }
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("A weight never rises above both the desired and the present one", () => {
  fc.assert(fc.property(anyFacts, (facts) => {
    assert.ok(weightWithinCapacity(facts) <= Math.max(facts.desired, facts.present));
  }));
});

Deno.test("As pods become ready, weights reach what is desired", () => {
  fc.assert(fc.property(anyFacts, (facts) => {
    const ready = { ...facts, canaryAvailable: facts.replicas, stableAvailable: facts.replicas };
    assert.equal(weightWithinCapacity(ready), facts.desired);
  }));
});

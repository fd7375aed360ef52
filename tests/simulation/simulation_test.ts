import assert from "node:assert/strict";
import { play } from "./cluster.ts";
import type { Met } from "./history.ts";
import { KEPT } from "./kept_scenarios.ts";
import { scenarioOf } from "./scenario.ts";
import { firstBadSeed, reportOf, seedsFrom } from "./seeds.ts";

const SEEDS = 75;
const MUST_MEET: readonly Met[] = [
  ...["a request was lost", "a request came twice", "an answer was cut off"] as const,
  ...["a slow watcher was cut off", "a kind was listed again"] as const,
  "a pod waited for its requests",
];

Deno.test("the cluster keeps its promises and comes to rest, whatever fails", async () => {
  const met = new Set<Met>();
  const bad = await firstBadSeed(seedsFrom(1, SEEDS), (history) => {
    for (const what of history.met.keys()) met.add(what);
  });
  if (bad !== undefined) assert.fail(await reportOf(scenarioOf(bad.seed)));
  assert.deepEqual(MUST_MEET.filter((what) => !met.has(what)), [], "these never came about");
});

for (const [found, scenario] of Object.entries(KEPT)) {
  Deno.test(`what a scenario has found: ${found}`, async () => {
    const { fault } = await play(scenario);
    if (fault !== undefined) assert.fail(await reportOf(scenario));
  });
}

Deno.test("a seed gives the same history twice", async () => {
  for (const seed of [2, 7, 11, 234]) {
    const [first, second] = [await play(scenarioOf(seed)), await play(scenarioOf(seed))];
    assert.ok(first.history.lines.length > 100);
    assert.deepEqual(second.history.lines, first.history.lines);
    assert.deepEqual(second.history.met, first.history.met);
  }
});

import assert from "node:assert/strict";
import { play } from "./cluster.ts";
import type { Occurrence } from "./history.ts";
import { REGRESSIONS } from "./regression_scenarios.ts";
import { scenarioOf } from "./scenario.ts";
import { firstBadSeed, reportOf, seedsFrom } from "./seeds.ts";

const SEEDS = 50;
const MUST_OCCUR: readonly Occurrence[] = [
  "a request was lost",
  "a request came twice",
  "an answer was cut off",
  "a slow watcher was cut off",
  "a kind was listed again",
  "a pod waited for its requests",
];

Deno.test("the cluster keeps its guarantees and settles, whatever fails", async () => {
  const occurred = new Set<Occurrence>();
  const bad = await firstBadSeed(seedsFrom(1, SEEDS), (history) => {
    for (const what of history.occurrences.keys()) occurred.add(what);
  });
  if (bad !== undefined) assert.fail(await reportOf(scenarioOf(bad.seed)));
  assert.deepEqual(MUST_OCCUR.filter((what) => !occurred.has(what)), [], "these never occurred");
});

for (const [found, scenario] of Object.entries(REGRESSIONS)) {
  Deno.test(`regression: ${found}`, async () => {
    const { fault } = await play(scenario);
    if (fault !== undefined) assert.fail(await reportOf(scenario));
  });
}

Deno.test("a seed gives the same history twice", async () => {
  for (const seed of [2, 7, 11, 234]) {
    const [first, second] = [await play(scenarioOf(seed)), await play(scenarioOf(seed))];
    assert.ok(first.history.lines.length > 100);
    assert.deepEqual(second.history.lines, first.history.lines);
    assert.deepEqual(second.history.occurrences, first.history.occurrences);
  }
});

import assert from "node:assert/strict";
import { play } from "./cluster.ts";
import { scenarioOf } from "./scenario.ts";
import { firstBadSeed, reportOf, seedsFrom } from "./seeds.ts";

const SEEDS = 50;

Deno.test("the cluster keeps its promises and comes to rest, whatever fails", async () => {
  const bad = await firstBadSeed(seedsFrom(1, SEEDS));
  if (bad !== undefined) assert.fail(await reportOf(bad.seed));
});

Deno.test("a seed gives the same history twice", async () => {
  const [first, second] = [await play(scenarioOf(7)), await play(scenarioOf(7))];
  assert.ok(first.history.lines.length > 100);
  assert.deepEqual(second.history.lines, first.history.lines);
});

import assert from "node:assert/strict";
import { EDGE_SEEDS, scenarioOf } from "../scenario.ts";
import { firstBadSeed, reportOf, seedsFrom } from "../seeds.ts";

const SEEDS = 25;

Deno.test("at the edge, too, the cluster keeps its guarantees and settles, whatever fails", async () => {
  const bad = await firstBadSeed(seedsFrom(EDGE_SEEDS, SEEDS), () => {});
  if (bad !== undefined) assert.fail(await reportOf(scenarioOf(bad.seed)));
});

Deno.test("the scenarios at the edge have cuts, joins, starts alone, clocks that are set, and merges", () => {
  const all = seedsFrom(EDGE_SEEDS, SEEDS);
  const count = new Map<string, number>();
  for (const seed of all) {
    for (const action of scenarioOf(seed).actions) {
      const isAll = action.do === "cut" && action.machines.length === 3;
      const isLong = action.do === "cut" && action.forMs > 400_000;
      for (
        const what of [action.do, ...isAll ? ["cut of all"] : [], ...isLong ? ["long cut"] : []]
      ) {
        count.set(what, (count.get(what) ?? 0) + 1);
      }
    }
  }
  const wanted = [
    ...["join", "cut", "cut of all", "long cut", "agent down", "power loss", "set clock"],
    ...["server down", "delete node", "delete pod", "set image", "set autonomy"],
  ];
  assert.deepEqual(wanted.filter((what) => (count.get(what) ?? 0) < 3), []);
});

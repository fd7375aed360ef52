import { play } from "./cluster.ts";
import type { Scenario } from "./scenario.ts";

/** Scenarios that one search may play. */
const RUNS_MAX = 300;

/**
 * The shortest scenario found that still fails, by leaving out actions: large parts first, single ones last. It may
 * fail for another reason than the whole, but it does fail.
 */
export async function shrunk(scenario: Scenario): Promise<Scenario> {
  let shortest = scenario;
  let runs = 0;
  for (let part = Math.ceil(scenario.actions.length / 2); part >= 1; part = Math.floor(part / 2)) {
    for (let from = 0; from < shortest.actions.length && runs < RUNS_MAX;) {
      const actions = shortest.actions.toSpliced(from, part);
      runs++;
      const shorter = { ...shortest, actions };
      if (await fails(shorter)) shortest = shorter;
      else from += part;
    }
  }
  return shortest;
}

async function fails(scenario: Scenario): Promise<boolean> {
  return (await play(scenario)).fault !== undefined;
}

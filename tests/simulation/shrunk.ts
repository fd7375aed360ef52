import { play } from "./cluster.ts";
import type { Scenario } from "./scenario.ts";

/** Runs that a search may take at most. */
const RUNS_MAX = 300;

/**
 * The shortest scenario found that still goes wrong, by leaving out actions: large parts first, single ones in the
 * end. What goes wrong may be something else than at first; what is left over is wrong all the same.
 */
export async function shrunk(scenario: Scenario): Promise<Scenario> {
  let shortest = scenario;
  let runs = 0;
  for (let part = Math.ceil(scenario.actions.length / 2); part >= 1; part = Math.floor(part / 2)) {
    for (let from = 0; from < shortest.actions.length && runs < RUNS_MAX;) {
      const actions = shortest.actions.toSpliced(from, part);
      runs++;
      const shorter = { ...shortest, actions };
      if (await isWrong(shorter)) shortest = shorter;
      else from += part;
    }
  }
  return shortest;
}

async function isWrong(scenario: Scenario): Promise<boolean> {
  return (await play(scenario)).fault !== undefined;
}

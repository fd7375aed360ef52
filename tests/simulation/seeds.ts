import { play } from "./cluster.ts";
import type { History } from "./history.ts";
import { describe, type Scenario, scenarioOf } from "./scenario.ts";
import { shrunk } from "./shrunk.ts";

/** Lines of a history that are shown. */
const LINES_MAX = 400;

/** Plays the scenarios of the seeds one after the other. Returns the first that fails. */
export async function firstBadSeed(
  seeds: Iterable<number>,
  onPlayed: (history: History) => void = () => {},
): Promise<{ seed: number; fault: string } | undefined> {
  for (const seed of seeds) {
    const { fault, history } = await play(scenarioOf(seed));
    onPlayed(history);
    if (fault !== undefined) return { seed, fault };
  }
  return undefined;
}

/** Every `step`th of the `count` seeds from `first` on. */
export function* seedsFrom(first: number, count: number, step = 1): Generator<number> {
  for (let seed = first; seed < first + count; seed += step) yield seed;
}

/** A report of what goes wrong in a scenario, with the shortest scenario that shows it. */
export async function reportOf(whole: Scenario): Promise<string> {
  const { seed } = whole;
  const short = await shrunk(whole);
  const [atFirst, { fault, history }] = [await play(whole), await play(short)];
  const lines = history.lines;
  const left = Math.max(0, lines.length - LINES_MAX);
  return [
    `seed ${seed}: ${atFirst.fault}`,
    ...(fault === atFirst.fault ? [] : [`shrunk: ${fault}`]),
    `needed for it: ${short.actions.length} of ${whole.actions.length} actions:`,
    ...actionLines(short),
    "history:",
    ...(left > 0 ? [`  … ${left} earlier lines`] : []),
    ...lines.slice(left),
    `to repeat: SEED=${seed} deno task simulate`,
  ].join("\n");
}

function actionLines({ actions, untilMs }: Scenario): string[] {
  return [
    ...actions.map((action) =>
      `${(action.atMs / 1_000).toFixed(3).padStart(9)} s  ${describe(action)}`
    ),
    `${(untilMs / 1_000).toFixed(3).padStart(9)} s  all faults end`,
  ];
}

import { play } from "./cluster.ts";
import type { History } from "./history.ts";
import { type Scenario, scenarioOf, wordsFor } from "./scenario.ts";
import { shrunk } from "./shrunk.ts";

/** Lines of a history that are shown. */
const LINES_MAX = 400;

/** Plays the runs of the seeds one after the other. Gives the first that goes wrong. */
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

/** `count` seeds from `first` on, every `step`th. */
export function* seedsFrom(first: number, count: number, step = 1): Generator<number> {
  for (let seed = first; seed < first + count; seed += step) yield seed;
}

/** Tells for a person what goes wrong with a scenario, by the shortest that shows it. */
export async function reportOf(whole: Scenario): Promise<string> {
  const { seed } = whole;
  const short = await shrunk(whole);
  const [atFirst, { fault, history }] = [await play(whole), await play(short)];
  const lines = history.lines;
  const left = Math.max(0, lines.length - LINES_MAX);
  return [
    `seed ${seed}: ${atFirst.fault}`,
    ...(fault === atFirst.fault ? [] : [`shrunk: ${fault}`]),
    `what is needed for it, ${short.actions.length} of ${whole.actions.length} actions:`,
    ...actionLines(short),
    "what happens then:",
    ...(left > 0 ? [`  … ${left} lines before`] : []),
    ...lines.slice(left),
    `again: SEED=${seed} deno task simulate`,
  ].join("\n");
}

function actionLines({ actions, untilMs }: Scenario): string[] {
  return [
    ...actions.map((action) =>
      `${(action.atMs / 1_000).toFixed(3).padStart(9)} s  ${wordsFor(action)}`
    ),
    `${(untilMs / 1_000).toFixed(3).padStart(9)} s  nothing fails any more`,
  ];
}

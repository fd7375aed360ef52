/**
 * Plants each bug in a copy of the tree and checks whether the tests of its part, or else the simulator, catch it:
 *
 *     deno task mutants           all of them; fails when one survives
 *     deno task mutants surge     those with the word in their name
 *     deno task mutants --auto core/scheduler/place.ts   changes each line of the file, and runs the tests beside it
 */
import { fileURLToPath } from "node:url";
import { mutateFiles } from "./auto_main.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";
import { copyOfTree, runDeno } from "./tree_copy.ts";

/** Within so many seeds a bug must be caught. */
const SEEDS = 200;
/** A run that takes longer counts as failed: the simulator itself notices endless loops in which virtual time advances. */
const RUN_MS_MAX = 900_000;
/** Tests that take longer with a bug wait for what it keeps from happening: it is caught. */
const TESTS_MS_MAX = 240_000;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === "--auto") return await mutateFiles(words.slice(1));
  const chosen = MUTANTS.filter(({ name }) => words.every((word) => name.includes(word)));
  const misplaced = await misplacedOf(chosen);
  for (const { file, name } of misplaced) write(`MISPLACED in ${file}: "${name}"`);
  if (misplaced.length > 0) return 1;
  const broken = await testsThatFailAnyway(chosen);
  for (const test of broken) write(`FAILS WITHOUT ANY BUG: ${test}`);
  if (broken.length > 0) return 1;
  const waiting = [...chosen];
  const survivors: string[] = [];
  const work = async () => {
    const folder = await copyOfTree();
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const verdict = await verdictOn(next, folder);
        if (verdict === undefined) survivors.push(next.name);
        write(`${verdict === undefined ? "SURVIVED" : "caught  "} ${next.name}: ${verdict ?? "-"}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, work));
  write(`${chosen.length - survivors.length} of ${chosen.length} planted bugs are caught`);
  return survivors.length === 0 && chosen.length > 0 ? 0 : 1;
}

/** Mutants whose text does not occur exactly once in its file: the code has changed, and they plant nothing. */
export async function misplacedOf(mutants: readonly Mutant[]): Promise<Mutant[]> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const counts = await Promise.all(
    mutants.map(async ({ file, search }) =>
      (await Deno.readTextFile(root + file).catch(() => "")).split(search).length - 1
    ),
  );
  return mutants.filter((_, index) => counts[index] !== 1);
}

/** Tests that fail in a copy without a planted bug: they would seem to catch everything. */
async function testsThatFailAnyway(mutants: readonly Mutant[]): Promise<string[]> {
  const tests = [...new Set(mutants.flatMap(({ tests = [] }) => tests))];
  const folder = await copyOfTree();
  try {
    const failing: string[] = [];
    for (const test of tests) if (!await testsPass([test], folder)) failing.push(test);
    return failing;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What catches the bug; `undefined` when it survives. */
async function verdictOn(mutant: Mutant, folder: string): Promise<string | undefined> {
  const path = `${folder}/${mutant.file}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace(mutant.search, () => mutant.replace));
  try {
    return await byTests(mutant, folder) ?? await bySimulator(mutant, folder);
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

async function bySimulator(
  { firstSeed = 1 }: Mutant,
  folder: string,
): Promise<string | undefined> {
  const env = { FIRST: String(firstSeed), STEP: "1", SEEDS: String(SEEDS) };
  const { code, output } = await runDeno(folder, ["run", "-A", "tests/simulation/main.ts"], {
    env,
    msMax: RUN_MS_MAX,
  });
  if (code === 0) return undefined;
  return /BAD .*/.exec(output)?.[0].replace("BAD", "seed");
}

async function byTests({ tests = [] }: Mutant, folder: string): Promise<string | undefined> {
  return await testsPass(tests, folder) ? undefined : tests.join(" ");
}

async function testsPass(tests: readonly string[], folder: string): Promise<boolean> {
  if (tests.length === 0) return true;
  const args = ["test", "-A", "--no-check", "--fail-fast", ...tests];
  return (await runDeno(folder, args, { msMax: TESTS_MS_MAX })).code === 0;
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

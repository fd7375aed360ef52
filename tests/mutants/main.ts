/**
 * Plants each bug in a copy of the tree and checks whether the simulator, or else a test of its part, catches it:
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
/** What a copy needs. */
const COPIED = ["core", "agent", "proxy", "server", "tests/simulation", "deno.json", "deno.lock"];

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === "--auto") return await mutateFiles(words.slice(1));
  const chosen = MUTANTS.filter(({ name }) => words.every((word) => name.includes(word)));
  const misplaced = await misplacedOf(chosen);
  for (const { file, name } of misplaced) write(`MISPLACED in ${file}: "${name}"`);
  if (misplaced.length > 0) return 1;
  const waiting = [...chosen];
  const survivors: string[] = [];
  const work = async () => {
    const folder = await copyOfTree(COPIED);
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

/** What catches the bug; `undefined` when it survives. */
async function verdictOn(mutant: Mutant, folder: string): Promise<string | undefined> {
  const path = `${folder}/${mutant.file}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace(mutant.search, () => mutant.replace));
  try {
    return await bySimulator(mutant, folder) ?? await byTests(mutant, folder);
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
  if (tests.length === 0) return undefined;
  const { code } = await runDeno(folder, ["test", "-A", "--no-check", ...tests], {
    msMax: RUN_MS_MAX,
  });
  return code === 0 ? undefined : tests.join(" ");
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

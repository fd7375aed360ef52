import { sourceTree } from "../source_tree.ts";
import { type LineMutant, mutantsOf, withMutant } from "./auto.ts";
import { isEquivalent } from "./equivalent_mutants.ts";
import { copyOfTree, runDeno } from "./tree_copy.ts";

/** A mutant whose tests run longer loops, and is caught. */
const RUN_MS_MAX = 60_000;
/** The share of mutants that the tests beside a file must catch. */
const CAUGHT_MIN = 0.9;

type SourceTree = ReturnType<typeof sourceTree>;

interface Planted extends LineMutant {
  file: string;
  tests: readonly string[];
}

/**
 * Changes the given files line by line and runs the tests beside them: those named after the file, and the nearest ones
 * that import it. Prints what survives; returns the exit code, 0 when each file reaches {@linkcode CAUGHT_MIN}.
 */
export async function mutateFiles(files: readonly string[]): Promise<number> {
  const tree = sourceTree();
  const plans = await Promise.all(files.map((file) => planFor(file, tree)));
  const survivors: Planted[] = [];
  const waiting = plans.flat();
  const work = async () => {
    const folder = await copyOfTree();
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (await survives(next, folder)) survivors.push(next);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, work));
  const verdicts = files.map((file, index) => {
    const all = plans[index]!.length;
    return report(file, all, survivors.filter((survivor) => survivor.file === file));
  });
  return verdicts.every(Boolean) ? 0 : 1;
}

async function planFor(file: string, tree: SourceTree): Promise<Planted[]> {
  const stem = file.replace(/\.ts$/, "");
  const named = tree.filter(({ path }) => path === `${stem}_test.ts`);
  const near = nearestTests(file, tree);
  const tests = [...new Set([...named, ...near].map(({ path }) => path))];
  if (tests.length === 0) throw new Error(`No test imports "${file}"`);
  const mutants = mutantsOf(await Deno.readTextFile(file));
  return mutants.filter((mutant) => !isEquivalent(file, mutant))
    .map((mutant) => ({ ...mutant, file, tests }));
}

/** The tests in the file's folder that import it; else those that do through other files; else the same one folder up. */
function nearestTests(file: string, tree: SourceTree): SourceTree {
  for (let folder = file; folder.includes("/");) {
    folder = folder.slice(0, folder.lastIndexOf("/"));
    const beside = tree.filter(({ path }) =>
      path.startsWith(`${folder}/`) && path.endsWith("_test.ts")
    );
    const importing = beside.filter(({ imports }) => imports.includes(file));
    if (importing.length > 0) return importing;
    const reaching = beside.filter(({ path }) => reaches(path, file, tree));
    if (reaching.length > 0) return reaching;
  }
  return [];
}

/** Whether a file imports another one, directly or through others. */
function reaches(from: string, to: string, tree: SourceTree): boolean {
  const known = new Map(tree.map((source) => [source.path, source.imports]));
  const seen = new Set([from]);
  for (const path of seen) for (const next of known.get(path) ?? []) seen.add(next);
  return seen.has(to);
}

async function survives(planted: Planted, folder: string): Promise<boolean> {
  const path = `${folder}/${planted.file}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withMutant(text, planted));
  try {
    const args = ["test", "-A", "--no-check", "--fail-fast", ...planted.tests];
    return (await runDeno(folder, args, { msMax: RUN_MS_MAX })).code === 0;
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

function report(file: string, all: number, survivors: readonly Planted[]): boolean {
  const caught = all - survivors.length;
  write(
    `${file}: ${caught} of ${all} caught (${all === 0 ? 100 : Math.floor(100 * caught / all)} %)`,
  );
  for (const { line, was, becomes } of survivors.toSorted((a, b) => a.line - b.line)) {
    write(
      `  survived ${line}: ${was.trim()}  =>  ${
        becomes?.trim().replace(/\n\s*/, " ") ?? "(dropped)"
      }`,
    );
  }
  return caught >= CAUGHT_MIN * all;
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

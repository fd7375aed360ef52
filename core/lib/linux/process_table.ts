import { identityOf, signal } from "./process_identity.ts";

/** A process and the words of its command line. */
export interface ListedProcess {
  pid: number;
  words: readonly string[];
}

/** The processes whose command line names one of the paths, or something below it. */
export async function processesNaming(paths: readonly string[]): Promise<readonly ListedProcess[]> {
  const found: ListedProcess[] = [];
  for (const pid of await pids()) {
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => ""); // it has ended
    const words = line.split("\0");
    const isNamed = paths.some((path) =>
      words.some((word) => word === path || word.startsWith(`${path}/`))
    );
    if (isNamed) found.push({ pid, words });
  }
  return found;
}

/** Kills a process and all that come from it. */
export async function killTree(root: number): Promise<void> {
  const parents = (await pids()).map((pid) => [pid, identityOf(pid)?.parentPid] as const);
  const tree = [root];
  for (const pid of tree) { // grows while it is walked
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  for (const pid of tree) signal(pid, "SIGKILL");
}

async function pids(): Promise<readonly number[]> {
  const entries = await Array.fromAsync(Deno.readDir("/proc"));
  return entries.map(({ name }) => Number(name)).filter((pid) => Number.isInteger(pid));
}

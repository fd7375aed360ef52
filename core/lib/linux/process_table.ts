import { identityOf, signal } from "./process_identity.ts";

/** A process and its command line. */
export interface ListedProcess {
  pid: number;
  words: readonly string[];
}

/** The processes whose command line contains one of the paths, or a path below it. */
export async function processesNaming(paths: readonly string[]): Promise<readonly ListedProcess[]> {
  const found: ListedProcess[] = [];
  for (const pid of await pids()) {
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => ""); // the process has ended
    const words = line.split("\0");
    const isNamed = paths.some((path) =>
      words.some((word) => word === path || word.startsWith(`${path}/`))
    );
    if (isNamed) found.push({ pid, words });
  }
  return found;
}

/** Kills a process and its descendants. */
export async function killTree(root: number): Promise<void> {
  const parents = (await pids()).map((pid) => [pid, identityOf(pid)?.parentPid] as const);
  const tree = [root];
  for (const pid of tree) { // grows during the iteration
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  for (const pid of tree) signal(pid, "SIGKILL");
}

async function pids(): Promise<readonly number[]> {
  const entries = await Array.fromAsync(Deno.readDir("/proc"));
  return entries.map(({ name }) => Number(name)).filter((pid) => Number.isInteger(pid));
}

/** The process and all its descendants that live (Linux; elsewhere itself alone). */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap((task) =>
    childrenOfTask(`/proc/${pid}/task/${task}/children`).split(" ").filter(Boolean).map(Number)
  );
}

function childrenOfTask(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it has ended
  }
}

function tasksOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch {
    return []; // it has ended
  }
}

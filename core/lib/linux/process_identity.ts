/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Number of the process that started it. */
  parentPid: number;
  /** Clock ticks between the boot and its start. */
  startTicks: number;
  /** `/proc/sys/kernel/random/boot_id` of the boot it was started in. */
  bootId: string;
}

/** Parses a boot id, a space and a line of `/proc/PID/stat` (proc(5)); `undefined` when it is cut off. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [bootId] = text.split(" ", 1);
  // The name stands in parentheses and may itself hold spaces and parentheses.
  const afterName = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const pid = Number(/^\S+ (\d+) \(/.exec(text)?.[1]);
  const parentPid = Number(afterName[1]);
  const startTicks = Number(afterName[19]);
  if (!bootId || !pid || Number.isNaN(parentPid) || !startTicks) return undefined;
  return { pid, parentPid, startTicks, bootId };
}

/** The identity of a process that runs now; `undefined` when there is none of that number. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat === undefined ? undefined : parseIdentity(`${bootId()} ${stat}`);
}

/** Whether the very same process is still there. One that ended and was not waited for yet counts as there. */
export function isAlive(identity: ProcessIdentity): boolean {
  return isIn(statOf(identity.pid), identity);
}

/** Whether the very same process has not ended, waited for or not. */
export function isRunning(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return isIn(stat, identity) && stat?.charAt(stat.lastIndexOf(")") + 2) !== "Z";
}

/** Sends a signal, to the whole group of processes when `pid` is negative. `false`: nobody was there. */
export function signal(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(pid, name);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isIn(stat: string | undefined, { startTicks, bootId: boot }: ProcessIdentity): boolean {
  const now = stat === undefined ? undefined : parseIdentity(`${bootId()} ${stat}`);
  return now?.startTicks === startTicks && now.bootId === boot;
}

/** It may end between the opening of the file and its reading. */
function statOf(pid: number): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}

/** ESRCH comes as an error of its own name or as plain text, by the call. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && /ESRCH|No such process/.test(error.message));
}

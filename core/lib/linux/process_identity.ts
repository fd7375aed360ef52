/** Identifies a process, also against a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Pid of the parent. */
  parentPid: number;
  /** Clock ticks from boot to its start. */
  startTicks: number;
  /** `/proc/sys/kernel/random/boot_id` when it was started. */
  bootId: string;
}

/** Parses a boot id, a space and a line of `/proc/PID/stat` (proc(5)); `undefined` when it is incomplete. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [bootId] = text.split(" ", 1);
  // The name is in parentheses and may itself contain spaces and parentheses.
  const afterName = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const pid = Number(/^\S+ (\d+) \(/.exec(text)?.[1]);
  const parentPid = Number(afterName[1]);
  const startTicks = Number(afterName[19]);
  if (!bootId || !pid || Number.isNaN(parentPid) || !startTicks) return undefined;
  return { pid, parentPid, startTicks, bootId };
}

/** The identity of a running process; `undefined` when there is none with that pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat === undefined ? undefined : parseIdentity(`${bootId()} ${stat}`);
}

/** Whether the same process still exists. A zombie counts as existing. */
export function isAlive(identity: ProcessIdentity): boolean {
  return isIn(statOf(identity.pid), identity);
}

/** Whether the same process is still running: a zombie is not. */
export function isRunning(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return isIn(stat, identity) && stat?.charAt(stat.lastIndexOf(")") + 2) !== "Z";
}

/** Sends a signal, to the whole group of processes when `pid` is negative. Returns false when there is no such process. */
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

/** The process may end between opening and reading the file. */
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

/** ESRCH is reported as an error class or only as text, depending on the call. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && /ESRCH|No such process/.test(error.message));
}

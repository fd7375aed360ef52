import type { Clock } from "../../lib/clock.ts";
import { DataLock, DataLockedError, holderOf, openLockFile } from "./data_lock.ts";

/** How long the kernel may take to end a process that was killed. */
const KILLED_MS_MAX = 5_000;

export interface TakeOver {
  clock: Clock;
  /** Ends the wait; then nothing is taken. */
  signal: AbortSignal;
  /** Called with what is being done, in a sentence, and to which process. */
  tell(what: string, pid: number): void;
  /** How long to wait after asking the server to end. */
  endMs: number;
  /** How long to wait after killing it; 5 s when absent. */
  killedMs?: number;
  /** Sends a signal; `Deno.kill` when absent. For tests. */
  kill?(pid: number, signal: Deno.Signal): void;
}

/**
 * Takes the lock at `path` from the server that holds it: asks it to end (SIGTERM), then ends it (SIGKILL). Should
 * neither work, because it hangs in the kernel, the lock counts as taken all the same: the fence of the journal keeps
 * that process from writing, and the kernel's lock is ours when it is gone.
 *
 * A signal is sent only to a process that the kernel says has locked this very file. Throws
 * {@linkcode DataLockedError} when that cannot be shown or another command has the data, and an `Error` when the
 * process may not be signalled.
 */
export async function takeLockOver(path: string, options: TakeOver): Promise<DataLock> {
  const file = await openLockFile(path);
  try {
    if (await file.tryLock(true)) return await DataLock.of(file, path, "server");
    const pid = await provenHolder(path);
    const locked = file.lock(true);
    locked.catch(() => {}); // the file was closed, because nothing is taken
    if (await isObtained(locked, pid, path, options)) {
      return await DataLock.of(file, path, "server");
    }
    return DataLock.awaiting(locked, file, path, "server");
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Ends the process that holds the lock. `false` when nothing ends it: then it must be shut out. */
async function isObtained(
  locked: Promise<void>,
  pid: number,
  path: string,
  options: TakeOver,
): Promise<boolean> {
  const { signal, tell, endMs, killedMs = KILLED_MS_MAX, kill = Deno.kill } = options;
  tell("Asking the server that has the data to end", pid);
  send(kill, pid, "SIGTERM");
  if (await isDoneWithin(locked, endMs, options)) return true;
  tell("The server that has the data does not end: killing it", pid);
  if (await provenHolder(path) === pid) send(kill, pid, "SIGKILL");
  if (await isDoneWithin(locked, killedMs, options)) return true;
  signal.throwIfAborted();
  tell("The server that has the data cannot be ended: it is shut out", pid);
  return false;
}

function send(kill: NonNullable<TakeOver["kill"]>, pid: number, signal: Deno.Signal): void {
  try {
    kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // it has ended
    const { message } = error as Error;
    throw new Error(`Cannot take over from the server with pid ${pid}: ${message}; end it first`);
  }
}

async function isDoneWithin(
  done: Promise<unknown>,
  ms: number,
  { clock, signal }: TakeOver,
): Promise<boolean> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const time = clock.sleep(ms, either).then(() => false);
  try {
    return await Promise.race([done.then(() => true), time]);
  } finally {
    over.abort();
    time.catch(() => {}); // the other came first
  }
}

/** The process that holds the lock, if it is a server and the kernel confirms what the file says. */
async function provenHolder(path: string): Promise<number> {
  const holder = await holderOf(path);
  const { pid, use } = holder;
  const isProven = pid !== undefined && use === "server" && await holdsLock(pid, path);
  if (!isProven) throw new DataLockedError(path, holder);
  return pid;
}

/**
 * Whether the process has locked this very file: see proc(5), `/proc/PID/fdinfo`. `/proc/locks` is no
 * alternative: it is read in pieces, and locks that come or go meanwhile can hide this one. Only possible on Linux.
 */
async function holdsLock(pid: number, path: string): Promise<boolean> {
  const { dev, ino } = await Deno.stat(path);
  const folder = `/proc/${pid}/fd`;
  const files = await Array.fromAsync(Deno.readDir(folder)).catch(() => []); // gone, or another user's
  for (const { name } of files) {
    const open = await Deno.stat(`${folder}/${name}`).catch(() => undefined); // closed since
    if (open?.dev !== dev || open.ino !== ino) continue;
    const info = await Deno.readTextFile(`/proc/${pid}/fdinfo/${name}`).catch(() => "");
    if (new RegExp(`^lock:\\s+\\d+: FLOCK +ADVISORY +WRITE +${pid} `, "m").test(info)) return true;
  }
  return false;
}

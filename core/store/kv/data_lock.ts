/** What a process does with the data directory: only a server can be asked to give it up. */
export type DataUse = "server" | "restore" | "check" | "compact";

/** Who uses a data directory, according to the lock file. */
export interface DataHolder {
  /** `undefined`: the file does not say. */
  pid: number | undefined;
  use: DataUse;
}

const USES: readonly string[] = ["server", "restore", "check", "compact"] satisfies DataUse[];

/**
 * Marks a data directory as in use, for as long as the process lives.
 *
 * The kernel holds the lock (`flock`), so that a process that was killed leaves none behind; the file holds
 * `PID USE`, for messages and for a server that wants to take over.
 */
export class DataLock {
  readonly #file: Deno.FsFile;

  /** Throws {@linkcode DataLockedError}, naming the pid of the other process, when the lock is taken. */
  static async take(path: string, use: DataUse = "server"): Promise<DataLock> {
    const file = await openLockFile(path);
    if (await file.tryLock(true)) return await DataLock.of(file, path, use);
    file.close();
    throw new DataLockedError(path, await holderOf(path));
  }

  /** The lock on a file from {@linkcode openLockFile} on which the kernel's lock is held. */
  static async of(file: Deno.FsFile, path: string, use: DataUse): Promise<DataLock> {
    await nameHolder(path, use);
    return new DataLock(file);
  }

  /** The same, before the kernel's lock is held: until then the file keeps naming the holder. */
  static awaiting(
    locked: Promise<void>,
    file: Deno.FsFile,
    path: string,
    use: DataUse,
  ): DataLock {
    locked.then(() => nameHolder(path, use), () => {}); // released while waiting
    return new DataLock(file);
  }

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  release(): void {
    this.#file.close();
  }
}

export function openLockFile(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
}

/** Fails silently on a full disk: the name is only for messages. */
async function nameHolder(path: string, use: DataUse): Promise<void> {
  await Deno.writeTextFile(path, `${Deno.pid} ${use}\n`).catch(() => {});
}

/** The holder named by the lock file; it may have ended. */
export async function holderOf(path: string): Promise<DataHolder> {
  const [pid, use = "server"] = (await Deno.readTextFile(path)).trim().split(" ");
  return {
    pid: pid && /^[1-9]\d*$/.test(pid) ? Number(pid) : undefined,
    use: USES.includes(use) ? use as DataUse : "server",
  };
}

/** Another live process uses the data. */
export class DataLockedError extends Error {
  override name = "DataLockedError";

  constructor(path: string, readonly holder: DataHolder) {
    const { pid, use } = holder;
    const who = use === "server" ? "another coracle server" : `"coracle ${COMMANDS[use]}"`;
    const advice = use === "server"
      ? "stop it first, take over from it with --take-over, or choose another directory with --data"
      : "wait until it has ended";
    super(`Cannot open the data at "${path}": ${who} uses it (pid ${pid ?? "unknown"}); ${advice}`);
  }
}
const COMMANDS = { restore: "restore", check: "store check", compact: "store compact" } as const;

/**
 * Says that a data directory is in use, for as long as the process lives.
 *
 * The kernel holds the lock (`flock`), so that a process that was killed leaves none behind; the file holds
 * the pid, for the message.
 */
export class DataLock {
  readonly #file: Deno.FsFile;

  /** Throws, naming the pid of the other process, when the lock is taken. */
  static async take(path: string): Promise<DataLock> {
    const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
    if (await file.tryLock(true)) {
      await file.truncate();
      await file.write(new TextEncoder().encode(`${Deno.pid}\n`)).catch(() => {}); // a full disk: it is only for the message
      return new DataLock(file);
    }
    file.close();
    const pid = (await Deno.readTextFile(path)).trim();
    throw new DataLockedError(
      `Cannot open the data at "${path}": another coracle server uses it (pid ${
        pid || "unknown"
      }); ` +
        "stop it first, or choose another directory with --data",
    );
  }

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  release(): void {
    this.#file.close();
  }
}

/** Another process, alive, has the data. */
export class DataLockedError extends Error {
  override name = "DataLockedError";
}

import type { Clock } from "../../lib/clock.ts";
import { DataLock } from "./data_lock.ts";
import { openUnlocked } from "./sqlite_lock.ts";
import { UnavailableError } from "../store.ts";

/** Each silently replaces the file by something else: `DENO_KV_DB_MODE=memory` would lose everything. */
const FORBIDDEN_VARIABLES = ["DENO_KV_DB_MODE", "DENO_KV_PATH_PREFIX"];

/** The environment of the process. */
interface Variables {
  get(name: string): string | undefined;
}

export interface KvFileOptions {
  /** The machine's when absent. */
  clock?: Clock;
  variables?: Variables;
  /** How to take the lock beside the file; `DataLock.take` when absent. */
  takeLock?(path: string): Promise<DataLock>;
  /** Takes the error of a failed write; resolves with whether to repeat it once. */
  relieve?(error: unknown): Promise<boolean>;
}

/** A database in a file on this machine that no other process uses. */
export class KvFile {
  readonly path: string;
  readonly kv: Deno.Kv;
  readonly #lock: DataLock;

  /** Opens or makes it. Throws {@linkcode DataLockedError} when another process has it. */
  static async open(path: string, clock: Clock, options: KvFileOptions): Promise<KvFile> {
    const { variables = Deno.env, takeLock = DataLock.take } = options;
    for (const name of FORBIDDEN_VARIABLES) {
      if (variables.get(name) !== undefined) {
        throw new UnavailableError(
          `Cannot open the store: ${name} is set and would redirect it; unset it`,
        );
      }
    }
    const lock = await takeLock(`${path}.lock`);
    try {
      return new KvFile(path, await openUnlocked(clock, path), lock);
    } catch (error) {
      lock.release();
      throw openError(path, error as Error);
    }
  }

  private constructor(path: string, kv: Deno.Kv, lock: DataLock) {
    this.path = path;
    this.kv = kv;
    this.#lock = lock;
  }

  /** Writes a copy to a new file. Blocks the thread meanwhile: 100,000 objects take about a second. */
  async backup(path: string): Promise<void> {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(this.path, { readOnly: true });
    try {
      database.prepare("VACUUM INTO ?").run(path);
    } finally {
      database.close();
    }
  }

  close(): Promise<void> {
    this.kv.close();
    this.#lock.release();
    return Promise.resolve();
  }
}

/** The error when the database cannot be opened. */
export function openError(path: string, error: Error): UnavailableError {
  return new UnavailableError(`Cannot open the store at "${path}": ${error.message}`, {
    cause: error,
  });
}

import type { DatabaseSync } from "node:sqlite";

/** How long to wait for a writer: a database that was just closed may keep its lock for a moment. */
const BUSY_MS_MAX = 5_000;

/** Opens a store's file by SQLite, not by Deno KV, for what concerns the file as a whole. The caller closes it. */
export async function databaseAt(
  path: string,
  { readOnly = false }: { readOnly?: boolean } = {},
): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  return new DatabaseSync(path, { readOnly, timeout: BUSY_MS_MAX });
}

/**
 * Brings all that is in the write-ahead log into the file, which is then one file, complete in itself, that can be
 * copied, renamed and read from where nothing can be written. Nobody else may use it.
 */
export async function leaveWal(path: string): Promise<void> {
  const database = await databaseAt(path);
  try {
    const [result] = database.prepare("PRAGMA journal_mode = DELETE").all();
    if (result?.journal_mode !== "delete") throw new Error(`"${path}" is in use`);
  } finally {
    database.close();
  }
}

/** Waits until the disk has the file, or the folder with the names in it. */
export async function syncToDisk(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

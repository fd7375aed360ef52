import { checkStore, type StoreReport } from "./store_check.ts";
import { databaseAt, leaveWal, syncToDisk } from "./store_file.ts";

/** Files that a backup carries besides the objects: the identity of the server and of those who trust it. */
export type CarriedFiles = ReadonlyMap<string, string>;

/** The table of a backup that holds them. A store in use has none. */
export const CARRIED_TABLE = "coracle_files";

export interface Backup {
  /** The store's file, in use or not. */
  store: string;
  /** The file to make. It must not exist. */
  target: string;
  carried: CarriedFiles;
}

/**
 * Copies a store to one file, readable by its owner only, as it is at one moment: what was acknowledged before is in
 * it, and of each commit all or nothing. The server that uses the store goes on meanwhile and is not
 * disturbed: SQLite's readers block no writer. What is kept in memory only is not in it.
 *
 * The copy is checked before it gets its name; until then it is `TARGET.partial`. It lives on the disk when this
 * resolves. Throws, and leaves nothing behind, when `target` exists, when there is no store, or when the copy is bad.
 */
export async function backUp({ store, target, carried }: Backup): Promise<StoreReport> {
  await Deno.stat(store);
  await assertAbsent(target);
  const partial = `${target}.partial`;
  await assertAbsent(partial);
  await Deno.writeFile(partial, new Uint8Array(0), { createNew: true, mode: 0o600 });
  try {
    await copy(store, partial);
    const report = await checkStore(partial);
    if (report.problems.length > 0) throw new StoreProblems(store, report.problems);
    await carry(partial, carried);
    await leaveWal(partial);
    await syncToDisk(partial);
    await assertAbsent(target);
    await Deno.rename(partial, target);
    await syncToDisk(folderOf(target));
    return { ...report, bytes: (await Deno.stat(target)).size };
  } catch (error) {
    for (const end of ["", "-wal", "-shm"]) await Deno.remove(partial + end).catch(() => {}); // whichever exist
    throw error;
  }
}

/** What is wrong with a store. */
export class StoreProblems extends Error {
  override name = "StoreProblems";

  constructor(path: string, readonly problems: readonly string[]) {
    super(`"${path}" is damaged: ${problems.join("; ")}`);
  }
}

/** The folder that holds the file. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end) || "/";
}

async function copy(from: string, to: string): Promise<void> {
  const database = await databaseAt(from, { readOnly: true });
  try {
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}

async function carry(path: string, files: CarriedFiles): Promise<void> {
  const database = await databaseAt(path);
  try {
    database.exec(`CREATE TABLE ${CARRIED_TABLE} (name TEXT PRIMARY KEY, text TEXT NOT NULL)`);
    const insert = database.prepare(`INSERT INTO ${CARRIED_TABLE} VALUES (?, ?)`);
    for (const [name, text] of files) insert.run(name, text);
  } finally {
    database.close();
  }
}

async function assertAbsent(path: string): Promise<void> {
  const isThere = await Deno.lstat(path).then(() => true, () => false);
  if (isThere) throw new Error(`"${path}" exists already; remove it, or choose another name`);
}

import { DataLock } from "./data_lock.ts";
import { KvJournal } from "./kv_journal.ts";
import type { Revision } from "../store.ts";
import { CARRIED_TABLE, type CarriedFiles, folderOf, StoreProblems } from "./store_backup.ts";
import { checkStore, type StoreReport } from "./store_check.ts";
import { databaseAt, leaveWal, syncToDisk } from "./store_file.ts";

/**
 * How far revisions jump at a restore, as with etcd's `--bump-revision`. What clients saw after the backup was made
 * must never come again as something else: who watched before is told 410 and lists anew, who updates on what he saw
 * before meets a conflict.
 */
export const RESTORED_REVISIONS_SKIPPED = 1_000_000_000;

export interface Restoration {
  /** A file made by {@linkcode backUp}. It is not changed. */
  source: string;
  /** Where the store goes. One that exists already is kept under another name. */
  store: string;
  /** For that name, e.g. `20260102T030405Z`. */
  time: string;
}

export interface Restored {
  /** Of the store as it is now. */
  report: StoreReport;
  /** Where the previous store is kept; `undefined` when there was none. */
  setAside: string | undefined;
}

/**
 * Puts the store of a backup in place, whole or not at all: it is made ready and checked under another name first,
 * and takes its own by one rename. Whenever it is killed, one store or the other is in place, and the previous one is
 * never lost.
 *
 * `putBack` gets what the backup carries, before the store takes its name and while nobody else can use it: when it fails,
 * nothing was restored. Throws {@linkcode DataLockedError} when a server uses the store.
 */
export async function restore(
  { source, store, time }: Restoration,
  putBack: (carried: CarriedFiles, report: StoreReport) => Promise<void>,
): Promise<Restored> {
  await Deno.stat(source);
  const lock = await DataLock.take(`${store}.lock`, "restore");
  const partial = `${store}.restore`;
  try {
    await removeAll(partial);
    await Deno.copyFile(source, partial);
    await Deno.chmod(partial, 0o600);
    const carried = await takeOutFiles(partial);
    const report = await raised(partial, await revisionIn(store))
      .catch(({ message }: Error) => {
        throw new StoreProblems(source, [message]);
      });
    if (report.problems.length > 0) throw new StoreProblems(source, report.problems);
    await leaveWal(partial);
    await syncToDisk(partial);
    await putBack(carried, report);
    const setAside = await keep(store, `${store}.before-restore-${time}`);
    await Deno.rename(partial, store);
    await syncToDisk(folderOf(store));
    return { report, setAside };
  } finally {
    await removeAll(partial);
    lock.release();
  }
}

/** Takes the carried files out of the backup. */
async function takeOutFiles(path: string): Promise<CarriedFiles> {
  const database = await databaseAt(path);
  try {
    const [table] = database.prepare("SELECT name FROM sqlite_master WHERE name = ?")
      .all(CARRIED_TABLE);
    if (table === undefined) return new Map();
    const rows = database.prepare(`SELECT name, text FROM ${CARRIED_TABLE}`).all();
    database.exec(`DROP TABLE ${CARRIED_TABLE}`);
    return new Map(rows.map(({ name, text }) => [String(name), String(text)]));
  } finally {
    database.close();
  }
}

/** Reads the store as a start does, which also brings it to the newest format, counts on from far above, and checks it. */
async function raised(path: string, seen: Revision): Promise<StoreReport> {
  const journal = await KvJournal.open(path);
  try {
    const { revision } = await journal.load();
    const raised = Math.max(revision, seen) + RESTORED_REVISIONS_SKIPPED;
    await journal.commit({ revision: raised, writes: [] });
  } finally {
    await journal.close();
  }
  return await checkStore(path);
}

/** Of the last batch; 0 when there is no store, or none that can be read: that may be why it is replaced. */
async function revisionIn(store: string): Promise<Revision> {
  return await checkStore(store).then(({ revision }) => revision, () => 0);
}

/** Gives the store a second name, so that it outlives the loss of its own. */
async function keep(store: string, name: string): Promise<string | undefined> {
  if (!await exists(store)) return undefined;
  await leaveWal(store).catch(() => {}); // it is damaged: then what lies beside it is kept as well
  for (const end of ["-wal", "-shm", ""]) {
    if (await exists(store + end)) await linkOrCopy(store + end, name + end);
  }
  await syncToDisk(name);
  for (const end of ["-wal", "-shm"]) await Deno.remove(store + end).catch(() => {}); // none is there
  return name;
}

async function linkOrCopy(path: string, other: string): Promise<void> {
  try {
    await Deno.link(path, other);
  } catch {
    await Deno.copyFile(path, other); // the file system has no links
  }
}

async function removeAll(path: string): Promise<void> {
  for (const end of ["", "-wal", "-shm", ".lock"]) await Deno.remove(path + end).catch(() => {}); // none is there
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

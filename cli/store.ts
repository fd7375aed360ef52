import type { Command } from "commander";
import { DataLock, DataLockedError } from "../core/store/kv/data_lock.ts";
import type { Compacted } from "../core/api/http/store_maintenance.ts";
import { CommandError } from "../server/command_error.ts";
import { type Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import { readAccess } from "../server/kubeconfig.ts";
import { VERSION } from "../server/version.ts";
import { dataOption, sizeOf, withStoreErrors } from "./store_access.ts";

const USER_AGENT = `coracle-store/${VERSION}`;

export function storeCommand(program: Command, terminal: Terminal): void {
  const store = program.command("store").description("check or compact the store in a data folder");
  store.command("check")
    .description("read the whole store and report what is damaged; the server may be running")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(({ data }: { data: string }) => check(data, terminal));
  store.command("compact")
    .description("shrink the store's file to its content; the server may be running")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(({ data }: { data: string }) => compactIn(data, terminal));
}

/** Prints all problems; throws when there are any. */
async function check(data: string, terminal: Terminal): Promise<void> {
  const report = await withStoreErrors(
    `Cannot check the store in "${data}"`,
    (store) => checked(store),
    data,
  );
  for (const problem of report.problems) terminal.err(`${problem}\n`);
  if (report.problems.length > 0) {
    throw new CommandError(
      `The store in "${data}" is damaged; restore it from a backup with "coracle restore"`,
    );
  }
  const { objects, revision, bytes } = report;
  terminal.out(
    `The store is intact: ${objects} objects at revision ${revision}, ${sizeOf(bytes)}\n`,
  );
}

/** Checks the file itself or, while a server writes to it, a consistent copy. */
async function checked(store: string) {
  const { checkStore } = await import("../core/store/kv/store_check.ts");
  await Deno.stat(store);
  let lock: DataLock;
  try {
    lock = await DataLock.take(`${store}.lock`, "check");
  } catch (error) {
    if (!(error instanceof DataLockedError) || error.holder.use !== "server") throw error;
    return await checkedCopy(store);
  }
  try {
    return await checkStore(store);
  } finally {
    lock.release();
  }
}

async function checkedCopy(store: string) {
  const { backUp, StoreProblems } = await import("../core/store/kv/store_backup.ts");
  const folder = await Deno.makeTempDir({ prefix: "coracle-check-" });
  try {
    return await backUp({ store, target: `${folder}/store.kv`, carried: new Map() });
  } catch (error) {
    if (!(error instanceof StoreProblems)) throw error;
    return { objects: 0, revision: 0, bytes: 0, problems: [...error.problems] };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compactIn(data: string, terminal: Terminal): Promise<void> {
  const { beforeBytes, afterBytes } = await withStoreErrors(
    `Cannot compact the store in "${data}"`,
    (store) => compacted(store, data),
    data,
  );
  terminal.out(`The store took ${sizeOf(beforeBytes)}, now it takes ${sizeOf(afterBytes)}\n`);
}

/** Compacts the file, or has the server that uses it do so. */
async function compacted(store: string, data: string): Promise<Compacted> {
  const { KvJournal } = await import("../core/store/kv/kv_journal.ts");
  const { compact } = await import("../core/store/kv/store_compaction.ts");
  const { size: beforeBytes } = await Deno.stat(store);
  let journal: Awaited<ReturnType<typeof KvJournal.open>>;
  try {
    const takeLock = (path: string) => DataLock.take(path, "compact");
    journal = await KvJournal.open(store, { takeLock });
  } catch (error) {
    if (!(error instanceof DataLockedError) || error.holder.use !== "server") throw error;
    return await compactedByServer(data);
  }
  try {
    await journal.load();
    while (await journal.trim());
    await compact(store);
  } finally {
    await journal.close();
  }
  return { beforeBytes, afterBytes: (await Deno.stat(store)).size };
}

async function compactedByServer(data: string): Promise<Compacted> {
  const { HttpsTransport } = await import("../core/client/https_transport.ts");
  const access = await readAccess(`${data}/admin.kubeconfig`);
  using https = new HttpsTransport({ ...access, userAgent: USER_AGENT });
  const { signal } = new AbortController(); // whoever has waited long enough interrupts the command
  const answer = await https.send({ method: "POST", path: "/store/compact", signal });
  const body = await answer.json();
  if (!answer.ok) throw new CommandError(String(body.message));
  return body;
}

import type { Command } from "commander";
import { DataLock, DataLockedError } from "../core/store/data_lock.ts";
import { CommandError, type Terminal } from "./command.ts";
import { dataFolderOfProcess } from "./data_folder.ts";
import { dataOption, sizeOf, withStoreErrors } from "./store_access.ts";

export function storeCommand(program: Command, terminal: Terminal): void {
  const store = program.command("store").description("look after the store in a data folder");
  store.command("check")
    .description("read the whole store and tell what is wrong with it; the server may run")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(({ data }: { data: string }) => check(data, terminal));
  store.command("compact")
    .description("make the store's file as small as what is in it; no server may run")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(({ data }: { data: string }) => compactIn(data, terminal));
}

/** Throws when there is anything wrong, after all of it has been told. */
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
  terminal.out(`The store is well: ${objects} objects at revision ${revision}, ${sizeOf(bytes)}\n`);
}

/** The file itself, or, while a server writes to it, a copy of a moment. */
async function checked(store: string) {
  const { checkStore } = await import("../core/store/store_check.ts");
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
  const { backUp, StoreProblems } = await import("../core/store/store_backup.ts");
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
  const sizes = await withStoreErrors(`Cannot compact the store in "${data}"`, async (store) => {
    const { compact } = await import("../core/store/store_compaction.ts");
    const { size: before } = await Deno.stat(store);
    const lock = await DataLock.take(`${store}.lock`, "compact");
    try {
      await compact(store);
    } finally {
      lock.release();
    }
    return { before, after: (await Deno.stat(store)).size };
  }, data);
  terminal.out(`The store took ${sizeOf(sizes.before)}, it takes ${sizeOf(sizes.after)}\n`);
}

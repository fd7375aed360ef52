import assert from "node:assert/strict";
import { inDirectory } from "./file_fixture.ts";
import { KvJournal } from "./kv_journal.ts";
import type { Revision } from "../store.ts";
import { type Backup, backUp } from "./store_backup.ts";
import { restore, RESTORED_REVISIONS_SKIPPED } from "./store_restoration.ts";

const CARRIED: Backup["carried"] = new Map([["ca.key", "a key"]]);
const TIME = "20260102T030405Z";

Deno.test("a restore puts the backup in place and hands out what it carries", () =>
  inDirectory(async (store) => {
    const source = `${store}.backup`;
    await write(store, 1);
    await backUp({ store, target: source, carried: CARRIED });
    await write(store, 2);
    const carried: (typeof CARRIED)[] = [];
    const { setAside } = await restore({ source, store, time: TIME }, (files) => {
      carried.push(files);
      return Promise.resolve();
    });
    assert.deepEqual(carried, [CARRIED]);
    assert.equal(await revisionOf(store), 2 + RESTORED_REVISIONS_SKIPPED);
    assert.equal(await revisionOf(setAside!), 2);
  }));

Deno.test("when what a backup carries cannot be written, the store of before stays in place", () =>
  inDirectory(async (store) => {
    const source = `${store}.backup`;
    await write(store, 1);
    await backUp({ store, target: source, carried: CARRIED });
    await write(store, 2);
    const fail = () => Promise.reject(new Error("No space left on device"));
    await assert.rejects(restore({ source, store, time: TIME }, fail), /No space left/);
    assert.equal(await revisionOf(store), 2);
  }));

async function write(path: string, revision: Revision): Promise<void> {
  const journal = await KvJournal.open(path);
  await journal.load();
  await journal.commit({ revision, writes: [] });
  await journal.close();
}

async function revisionOf(path: string): Promise<Revision> {
  const journal = await KvJournal.open(path);
  const { revision } = await journal.load();
  await journal.close();
  return revision;
}

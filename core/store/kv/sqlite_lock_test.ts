import assert from "node:assert/strict";
import { SystemClock } from "../../lib/clock.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import type { JournalWrite } from "../journal.ts";
import { inDirectory } from "./file_fixture.ts";
import { KvJournal } from "./kv_journal.ts";
import { databaseAt } from "./store_file.ts";

/** The end of a transaction that somebody else is in the middle of. */
const HELD_MS = 150;
const KEPT = /another process has kept the database locked for 5 s; end it/;

Deno.test("a store is opened once another writer of its file is done", () =>
  inDirectory(async (path) => {
    await (await KvJournal.open(path)).close();
    await heldFor(HELD_MS, path, async () => await (await KvJournal.open(path)).close());
  }));

Deno.test("a new file, too, waits for another writer", () =>
  inDirectory((path) =>
    heldFor(HELD_MS, path, async () => await (await KvJournal.open(path)).close())
  ));

Deno.test("the fence, a batch and a blob wait for another writer of the file, and are written once", () =>
  inDirectory(async (path) => {
    const kv = await Deno.openKv(path);
    await kv.get(["m"]); // it waits by itself before its first answer
    const place = { kv, backup: fail, close: () => Promise.resolve(kv.close()) };
    const options = { name: path, owner: {}, clock: new SystemClock() };
    const journal = await heldFor(HELD_MS, path, () => KvJournal.take(place, options));
    await journal.load();
    const value = { blob: await heldFor(HELD_MS, path, () => journal.blob(BLOB)) };
    const write: JournalWrite = { key: ["notes", "a", "n"], value };
    await heldFor(HELD_MS, path, () => journal.commit({ revision: 1, writes: [write] }));
    assert.equal(await journal.revision(), 1);
    await journal.close();
    const next = await KvJournal.open(path);
    assert.deepEqual(await next.load(), { revision: 1, rows: [{ key: write.key, bytes: BLOB }] });
    await next.close();
  }));

Deno.test("a batch that SQLite's lock keeps out for too long is refused with what to do, and the next one is written", () =>
  inDirectory(async (path) => {
    const clock = new VirtualClock();
    const journal = await KvJournal.open(path, { clock });
    await journal.load();
    await using held = await lockOn(path);
    await assert.rejects(passing(clock, journal.commit({ revision: 1, writes: [] })), KEPT);
    assert.equal(await journal.revision(), 0);
    held.release();
    await journal.commit({ revision: 2, writes: [] });
    assert.equal(await journal.revision(), 2);
    await journal.close();
  }));

Deno.test({
  name: "a store that SQLite's lock keeps shut is not waited for without an end",
  sanitizeResources: false, // what was opened is closed when Deno KV has got its answer
  sanitizeOps: false,
  fn: () =>
    inDirectory(async (path) => {
      await (await KvJournal.open(path)).close();
      const clock = new VirtualClock();
      await using held = await lockOn(path);
      await assert.rejects(passing(clock, KvJournal.open(path, { clock })), KEPT);
      held.release();
      await (await KvJournal.open(path)).close();
    }),
});

const BLOB = new Uint8Array(200_000).fill(7);

function fail(): never {
  throw new Error("nothing is copied here");
}

/** Does `act` while another connection is in the middle of a transaction, which it ends after `ms`. */
async function heldFor<T>(ms: number, path: string, act: () => Promise<T>): Promise<T> {
  await using held = await lockOn(path);
  const timer = setTimeout(() => held.release(), ms);
  try {
    return await act();
  } finally {
    clearTimeout(timer);
    assert.ok(held.isReleased, "it has waited");
  }
}

/** Another connection that has begun to write. */
async function lockOn(path: string) {
  const database = await databaseAt(path);
  database.exec(
    "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS other (n); INSERT INTO other VALUES (1)",
  );
  const held = {
    isReleased: false,
    release() {
      if (!held.isReleased) database.exec("ROLLBACK");
      held.isReleased = true;
    },
    [Symbol.asyncDispose]() {
      held.release();
      database.close();
      return Promise.resolve();
    },
  };
  return held;
}

/** Lets time pass until `doing` is over. */
async function passing<T>(clock: VirtualClock, doing: Promise<T>): Promise<T> {
  let isOver = false;
  const end = () => void (isOver = true);
  doing.then(end, end);
  while (!isOver) await clock.advance(20);
  return await doing;
}

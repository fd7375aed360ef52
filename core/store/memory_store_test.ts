import assert from "node:assert/strict";
import type { Batch } from "./journal.ts";
import { FencedError } from "./journal.ts";
import { testJournal } from "./journal_contract.ts";
import { MemoryDisk, MemoryJournal, type MemoryWrite } from "./memory_journal.ts";
import { MemoryStore, OBJECT_BYTES_MAX } from "./memory_store.ts";
import { beats, notes, testStore } from "./store_contract.ts";
import { type Change, TooLargeError, UnavailableError } from "./store.ts";

testStore("MemoryStore over MemoryJournal", () => {
  const disk = new MemoryDisk();
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryJournal(disk)),
    remove: () => Promise.resolve(),
  });
});

testJournal("MemoryJournal", () => {
  const disk = new MemoryDisk();
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryJournal(disk)),
    remove: () => Promise.resolve(),
  });
});

Deno.test("writes that come while a batch is being written go together in the next one", async () => {
  const journal = new SlowJournal();
  const store = await MemoryStore.open(journal.open());
  const first = store.commit([put("a")]);
  await journal.started();
  const rest = ["b", "c", "d"].map((name) => store.commit([put(name)]));
  journal.finish();
  await first;
  await journal.started();
  journal.finish();
  await Promise.all(rest);
  assert.deepEqual(journal.batches.map(({ writes }) => writes.length), [1, 3]);
});

Deno.test("a write is not visible before it is durable", async () => {
  const journal = new SlowJournal();
  const store = await MemoryStore.open(journal.open());
  const written = store.commit([put("a")]);
  await journal.started();
  assert.equal(store.get(["notes", "a", "a"]), undefined);
  assert.notEqual(store.newest(["notes", "a", "a"]), undefined);
  assert.equal(store.revision, 0);
  journal.finish();
  await written;
  assert.notEqual(store.get(["notes", "a", "a"]), undefined);
});

Deno.test("a write that fails fails those behind it, and the next one is tried anew", async () => {
  const journal = new SlowJournal();
  const store = await MemoryStore.open(journal.open());
  const first = store.commit([put("a")]);
  await journal.started();
  const second = store.commit([put("b")]);
  journal.fail(new Error("database or disk is full"));
  await assert.rejects(first, new UnavailableError("Cannot write: database or disk is full"));
  await assert.rejects(second, UnavailableError);
  assert.equal(store.newest(["notes", "a", "a"]), undefined);
  const third = store.commit([put("a")]);
  await journal.started();
  journal.finish();
  await third;
  assert.equal(store.list(["notes"]).length, 1);
});

Deno.test("a write that threw but is durable all the same is a success", async () => {
  const disk = new MemoryDisk();
  const store = await MemoryStore.open(
    new MemoryJournal(disk, (_batch, write) => {
      write();
      throw new Error("the answer was lost");
    }),
  );
  await store.commit([put("a")]);
  assert.equal(store.list(["notes"]).length, 1);
});

Deno.test("while nobody knows whether a write is durable nothing is written; then the truth is shown", async () => {
  const journal = new MemoryJournal(new MemoryDisk(), (_batch, write) => {
    write();
    throw new Error("disk is away");
  });
  let isAway = true;
  const store = await MemoryStore.open(Object.assign(journal, {
    revision: () => isAway ? Promise.reject(new Error("disk is away")) : Promise.resolve(1),
  }));
  await assert.rejects(store.commit([put("a")]), UnavailableError);
  await assert.rejects(store.commit([put("b")]), UnavailableError);
  assert.deepEqual(store.list(["notes"]), []);
  isAway = false;
  await assert.rejects(store.commit([put("c")]), UnavailableError);
  assert.deepEqual(store.list(["notes"]).map(({ key }) => key[2]), ["a"]);
});

Deno.test("a store whose journal was taken over never writes again", async () => {
  let stopped: Error | undefined;
  const store = await MemoryStore.open(
    new MemoryJournal(new MemoryDisk(), () => Promise.reject(new FencedError("taken over"))),
    { onStopped: (error) => stopped = error },
  );
  await assert.rejects(store.commit([put("a")]), new UnavailableError("taken over"));
  await assert.rejects(store.commit([put("b")]), new UnavailableError("taken over"));
  assert.ok(stopped instanceof FencedError);
});

Deno.test("a store that is taken over notices at the first write that fails, whatever the failure", async () => {
  let stopped: Error | undefined;
  const journal = new MemoryJournal(new MemoryDisk(), () => {
    throw new Error("database is locked");
  });
  const store = await MemoryStore.open(
    Object.assign(journal, { revision: () => Promise.reject(new FencedError("taken over")) }),
    { onStopped: (error) => stopped = error },
  );
  await assert.rejects(store.commit([put("a")]), new UnavailableError("taken over"));
  assert.ok(stopped instanceof FencedError);
});

Deno.test("volatile writes leave the disk alone, once it is marked as used", async () => {
  const batches: Batch[] = [];
  const journal = new MemoryJournal(new MemoryDisk(), (batch, write) => {
    batches.push(batch);
    write();
  });
  const store = await MemoryStore.open(journal, { resources: [notes, beats] });
  for (let i = 0; i < 20; i++) {
    await store.commit([{ ...put(`n${i}`), key: ["beats", "a", `n${i}`] }]);
  }
  assert.equal(store.list(["beats"]).length, 20);
  assert.deepEqual(batches, [{ revision: 1, writes: [] }]);
});

Deno.test("an object that is too large is refused and leaves no trace", async () => {
  const store = await MemoryStore.open(new MemoryJournal());
  await assert.rejects(store.commit([put("a", "x".repeat(OBJECT_BYTES_MAX))]), TooLargeError);
  await store.commit([put("a")]);
  assert.equal(store.revision, 1);
});

Deno.test("a closed store refuses writes after it has finished those before", async () => {
  const store = await MemoryStore.open(new MemoryJournal());
  const written = store.commit([put("a")]);
  await store.close();
  await written;
  await assert.rejects(store.commit([put("b")]), UnavailableError);
});

function put(name: string, text = ""): Change {
  const metadata = { namespace: "a", name, uid: name, creationTimestamp: "", resourceVersion: "" };
  return {
    key: ["notes", "a", name],
    value: { apiVersion: "v1", kind: "Note", metadata, text } as Change["value"],
    expected: 0,
  };
}

/** A journal that writes when it is told to. */
class SlowJournal {
  readonly batches: Batch[] = [];
  #started = Promise.withResolvers<void>();
  #end = Promise.withResolvers<void>();

  open(): MemoryJournal {
    const write: MemoryWrite = async (batch, write) => {
      this.batches.push(batch);
      this.#started.resolve();
      await this.#end.promise;
      write();
    };
    return new MemoryJournal(new MemoryDisk(), write);
  }

  started(): Promise<void> {
    return this.#started.promise;
  }

  finish(): void {
    this.#next().resolve();
  }

  fail(error: Error): void {
    this.#next().reject(error);
  }

  #next(): PromiseWithResolvers<void> {
    const end = this.#end;
    this.#started = Promise.withResolvers();
    this.#end = Promise.withResolvers();
    return end;
  }
}

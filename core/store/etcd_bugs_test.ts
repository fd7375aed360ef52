/**
 * Faults that etcd, or its clients, have had, as behaviour of this store:
 * the track record of https://github.com/etcd-io/etcd/blob/main/tests/robustness/README.md, and
 * https://jepsen.io/analyses/etcd-3.4.3. Those that need a process to be killed or paused are in
 * `tests/crash`.
 */
import assert from "node:assert/strict";
import type { Journal } from "./journal.ts";
import { KvJournal } from "./kv/kv_journal.ts";
import { MemoryDisk, MemoryJournal } from "./memory_journal.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory_store.ts";
import { beats, notes } from "./store_contract.ts";
import { type Change, ExpiredError, type Key, type Revision, type StoreEvent } from "./store.ts";

Deno.test("inconsistent revision after a crash: at no moment is an object newer than the counter (etcd #13766)", async () => {
  const disk = new MemoryDisk();
  let moments = 0;
  const journal = new MemoryJournal(disk, (_batch, write) => {
    write();
    moments++;
    assert.equal(Math.max(...resourceVersionsOn(disk)), disk.revision);
  });
  const store = await opened(journal);
  for (let i = 0; i < 5; i++) {
    await Promise.all(["a", "b", "c"].map((name) => store.commit([put(`${name}${i}`)])));
  }
  assert.equal(moments, 5);
  assert.ok((await opened(new MemoryJournal(disk))).revision >= store.revision);
});

Deno.test("an acknowledged write is lost on a single node: not by a power loss right after the answer (etcd #14370)", async () => {
  const disk = new MemoryDisk();
  const slow = new MemoryJournal(disk, async (_batch, write) => {
    for (let i = 0; i < 50; i++) await undefined;
    write();
  });
  await (await opened(slow)).commit([put("a")]);
  const afterLoss = await opened(new MemoryJournal(disk)); // nothing of the first process is left
  assert.deepEqual(namesIn(afterLoss), ["a"]);
});

Deno.test("a watch goes back in time: one that resumes sees only what is newer, in order (etcd #15271)", async () => {
  const store = await opened();
  const seen: Revision[] = [];
  for (let i = 0; i < 20; i++) {
    const position = seen.at(-1) ?? store.revision;
    for (const { revision } of store.eventsAfter(["notes"], position)) seen.push(revision);
    const stop = store.subscribe(["notes"], ({ revision }) => seen.push(revision));
    await Promise.all([store.commit([put(`x${i}`)]), store.commit([put(`y${i}`)])]);
    stop();
    await store.commit([put(`z${i}`)]);
  }
  for (const { revision } of store.eventsAfter(["notes"], seen.at(-1)!)) seen.push(revision);
  assert.deepEqual(seen, Array.from({ length: 60 }, (_, i) => i + 1));
});

Deno.test("one transaction gives an event twice: each change is delivered once, live and on resuming (etcd #17247)", async () => {
  const store = await opened();
  const [kept] = await store.commit([put("a")]);
  const live: string[] = [];
  store.subscribe(["notes"], (event) => live.push(told(event)));
  await store.commit([put("a", kept!.revision), put("b"), put("c")]);
  await store.commit([remove("a", 2), remove("b", 3)]);
  const events = ["MODIFIED a 2", "ADDED b 3", "ADDED c 4", "DELETED a 5", "DELETED b 6"];
  assert.deepEqual(live, events);
  assert.deepEqual(store.eventsAfter(["notes"], 1).map(told), events);
});

Deno.test("events are lost under starvation: a watcher that was away hears all of a burst, or that it is too late (etcd #17529)", async () => {
  const store = await opened(new MemoryJournal(), {
    watchLimits: { eventsMax: 100, bytesMax: 1e9 },
  });
  const live: Revision[] = [];
  store.subscribe(["notes"], ({ revision }) => live.push(revision));
  await Promise.all(Array.from({ length: 500 }, (_, i) => store.commit([put(`n${i}`)])));
  const all = Array.from({ length: 500 }, (_, i) => i + 1);
  assert.deepEqual(live, all);
  for (const position of [0, 1, 250, 399]) {
    assert.throws(() => store.eventsAfter(["notes"], position), ExpiredError);
  }
  for (const position of [400, 401, 499]) {
    const missed = store.eventsAfter(["notes"], position).map(({ revision }) => revision);
    assert.deepEqual(missed, all.slice(position));
  }
});

Deno.test("the revision decreases: not over restarts, whatever was written between them (etcd #17780)", async () => {
  const disk = new MemoryDisk();
  let highest = 0;
  for (let i = 0; i < 6; i++) {
    const store = await opened(new MemoryJournal(disk));
    assert.ok(store.revision >= highest, `start ${i}: ${store.revision} after ${highest}`);
    const before = highest;
    for (let n = 0; n < i % 3; n++) {
      const [entry] = await store.commit([i % 2 ? put(`n${i}`) : beat(`n${i}`)]);
      assert.ok(entry!.revision > before, "no revision is given out twice");
      highest = entry!.revision;
      await store.commit([{
        ...(i % 2 ? put(`n${i}`) : beat(`n${i}`)),
        value: undefined,
        expected: highest,
      }]);
      highest = store.revision;
    }
  }
});

Deno.test("the revision decreases: an empty store that had only volatile writes starts above what it gave out", async () => {
  const disk = new MemoryDisk();
  const store = await opened(new MemoryJournal(disk));
  for (const name of ["a", "b", "c"]) await store.commit([beat(name)]);
  const again = await opened(new MemoryJournal(disk));
  assert.ok(again.revision >= store.revision);
  assert.throws(() => again.eventsAfter(["beats"], store.revision - 1), ExpiredError);
});

Deno.test("a deletion is dropped at compaction: the history has it, or refuses, at each length (etcd #18089)", async () => {
  for (let eventsMax = 1; eventsMax <= 5; eventsMax++) {
    const store = await opened(new MemoryJournal(), { watchLimits: { eventsMax, bytesMax: 1e9 } });
    await store.commit([put("a")]);
    await store.commit([remove("a", 1)]);
    await store.commit([put("b")]);
    const all = ["ADDED a 1", "DELETED a 2", "ADDED b 3"];
    for (let position = 0; position <= 3; position++) {
      assert.deepEqual(
        resumed(store, position),
        3 - position <= eventsMax ? all.slice(position) : "expired",
      );
    }
  }
});

Deno.test("a watch from the compaction revision misses a deletion: from the oldest revision that is accepted everything is delivered (etcd #19179)", async () => {
  const store = await opened(new MemoryJournal(), { watchLimits: { eventsMax: 2, bytesMax: 1e9 } });
  await store.commit([put("a"), put("b")]);
  await store.commit([remove("a", 1)]);
  await store.commit([remove("b", 2)]);
  assert.equal(resumed(store, 1), "expired");
  assert.deepEqual(resumed(store, 2), ["DELETED a 3", "DELETED b 4"]);
});

Deno.test("a watch on a future revision: it is refused, and never gets something older (etcd #20221)", async () => {
  const store = await opened();
  await store.commit([put("a")]);
  assert.equal(resumed(store, 2), "expired");
  assert.equal(resumed(store, 1_000_000), "expired");
  assert.deepEqual(resumed(store, 1), []);
});

Deno.test("a stale read after a pause: a server that was taken over meanwhile notices at its first write, and ends", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle_" });
  const path = `${folder}/store.kv`;
  let ended: Error | undefined;
  const paused = await MemoryStore.open(await KvJournal.open(path), {
    onStopped: (error) => ended = error,
  });
  await paused.commit([put("a")]);
  await Deno.remove(`${path}.lock`);
  const next = await MemoryStore.open(await KvJournal.open(path));
  try {
    await next.commit([put("a", 1)]);
    await assert.rejects(paused.commit([put("a", 1)]), /another process has taken over/);
    assert.match(String(ended), /FencedError/);
    await assert.rejects(paused.commit([put("b")]), /another process has taken over/);
    assert.deepEqual(namesIn(next), ["a"]);
  } finally {
    await paused.close();
    await next.close();
    await Deno.remove(folder, { recursive: true });
  }
});

function opened(
  journal: Journal = new MemoryJournal(),
  options: MemoryStoreOptions = {},
): Promise<MemoryStore> {
  return MemoryStore.open(journal, { resources: [notes, beats], ...options });
}

function resumed(store: MemoryStore, position: Revision): string[] | "expired" {
  try {
    return store.eventsAfter(["notes"], position).map(told);
  } catch (error) {
    assert.ok(error instanceof ExpiredError);
    return "expired";
  }
}

function told({ type, entry, revision }: StoreEvent): string {
  return `${type} ${entry.key[2]} ${revision}`;
}

function namesIn(store: MemoryStore): string[] {
  return store.list(["notes"]).map(({ key }) => key[2]);
}

function resourceVersionsOn(disk: MemoryDisk): Revision[] {
  return [...disk.rows.values()].map(({ bytes }) =>
    Number(JSON.parse(new TextDecoder().decode(bytes)).metadata.resourceVersion)
  );
}

function put(name: string, expected = 0): Change {
  return { key: ["notes", "a", name], value: noteOf(name), expected };
}

function beat(name: string): Change {
  const key: Key = ["beats", "a", name];
  return { key, value: noteOf(name), expected: 0 };
}

function remove(name: string, expected: Revision): Change {
  return { key: ["notes", "a", name], value: undefined, expected };
}

function noteOf(name: string): NonNullable<Change["value"]> {
  const metadata = { namespace: "a", name, uid: name, creationTimestamp: "", resourceVersion: "" };
  return { apiVersion: "v1", kind: "Note", metadata };
}

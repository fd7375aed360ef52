import assert from "node:assert/strict";
import fc from "fast-check";
import { defineResource, type KubeObject } from "../resources/resource.ts";
import { object, string } from "../schema/schema.ts";
import type { Journal } from "./journal.ts";
import type { Register } from "./journal_contract.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory_store.ts";
import { type Change, ConflictError, ExpiredError, type Key, type StoreEvent } from "./store.ts";

/** Something that outlives a store: a file, or a map. */
export interface Storage {
  open(): Promise<Journal>;
  remove(): Promise<void>;
}

/** A kind that exists only in these tests: it has an index of its own. */
export const notes = defineResource({
  group: "",
  version: "v1",
  kind: "Note",
  plural: "notes",
  namespaced: true,
  schema: object("A note.", { text: string("What it says.") }),
  indexes: { text: (note) => note.text === undefined ? [] : [note.text] },
});
/** The same, kept in memory only. */
export const beats: typeof notes = { ...notes, kind: "Beat", plural: "beats", volatile: true };

type Scenario = (open: (options?: MemoryStoreOptions) => Promise<MemoryStore>) => Promise<void>;

/** What holds for a store over any journal. `make` gives fresh, empty storage. */
export function testStore(
  name: string,
  make: () => Promise<Storage>,
  register: Register = (name, body) => Deno.test(name, body),
): void {
  for (const [behaviour, scenario] of Object.entries({ ...READING, ...WRITING, ...LASTING })) {
    register(`${name}: ${behaviour}`, () => inFreshStorage(make, scenario));
  }
  register(`${name}: any sequence of writes gives what a plain map would give`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(arbitraryWrite, { maxLength: 40 }), (writes) =>
        inFreshStorage(make, (open) => agreesWithMap(open, writes))),
      { numRuns: 15 },
    ));
}

/** Opening again ends the store before as a killed process would: without a word, with whatever is in flight. */
async function inFreshStorage(make: () => Promise<Storage>, scenario: Scenario): Promise<void> {
  const storage = await make();
  let journal: Journal | undefined;
  try {
    await scenario(async (options) => {
      await journal?.close();
      journal = await storage.open();
      return await MemoryStore.open(journal, { resources: [notes, beats], ...options });
    });
  } finally {
    await journal?.close();
    await storage.remove();
  }
}

const READING: Record<string, Scenario> = {
  "lists in the order of namespace and name": async (open) => {
    const store = await open();
    for (const [namespace, name] of [["b", "x"], ["a", "y"], ["b", "a"], ["a", "b"]] as const) {
      await store.commit([put(["notes", namespace, name], "")]);
    }
    const names = store.list(["notes"]).map(({ key }) => key.slice(1).join("/"));
    assert.deepEqual(names, ["a/b", "a/y", "b/a", "b/x"]);
    assert.deepEqual(store.list(["notes", "b"]).map(({ key }) => key[2]), ["a", "x"]);
    assert.deepEqual(store.list(["notes", "c"]), []);
  },
  "a list is a snapshot that later writes leave alone": async (open) => {
    const store = await open();
    await store.commit([put(KEY, "one")]);
    const before = store.list(["notes"]);
    await store.commit([put(["notes", "a", "m"], "two")]);
    assert.equal(before.length, 1);
    assert.equal(store.list(["notes"]).length, 2);
    assert.equal(store.list(["notes"]), store.list(["notes"]));
  },
  "finds by owner, label, lifecycle and the resource's own index": async (open) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "red", {
      labels: { app: "web" },
      ownerReferences: [{ apiVersion: "v1", kind: "Note", name: "x", uid: "u1" }],
      deletionTimestamp: "2026-01-01T00:00:00Z",
    })]);
    for (const found of ["owner/u1", "label/app=web", "lifecycle/owned", "lifecycle/terminating"]) {
      const [index, value] = found.split("/") as [string, string];
      assert.deepEqual(store.by("notes", index, value), [entry], found);
    }
    assert.deepEqual(store.by("notes", "text", "red"), [entry]);
    await store.commit([put(KEY, "blue", {}, entry!.revision)]);
    assert.deepEqual(store.by("notes", "text", "red"), []);
    assert.deepEqual(store.by("notes", "label", "app=web"), []);
    assert.deepEqual(store.by("notes", "lifecycle", "owned"), []);
    assert.equal(store.by("notes", "text", "blue").length, 1);
    await store.commit([remove(KEY, store.revision)]);
    assert.deepEqual(store.by("notes", "text", "blue"), []);
  },
  "a kind declared late gets its indexes filled": async (open) => {
    const store = await open({ resources: [] });
    await store.commit([put(KEY, "red")]);
    store.declare(notes);
    assert.equal(store.by("notes", "text", "red").length, 1);
  },
  "an entry's bytes are its JSON with the resourceVersion inside": async (open) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "é")]);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(entry!.bytes)), entry!.object);
    assert.equal(entry!.object.metadata.resourceVersion, String(entry!.revision));
    assert.equal(store.get(KEY), entry);
  },
  "a subscriber hears each later change of its prefix, in order, once it is visible": async (
    open,
  ) => {
    const store = await open();
    await store.commit([put(["notes", "a", "early"], "")]);
    const heard: string[] = [];
    const stop = store.subscribe(["notes", "a"], ({ type, entry, previous, revision }) => {
      assert.equal(store.get(entry.key)?.revision, type === "DELETED" ? undefined : revision);
      assert.equal(previous === undefined, type === "ADDED");
      heard.push(`${type} ${entry.key[2]}`);
    });
    await store.commit([put(["notes", "a", "n"], "one")]);
    await store.commit([put(["notes", "b", "n"], "other")]);
    await store.commit([
      put(["notes", "a", "n"], "two", {}, store.get(["notes", "a", "n"])!.revision),
    ]);
    await store.commit([remove(["notes", "a", "n"], store.get(["notes", "a", "n"])!.revision)]);
    stop();
    await store.commit([put(["notes", "a", "late"], "")]);
    assert.deepEqual(heard, ["ADDED n", "MODIFIED n", "DELETED n"]);
  },
  "who subscribes while an event is told does not hear that event": async (open) => {
    const store = await open();
    const heard: number[] = [];
    store.subscribe([], () => {
      store.subscribe(["notes"], ({ revision }) => heard.push(revision));
    });
    await store.commit([put(KEY, ""), put(["notes", "a", "m"], "")]);
    assert.deepEqual(heard, []);
  },
  "a deletion carries the last state at the revision of the deletion": async (open) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "last")]);
    const events: StoreEvent[] = [];
    store.subscribe(["notes"], (event) => events.push(event));
    await store.commit([remove(KEY, entry!.revision)]);
    assert.equal(events[0]!.entry.revision, store.revision);
    assert.equal(events[0]!.entry.object.metadata.resourceVersion, String(store.revision));
    assert.equal(textOf(events[0]!.entry.object), "last");
    assert.equal(events[0]!.previous, entry);
  },
  "kept events can be read again from any revision": async (open) => {
    const store = await open();
    const before = store.revision;
    await store.commit([put(KEY, "one")]);
    await store.commit([put(["notes", "b", "n"], "two")]);
    assert.equal(store.eventsAfter(["notes"], before).length, 2);
    assert.equal(store.eventsAfter(["notes", "b"], before).length, 1);
    assert.equal(store.eventsAfter(["notes"], store.revision).length, 0);
    assert.throws(() => store.eventsAfter(["notes"], store.revision + 1), ExpiredError);
  },
  "events that no longer fit are gone, and only their kind says so": async (open) => {
    const store = await open({ watchLimits: { eventsMax: 2, bytesMax: 1_000_000 } });
    const before = store.revision;
    for (const name of ["a", "b", "c"]) await store.commit([put(["notes", "a", name], "")]);
    assert.throws(() => store.eventsAfter(["notes"], before), ExpiredError);
    assert.equal(store.eventsAfter(["notes"], before + 1).length, 2);
    assert.deepEqual(store.eventsAfter(["beats"], before), []);
  },
  "the history is bounded by bytes too": async (open) => {
    const store = await open({ watchLimits: { eventsMax: 100, bytesMax: 2_500 } });
    const before = store.revision;
    for (const name of ["a", "b", "c"]) {
      await store.commit([put(["notes", "a", name], "x".repeat(1_000))]);
    }
    assert.throws(() => store.eventsAfter(["notes"], before), ExpiredError);
    assert.equal(store.eventsAfter(["notes"], before + 1).length, 2);
  },
};

const WRITING: Record<string, Scenario> = {
  "each change gets the next revision": async (open) => {
    const store = await open();
    const before = store.revision;
    const entries = await store.commit([
      put(["notes", "a", "x"], ""),
      put(["notes", "a", "y"], ""),
    ]);
    assert.deepEqual(entries.map((entry) => entry!.revision), [before + 1, before + 2]);
    assert.equal(store.revision, before + 2);
  },
  "a change of what has changed meanwhile is a conflict, and nothing of its commit is done": async (
    open,
  ) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "one")]);
    const other: Key = ["notes", "a", "other"];
    await assert.rejects(store.commit([put(other, ""), put(KEY, "two")]), ConflictError);
    await assert.rejects(store.commit([put(KEY, "two", {}, entry!.revision + 1)]), ConflictError);
    await assert.rejects(store.commit([remove(other, 1)]), ConflictError);
    assert.equal(store.get(other), undefined);
    assert.equal(textOf(store.get(KEY)!.object), "one");
  },
  "of writers at once one wins, and the losers read the winner when they are told": async (
    open,
  ) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "start")]);
    const outcomes = await Promise.all(
      [..."abc"].map((text) =>
        store.commit([put(KEY, text, {}, entry!.revision)]).then(
          () => "won",
          () => textOf(store.get(KEY)!.object),
        )
      ),
    );
    assert.deepEqual(outcomes, ["won", "a", "a"]);
  },
  "64 writers that repeat on conflict lose no increment": async (open) => {
    const store = await open();
    await store.commit([put(KEY, "0")]);
    await Promise.all(Array.from({ length: 64 }, () => incrementUntilDone(store)));
    assert.equal(textOf(store.get(KEY)!.object), "64");
  },
  "writers that decide on the newest version chain without conflicts": async (open) => {
    const store = await open();
    await store.commit([put(KEY, "0")]);
    const before = store.revision;
    await Promise.all(Array.from({ length: 64 }, () => increment(store)));
    assert.equal(textOf(store.get(KEY)!.object), "64");
    assert.equal(store.revision, before + 64);
    assert.equal(store.eventsAfter(["notes"], before).length, 64);
  },
  "an object may be created again at once after its removal": async (open) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "old")]);
    await Promise.all([
      store.commit([remove(KEY, entry!.revision)]),
      store.commit([put(KEY, "new")]),
    ]);
    assert.equal(textOf(store.get(KEY)!.object), "new");
  },
  "what is stored is frozen": async (open) => {
    const store = await open();
    const [entry] = await store.commit([put(KEY, "one", { labels: { app: "web" } })]);
    assert.throws(() => entry!.object.metadata.labels!["app"] = "db", TypeError);
  },
};

const LASTING: Record<string, Scenario> = {
  "a restart keeps every object, and revisions go on": async (open) => {
    const first = await open();
    const [entry] = await first.commit([put(KEY, "kept"), put(["notes", "a", "gone"], "")]);
    await first.commit([remove(["notes", "a", "gone"], first.revision)]);
    const { revision } = first;
    const second = await open();
    assert.deepEqual(second.get(KEY), entry);
    assert.equal(second.list(["notes"]).length, 1);
    assert.equal(second.by("notes", "text", "kept").length, 1);
    const [next] = await second.commit([put(KEY, "changed", {}, entry!.revision)]);
    assert.ok(next!.revision > revision);
  },
  "a watcher from before the restart must list again": async (open) => {
    const first = await open();
    await first.commit([put(KEY, "")]);
    const second = await open();
    assert.throws(() => second.eventsAfter(["notes"], first.revision), ExpiredError);
    assert.deepEqual(second.eventsAfter(["notes"], second.revision), []);
  },
  "a killed store keeps what it acknowledged, and of the rest whole commits or nothing": async (
    open,
  ) => {
    const first = await open();
    const acknowledged: string[] = [];
    const writes = Array.from(
      { length: 50 },
      (_, i) =>
        first.commit([put(["notes", "a", `n${i}`], ""), put(["notes", "b", `n${i}`], "")])
          .then(() => acknowledged.push(`n${i}`), () => {}),
    );
    await Promise.race(writes);
    const late = first.commit([put(["notes", "c", "late"], "")]).catch(() => {});
    const second = await open();
    await Promise.all([...writes, late]);
    for (const name of acknowledged) assert.ok(second.get(["notes", "a", name]), name);
    const left = second.list(["notes", "a"]).map(({ key }) => key[2]);
    assert.deepEqual(second.list(["notes", "b"]).map(({ key }) => key[2]), left);
  },
  "an object of 1 MiB survives a restart, also after it was written again": async (open) => {
    const first = await open();
    const [entry] = await first.commit([put(KEY, "x".repeat(1024 * 1024))]);
    await first.commit([put(KEY, "y".repeat(1024 * 1024), {}, entry!.revision)]);
    const second = await open();
    assert.equal(textOf(second.get(KEY)!.object), "y".repeat(1024 * 1024));
    await second.commit([remove(KEY, second.get(KEY)!.revision)]);
    assert.equal((await open()).get(KEY), undefined);
  },
  "a volatile kind is gone after a restart, but its revisions are not given out again": async (
    open,
  ) => {
    const first = await open();
    await first.commit([put(KEY, "")]);
    await first.commit([put(["beats", "a", "n"], "one")]);
    await first.commit([put(["beats", "a", "m"], "two")]);
    const second = await open();
    assert.deepEqual(second.list(["beats"]), []);
    assert.ok(second.revision >= first.revision);
    await second.commit([put(["beats", "a", "n"], "three")]);
    assert.ok((await open()).revision >= second.revision);
  },
  "more writers at once than one batch takes are all stored": async (open) => {
    const first = await open();
    const names = Array.from({ length: 1_200 }, (_, i) => `n${String(i).padStart(4, "0")}`);
    await Promise.all(
      names.map((name) => first.commit([put(["notes", "a", name], "x".repeat(1_000))])),
    );
    const second = await open();
    assert.deepEqual(second.list(["notes"]).map(({ key }) => key[2]), names);
  },
};

const KEY: Key = ["notes", "a", "n"];

function put(
  key: Key,
  text: string,
  metadata: Partial<KubeObject["metadata"]> = {},
  expected = 0,
): Change {
  const [, namespace, name] = key;
  const value = {
    apiVersion: "v1",
    kind: "Note",
    metadata: {
      namespace,
      name,
      uid: name,
      creationTimestamp: "",
      resourceVersion: "",
      ...metadata,
    },
    text,
  };
  return { key, value, expected };
}

function remove(key: Key, expected: number): Change {
  return { key, value: undefined, expected };
}

function textOf(note: KubeObject): string {
  return (note as KubeObject & { text: string }).text;
}

async function incrementUntilDone(store: MemoryStore): Promise<void> {
  while (true) {
    const { object, revision } = store.get(KEY)!;
    try {
      await store.commit([put(KEY, String(Number(textOf(object)) + 1), {}, revision)]);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

async function increment(store: MemoryStore): Promise<void> {
  const { object, revision } = store.newest(KEY)!;
  await store.commit([put(KEY, String(Number(textOf(object)) + 1), {}, revision)]);
}

interface Write {
  name: string;
  text: string | undefined;
  isStale: boolean;
  waits: boolean;
}
const arbitraryWrite: fc.Arbitrary<Write> = fc.record({
  name: fc.constantFrom("a", "b", "c"),
  text: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }),
  isStale: fc.boolean(),
  waits: fc.boolean(),
});

/** The oracle: a map, and the rule that a stale write changes nothing. */
async function agreesWithMap(
  open: () => Promise<MemoryStore>,
  writes: readonly Write[],
): Promise<void> {
  const store = await open();
  const model = new Map<string, string>();
  const seen: number[] = [];
  store.subscribe([], ({ revision }) => seen.push(revision));
  const outcomes: Promise<unknown>[] = [];
  for (const { name, text, isStale, waits } of writes) {
    const key: Key = ["notes", "a", name];
    const current = store.newest(key)?.revision ?? 0;
    if (text === undefined && current === 0) continue;
    const expected = isStale ? current + 1 : current;
    const change = text === undefined ? remove(key, expected) : put(key, text, {}, expected);
    if (!isStale && text === undefined) model.delete(name);
    else if (!isStale) model.set(name, text!);
    const outcome = store.commit([change]).then(() => false, () => true);
    outcomes.push(outcome.then((failed) => assert.equal(failed, isStale)));
    if (waits) await outcome;
  }
  await Promise.all(outcomes);
  const wanted = [...model].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(
    store.list(["notes"]).map(({ key, object }) => [key[2], textOf(object)]),
    wanted,
  );
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
  const again = await open();
  assert.deepEqual(
    again.list(["notes"]).map(({ key, object }) => [key[2], textOf(object)]),
    wanted,
  );
}

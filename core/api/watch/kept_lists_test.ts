import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Entry } from "../../store/store.ts";
import { ServedKind } from "../discovery/served_kinds.ts";
import { KEPT_BYTES_MAX, KEPT_MS, KeptLists } from "./kept_lists.ts";

const MAPS = kindOf({ encrypted: false });
const SECRETS = kindOf({ encrypted: true });

function kindOf(resource: Partial<AnyResource>): ServedKind {
  return new ServedKind(resource as AnyResource, undefined);
}

function entriesOf(...names: string[]): Entry[] {
  return names.map((name) => ({
    key: ["things", "default", name],
    revision: 1,
    object: {} as KubeObject,
    bytes: new TextEncoder().encode(name),
  }));
}

const partsOf = (entries: readonly Entry[]) => entries.map(({ bytes }) => bytes);
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** Whoever asks for a list, as the API does it. */
function asked(lists: KeptLists, entries: readonly Entry[], kind = MAPS): string | undefined {
  return textOf(lists.find(kind, entries) ?? lists.keep(kind, entries, partsOf(entries)));
}

Deno.test("a list is kept for who asks for it again, also as another array of the same entries", () => {
  const lists = new KeptLists(new VirtualClock());
  const entries = entriesOf("one ", "two");
  assert.equal(asked(lists, entries), undefined);
  assert.equal(lists.find(MAPS, entries), undefined, "nothing is kept for who asks once");
  assert.equal(asked(lists, [...entries]), "one two");
  assert.equal(textOf(lists.find(MAPS, [...entries])), "one two");
});

Deno.test("what has changed, or is of another kind, is not the same list", () => {
  const lists = new KeptLists(new VirtualClock());
  const entries = entriesOf("one", "two", "three");
  for (let times = 0; times < 2; times++) asked(lists, entries);
  const [changed] = entriesOf("two");
  for (
    const others of [
      [entries[0]!, changed!, entries[2]!],
      entries.slice(1),
      entries.slice(0, 2),
      entries.toReversed(),
      [...entries, changed!],
      [],
    ]
  ) assert.equal(lists.find(MAPS, others), undefined);
  assert.equal(lists.find(kindOf({ encrypted: false }), entries), undefined);
  assert.equal(textOf(lists.find(MAPS, entries)), "onetwothree");
});

Deno.test("lists of what is encrypted at rest are never kept", () => {
  const lists = new KeptLists(new VirtualClock());
  const entries = entriesOf("secret");
  for (let times = 0; times < 4; times++) assert.equal(asked(lists, entries, SECRETS), undefined);
});

Deno.test("a list is dropped when nobody has asked for it for a while", async () => {
  const clock = new VirtualClock();
  const lists = new KeptLists(clock);
  const [one, other] = [entriesOf("one"), entriesOf("other")];
  for (const entries of [one, other, one, other]) asked(lists, entries);
  await clock.advance(KEPT_MS - 1);
  assert.equal(textOf(lists.find(MAPS, one)), "one");
  await clock.advance(1);
  assert.equal(lists.find(MAPS, other), undefined);
  await clock.advance(KEPT_MS - 2);
  assert.equal(textOf(lists.find(MAPS, one)), "one");
  await clock.advance(KEPT_MS);
  assert.equal(lists.find(MAPS, one), undefined);
  assert.equal(clock.pending, 0, "nothing is left to do at rest");
});

Deno.test("no more is kept than the limit: the list that was not asked for the longest goes", () => {
  const lists = new KeptLists(new VirtualClock());
  const all = ["a", "b", "c"].map((name) => entriesOf(name));
  const large = (entries: readonly Entry[], bytes: number) => {
    const parts = [new Uint8Array(bytes)];
    for (let times = 0; times < 2; times++) lists.keep(MAPS, entries, parts);
    return lists.find(MAPS, entries);
  };
  const [a, b, c] = all;
  assert.ok(large(a!, KEPT_BYTES_MAX / 2));
  assert.ok(large(b!, KEPT_BYTES_MAX / 2));
  assert.ok(lists.find(MAPS, a!));
  assert.ok(large(c!, 1));
  assert.deepEqual(all.map((entries) => lists.find(MAPS, entries) !== undefined), [
    true,
    false,
    true,
  ]);
  assert.equal(large(entriesOf("d"), KEPT_BYTES_MAX + 1), undefined);
});

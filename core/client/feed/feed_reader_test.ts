import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { MirroredKind } from "../mirrored_kind.ts";
import { digestOfObject, Digests, GROUP_BITS_MAX, groupOf, keyOf, sumsIn } from "./digests.ts";
import { FeedReader } from "./feed_reader.ts";

function map(name: string, k: string, resourceVersion = "7"): ConfigMap {
  const metadata = {
    ...{ namespace: "default", name, uid: name, resourceVersion },
    creationTimestamp: "2026-01-01T00:00:00Z",
  };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { k } };
}

function reader() {
  const kind = new MirroredKind(configMaps as never);
  const target = { kindNamed: () => kind, kindOfObject: () => kind };
  return { kind, reader: new FeedReader(target, ["configmaps"]) };
}

const START = { type: "START", epoch: "e", kinds: ["configmaps"] } as const;

function synced(objects: readonly ConfigMap[]) {
  const digests = { configmaps: Digests.of(objects).text(0) };
  return { type: "SYNCED", revision: "9", digests } as const;
}

Deno.test("a first state takes effect when it is complete, and where it stopped is known then", () => {
  const { kind, reader: feed } = reader();
  const [a, b] = [map("a", "1"), map("b", "1")];
  assert.deepEqual(feed.begin({ beats: true }), {
    ...{ kinds: ["configmaps"], known: new Map(), beats: true },
  });
  assert.deepEqual(feed.take(START), ["configmaps"]);
  const keys = [a, b].map(({ metadata }) => keyOf(metadata));
  feed.take({ type: "GROUP", kind: "configmaps", bits: 0, group: 0, keys });
  for (const object of [a, b]) feed.take({ type: "MODIFIED", object });
  assert.equal(kind.list().length, 0);
  feed.take(synced([a, b]));
  assert.equal(kind.list().length, 2);
  assert.ok(feed.isComplete);
  feed.take({ type: "MODIFIED", object: map("a", "2", "12") });
  feed.take({ type: "GONE", kind: "configmaps", key: "default/b", revision: "13" });
  assert.deepEqual(kind.list().map(({ metadata }) => metadata.name), ["a"]);
  feed.end();
  assert.ok(!feed.isComplete);
  assert.deepEqual(feed.begin({ beats: true }).since, { epoch: "e", revision: 13 });
});

Deno.test("what should be here and is not is asked for again, with less trust each time", () => {
  const { kind, reader: feed } = reader();
  const [a, b] = [map("a", "1"), map("b", "1")];
  const lacking = () => {
    feed.end();
    feed.take(START);
    feed.take({
      type: "GROUP",
      kind: "configmaps",
      bits: 0,
      group: 0,
      keys: ["default/a", "default/b"],
    });
    feed.take(synced([a, b]));
  };
  kind.put(a as never);
  feed.take(START);
  feed.take(synced([a]));
  assert.ok(feed.begin({ beats: false }).since);
  assert.throws(lacking, /the configmaps are not those of the server/);
  const second = feed.begin({ beats: false });
  assert.deepEqual([second.since, second.known.size], [undefined, 1]);
  assert.throws(lacking);
  assert.equal(feed.begin({ beats: false }).known.size, 0, "everything is sent");
});

Deno.test("what a group no longer names goes, in its group alone, and as of that revision", () => {
  const { kind, reader: feed } = reader();
  const bits = 1;
  const all = Array.from({ length: 8 }, (_, index) => map(`m${index}`, "1"));
  const isIn = (group: number) => ({ metadata }: ConfigMap) =>
    groupOf(keyOf(metadata), bits) === group;
  const [first, others] = [all.filter(isIn(0)), all.filter(isIn(1))];
  assert.ok(first.length > 1 && others.length > 0);
  for (const object of all) kind.put(object as never);
  const [gone, ...kept] = first;
  feed.take(START);
  const keys = kept.map(({ metadata }) => keyOf(metadata));
  feed.take({ type: "GROUP", kind: "configmaps", bits, group: 0, keys });
  assert.equal(kind.list().length, all.length, "nothing before it is complete");
  const removed: string[] = [];
  kind.subscribe(({ type, object }) =>
    removed.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`)
  );
  feed.take(synced([...kept, ...others]));
  assert.deepEqual(removed, [`DELETED ${gone!.metadata.name} 9`]);
  assert.equal(kind.list().length, all.length - 1);
});

Deno.test("digests differ with the content, not with the order, and follow changes", () => {
  const objects = Array.from({ length: 100 }, (_, i) => map(`m${i}`, `${i}`));
  const all = Digests.of(objects);
  const reversed = Digests.of(objects.toReversed());
  for (let bits = 0; bits <= GROUP_BITS_MAX; bits++) {
    assert.equal(all.text(bits), reversed.text(bits));
    const read = sumsIn(all.text(bits))!;
    assert.deepEqual([read.bits, read.sums], [bits, all.sums(bits)]);
  }
  const [first, ...others] = objects;
  const key = keyOf(first!.metadata);
  const changed = map("m0", "other");
  const copy = all.copy();
  copy.remove(key, digestOfObject(first!));
  assert.equal(copy.text(8), Digests.of(others).text(8));
  copy.add(key, digestOfObject(changed));
  const differing = copy.sums(8).flatMap((sum, i) => sum === all.sums(8)[i] ? [] : [i]);
  assert.deepEqual(differing, [groupOf(key, 8)]);
  assert.equal(new Digests().text(0), "AAAAAAAA");
});

Deno.test("texts that are no digests are not read", () => {
  for (const text of ["", "A", "AAAAAAA", "AAAAAAAAAAAA", "!!!!!!!!", "A".repeat(8 * 512)]) {
    assert.equal(sumsIn(text), undefined, text);
  }
});

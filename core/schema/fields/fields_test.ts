import assert from "node:assert/strict";
import fc from "fast-check";
import { pods } from "../../resources/core/pods/pods.ts";
import { fieldsOf } from "./claims.ts";
import { comparisonOf } from "./comparison.ts";
import {
  difference,
  type FieldSet,
  fieldSetFrom,
  intersection,
  isEmptySet,
  pathsIn,
  union,
} from "./field_set.ts";
import { merged } from "./merge.ts";
import { formatPath } from "./path_elements.ts";
import { withoutFields } from "./removal.ts";
import { reconciled } from "./schema_changes.ts";
import { fieldsOfNew } from "./shapes.ts";
import { valueTypeOf } from "./value_type.ts";

const item = {
  type: "object",
  properties: { name: { type: "string" }, value: { type: "string" } },
} as const;
const thing = valueTypeOf({
  type: "object",
  properties: {
    text: { type: "string" },
    words: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
    items: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: item,
    },
    map: { type: "object", additionalProperties: { type: "string" } },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
});

const word = fc.constantFrom("a", "b", "__proto__", "x.y/z");
const things = fc.record({
  text: word,
  words: fc.uniqueArray(word),
  items: fc.uniqueArray(fc.record({ name: word, value: word }), { selector: ({ name }) => name }),
  map: fc.array(fc.tuple(word, word), { minLength: 1 }) // an empty map is a field itself
    .map((entries) => Object.fromEntries(entries)),
  free: fc.array(fc.tuple(word, fc.array(word)), { minLength: 1 }).map((entries) =>
    Object.fromEntries(entries)
  ),
}, { requiredKeys: [] });

Deno.test("a set of fields is its paths: union, intersection and difference are those of its paths", () => {
  const sets = things.map((value) => fieldsOf(thing, value));
  fc.assert(fc.property(sets, sets, (a, b) => {
    const [as, bs] = [pathsOf(a), pathsOf(b)];
    assert.deepEqual(pathsOf(union(a, b)), as.union(bs));
    assert.deepEqual(pathsOf(intersection(a, b)), as.intersection(bs));
    assert.deepEqual(pathsOf(difference(a, b)), as.difference(bs));
    assert.deepEqual(fieldSetFrom(JSON.parse(JSON.stringify(a))), a);
  }));
});

Deno.test("what is merged has all that was sent, and what was there elsewhere", () => {
  fc.assert(fc.property(things, things, (there, sent) => {
    const result = merged(thing, there, sent);
    const fields = pathsOf(fieldsOf(thing, result));
    assert.ok(pathsOf(fieldsOf(thing, sent)).isSubsetOf(fields));
    assert.ok(pathsOf(fieldsOf(thing, there)).isSubsetOf(fields));
    assert.deepEqual(merged(thing, result, sent), result);
    const back = comparisonOf(thing, result, merged(thing, result, sent));
    assert.equal(back, undefined);
  }));
});

Deno.test("a comparison tells what has come and gone; what has come can be taken away again", () => {
  fc.assert(fc.property(things, things, (old, next) => {
    const { added, removed, modified } = comparisonOf(thing, old, next) ??
      { added: {}, removed: {}, modified: {} };
    const [before, after] = [old, next].map((each) => pathsOf(fieldsOf(thing, each)));
    assert.ok(after!.difference(before!).isSubsetOf(pathsOf(added).union(pathsOf(modified))));
    assert.ok(before!.difference(after!).isSubsetOf(pathsOf(removed).union(pathsOf(modified))));
    const left = withoutFields(thing, next, added);
    const again = comparisonOf(thing, old, left ?? {});
    if (isEmptySet(removed) && isEmptySet(modified)) assert.ok(isEmptySet(again?.added ?? {}));
  }));
});

Deno.test("objects of one shape share the set of their fields; others do not", () => {
  const type = valueTypeOf(pods.schema);
  const pod = (name: string, image: string) => ({ spec: { containers: [{ name, image }] } });
  const zero = { spec: { containers: null } };
  const one = fieldsOfNew(type, zero, pod("web", "a"));
  assert.equal(fieldsOfNew(type, zero, pod("web", "b")), one);
  assert.deepEqual(one, {
    "f:spec": { "f:containers": { 'k:{"name":"web"}': { ".": {}, "f:image": {}, "f:name": {} } } },
  });
  assert.notDeepEqual(fieldsOfNew(type, zero, pod("other", "a")), one);
  fc.assert(fc.property(things, things, (first, second) => {
    fieldsOfNew(thing, {}, first);
    const changes = comparisonOf(thing, {}, second);
    assert.deepEqual(fieldsOfNew(thing, {}, second), changes?.added ?? {});
  }));
});

Deno.test("elements are in their order, and of unknown types none", () => {
  const sent = { 'k:{"p":9}': {}, "f:b": {}, "z:x": {}, 'k:{"p":10}': { ".": {} }, "f:a": {} };
  const set = fieldSetFrom(sent);
  assert.deepEqual(Object.keys(set), ["f:a", "f:b", 'k:{"p":9}', 'k:{"p":10}']);
  assert.deepEqual(set['k:{"p":10}'], {});
  for (const wrong of [{ x: {} }, { "f:a": 1 }, { "k:[": {} }, [], null]) {
    assert.throws(() => fieldSetFrom(wrong), SyntaxError);
  }
});

Deno.test("whoever had fields of what has become atomic has the whole", () => {
  const solid = valueTypeOf({
    type: "object",
    properties: { map: { type: "object", "x-kubernetes-map-type": "atomic", properties: {} } },
  });
  assert.deepEqual(reconciled(solid, { "f:map": { "f:a": {} } }), { "f:map": {} });
  const fine: FieldSet = { "f:map": {} };
  assert.equal(reconciled(solid, fine), fine);
});

function pathsOf(set: FieldSet): Set<string> {
  return new Set([...pathsIn(set)].map(formatPath));
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { isRefusal } from "../../client/api_error.ts";
import type { Schema } from "../../schema/schema.ts";
import { mergePatch } from "./merge_patch.ts";
import { patcherFor, patchTypesOf } from "./patch.ts";
import { strategicMergePatch } from "./strategic_merge_patch.ts";
import { threeWayMerge } from "./three_way_merge.ts";

/** Items merged by name, numbers merged as a set, and the same with other strategies. */
const item: Schema = {
  type: "object",
  properties: {
    get items() {
      return items;
    },
    numbers: { type: "array", items: { type: "integer" }, "x-kubernetes-list-type": "set" },
    words: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "atomic" },
    choice: { type: "object", "x-kubernetes-patch-strategy": "retainKeys" },
    whole: { type: "object", "x-kubernetes-patch-strategy": "replace" },
    get volumes() {
      return { ...items, "x-kubernetes-patch-strategy": "merge,retainKeys" };
    },
  },
};
const items: Schema = {
  type: "array",
  items: item,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
};

/** Name, target, patch, result. After the rules of the strategic merge patch page and upstream's own cases. */
const CASES: [string, unknown, unknown, unknown][] = [
  ["sets and removes fields", { a: 1, b: 2 }, { a: 3, b: null, c: 4 }, { a: 3, c: 4 }],
  ["merges objects", { o: { a: 1, b: 2 } }, { o: { b: 3 } }, { o: { a: 1, b: 3 } }],
  ["drops nulls of what it adds", {}, { o: { a: 1, b: null } }, { o: { a: 1 } }],
  ["replaces another type", { o: "text" }, { o: { a: 1 } }, { o: { a: 1 } }],
  ["replaces an atomic list", { words: ["a", "b"] }, { words: ["c"] }, { words: ["c"] }],
  ["merges a set without duplicates", { numbers: [1, 2] }, { numbers: [2, 3] }, {
    numbers: [1, 2, 3],
  }],
  [
    "merges items by their key",
    { items: [{ name: "a", x: 1 }, { name: "b", x: 1 }] },
    { items: [{ name: "b", y: 2 }, { name: "c" }] },
    { items: [{ name: "a", x: 1 }, { name: "b", x: 1, y: 2 }, { name: "c" }] },
  ],
  [
    "merges lists in items",
    { items: [{ name: "a", items: [{ name: "x" }], numbers: [1] }] },
    { items: [{ name: "a", items: [{ name: "y" }], numbers: [2] }] },
    { items: [{ name: "a", items: [{ name: "y" }, { name: "x" }], numbers: [2, 1] }] },
  ],
  [
    "deletes items by their key",
    { items: [{ name: "a" }, { name: "b" }] },
    { items: [{ name: "a", $patch: "delete" }, { name: "z", $patch: "delete" }] },
    { items: [{ name: "b" }] },
  ],
  [
    "deletes one of duplicates for each delete",
    { items: [{ name: "a" }, { name: "a" }, { name: "b" }] },
    { items: [{ name: "a", $patch: "delete" }] },
    { items: [{ name: "a" }, { name: "b" }] },
  ],
  [
    "replaces a list",
    { items: [{ name: "a" }, { name: "b" }] },
    { items: [{ name: "c" }, { $patch: "replace" }] },
    { items: [{ name: "c" }] },
  ],
  ["empties a list", { items: [{ name: "a" }] }, { items: [{ $patch: "replace" }] }, { items: [] }],
  ["empties an object", { o: { a: 1 } }, { o: { $patch: "delete" } }, { o: {} }],
  ["replaces an object", { o: { a: 1 } }, { o: { b: 2, $patch: "replace" } }, { o: { b: 2 } }],
  ["replaces the whole", { a: 1 }, { $patch: "replace", b: 2 }, { b: 2 }],
  ["replaces by strategy", { whole: { a: 1 } }, { whole: { b: 2 } }, { whole: { b: 2 } }],
  [
    "deletes from a set",
    { numbers: [1, 2, 3, 3] },
    { "$deleteFromPrimitiveList/numbers": [3], numbers: [4] },
    { numbers: [4, 1, 2] },
  ],
  [
    "keeps the fields that retainKeys names",
    { choice: { type: "a", a: 1 } },
    { choice: { $retainKeys: ["type"], type: "b" } },
    { choice: { type: "b" } },
  ],
  ["merges where retainKeys is not said", { choice: { a: 1 } }, { choice: { b: 2 } }, {
    choice: { a: 1, b: 2 },
  }],
  [
    "takes the order of the patch",
    { items: [{ name: "1" }, { name: "2" }, { name: "3" }] },
    { items: [{ name: "3" }, { name: "1" }] },
    { items: [{ name: "2" }, { name: "3" }, { name: "1" }] },
  ],
  [
    "takes the order that it is told",
    { items: [{ name: "1" }, { name: "2" }] },
    {
      "$setElementOrder/items": [{ name: "4" }, { name: "1" }, { name: "2" }],
      items: [{ name: "4" }],
    },
    { items: [{ name: "4" }, { name: "1" }, { name: "2" }] },
  ],
  [
    "orders a list that it does not change",
    { numbers: [1, 3] },
    { "$setElementOrder/numbers": [3, 2, 1] },
    { numbers: [3, 1] },
  ],
  [
    "leaves what others added where it was",
    { items: [{ name: "a" }, { name: "other" }, { name: "b" }] },
    { "$setElementOrder/items": [{ name: "a" }, { name: "b" }], items: [{ name: "b", x: 1 }] },
    { items: [{ name: "a" }, { name: "other" }, { name: "b", x: 1 }] },
  ],
  [
    "deletes an item that the order does not name",
    { items: [{ name: "a" }, { name: "b" }] },
    { "$setElementOrder/items": [{ name: "b" }], items: [{ name: "a", $patch: "delete" }] },
    { items: [{ name: "b" }] },
  ],
];

for (const [name, target, patch, result] of CASES) {
  Deno.test(`a strategic merge patch ${name}`, () => {
    const before = structuredClone({ target, patch });
    assert.deepEqual(strategicMergePatch(target, patch, item), result);
    assert.deepEqual({ target, patch }, before);
  });
}

const REFUSED: [string, unknown][] = [
  ["an item without its key", { items: [{ x: 1 }] }],
  ["an item that is no object", { items: ["a"] }],
  ["an unknown directive", { o: { $patch: "explode" } }],
  ["an order that contradicts the list", {
    "$setElementOrder/items": [{ name: "1" }, { name: "3" }],
    items: [{ name: "3" }, { name: "1" }],
  }],
  ["a field that retainKeys does not name", { choice: { $retainKeys: ["a"], b: 1 } }],
  ["a patch that is no object", ["a"]],
];

for (const [name, patch] of REFUSED) {
  Deno.test(`a strategic merge patch with ${name} is refused`, () => {
    assert.throws(
      () => strategicMergePatch({ items: [{ name: "1" }, { name: "3" }] }, patch, item),
      (error) => isRefusal(error, "BadRequest"),
    );
  });
}

/** Name, original, modified, current, result. */
const APPLIES: [string, unknown, unknown, unknown, unknown][] = [
  ["keeps what others set", { a: 1 }, { a: 2 }, { a: 1, other: 1 }, { a: 2, other: 1 }],
  ["removes what is no longer applied", { a: 1, b: 1 }, { a: 1 }, { a: 1, b: 1 }, { a: 1 }],
  ["takes back what others changed", { a: 1 }, { a: 1 }, { a: 9 }, { a: 1 }],
  ["sets all when nothing was applied", undefined, { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
  [
    "removes items that are no longer applied, and keeps those of others",
    { items: [{ name: "a" }, { name: "b" }] },
    { items: [{ name: "b", x: 1 }] },
    { items: [{ name: "a" }, { name: "other" }, { name: "b", y: 1 }] },
    { items: [{ name: "other" }, { name: "b", x: 1, y: 1 }] },
  ],
  ["merges sets", { numbers: [1, 2] }, { numbers: [2, 3] }, { numbers: [1, 2, 9] }, {
    numbers: [2, 3, 9],
  }],
  ["replaces atomic lists", { words: ["a"] }, { words: ["b"] }, { words: ["a", "x"] }, {
    words: ["b"],
  }],
  [
    "drops defaults that belong to the choice before",
    { choice: { type: "a" } },
    {
      choice: { type: "b" },
    },
    { choice: { type: "a", a: {} } },
    { choice: { type: "b" } },
  ],
  [
    "keeps defaults when the choice is the same",
    { choice: { type: "a" } },
    {
      choice: { type: "a" },
    },
    { choice: { type: "a", a: {} } },
    { choice: { type: "a", a: {} } },
  ],
  [
    "drops the source that a volume had before",
    { volumes: [{ name: "v", x: {} }] },
    { volumes: [{ name: "v", y: {} }] },
    { volumes: [{ name: "v", x: {}, z: 1 }] },
    { volumes: [{ name: "v", y: {} }] },
  ],
];

for (const [name, original, modified, current, result] of APPLIES) {
  Deno.test(`an apply ${name}`, () => {
    const sides = { original, modified, current };
    const before = structuredClone(sides);
    assert.deepEqual(threeWayMerge(sides, item), result);
    assert.deepEqual(sides, before);
  });
}

const json = fc.jsonValue({ maxDepth: 3 });
const jsonObject = fc.dictionary(fc.string({ maxLength: 3 }), json, {
  maxKeys: 4,
  noNullPrototype: true,
});

Deno.test("a merge patch applied twice does what it does once, and changes neither argument", () => {
  fc.assert(fc.property(jsonObject, jsonObject, (target, patch) => {
    const before = structuredClone({ target, patch });
    const once = mergePatch(target, patch);
    assert.deepEqual(mergePatch(once, patch), once);
    assert.deepEqual({ target, patch }, before);
  }));
});

Deno.test("an apply of the same again changes nothing", () => {
  fc.assert(fc.property(jsonObject, jsonObject, jsonObject, (original, modified, current) => {
    const once = threeWayMerge({ original, modified, current }, item);
    assert.deepEqual(threeWayMerge({ original: modified, modified, current: once }, item), once);
  }));
});

Deno.test("a JSON patch does all its operations or none", () => {
  const target = Object.freeze({ spec: Object.freeze({ replicas: 1 }) });
  const apply = jsonPatch([
    { op: "test", path: "/spec/replicas", value: 1 },
    { op: "replace", path: "/spec/replicas", value: 2 },
    { op: "add", path: "/metadata", value: { "a/b": 1 } },
    { op: "remove", path: "/metadata/a~1b" },
  ]);
  assert.deepEqual(apply(target), { spec: { replicas: 2 }, metadata: {} });
  const failing = jsonPatch([
    { op: "replace", path: "/spec/replicas", value: 9 },
    { op: "test", path: "/spec/replicas", value: 7 },
  ]);
  assert.throws(() => failing(target), (error) => isRefusal(error, "Invalid"));
});

Deno.test("a JSON patch may replace the whole, but not take it away", () => {
  const whole = (patch: unknown) => jsonPatch(patch)({ a: 1 });
  assert.deepEqual(whole([{ op: "replace", path: "", value: { b: 2 } }]), { b: 2 });
  assert.deepEqual(whole([{ op: "test", path: "", value: { a: 1 } }]), { a: 1 });
  const refusesWhole = (patch: unknown, why: RegExp) =>
    assert.throws(() => whole(patch), (error: Error) => why.test(String(error.cause)));
  refusesWhole([{ op: "remove", path: "" }], /nothing is left of the object$/);
  refusesWhole([{ op: "remove", path: "/b/c" }], /: \/b\/c$/);
  const intoText = [{ op: "replace", path: "", value: "" }, {
    op: "add",
    path: "/length/x",
    value: 1,
  }, {
    op: "add",
    path: "/toString",
    value: 1,
  }];
  assert.throws(() => whole(intoText), /the server rejected our request/);
  refusesWhole([intoText[0], intoText[2]], /leads into what is no object$/);
});

Deno.test("in a strategic merge patch, a field that begins like a directive is a field", () => {
  assert.deepEqual(strategicMergePatch({}, { "$(HOME)": "a" }, item), { "$(HOME)": "a" });
});

Deno.test("a JSON patch cannot reach what all objects share", () => {
  for (
    const path of ["/__proto__/x", "/constructor/prototype/x", "/a/__proto__", "/a/toString/x"]
  ) {
    const apply = jsonPatch([{ op: "add", path, value: 1 }]);
    assert.throws(
      () => apply({ a: {} }),
      (error) => isRefusal(error, "BadRequest") || isRefusal(error, "Invalid"),
    );
  }
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

Deno.test("a patch that is no patch is refused", () => {
  for (
    const body of [{}, [1], [{ op: "add", path: "/a" }], [{
      op: "remove",
      path: "a",
    }]]
  ) {
    const apply = jsonPatch(body);
    assert.throws(() => apply({}), (error) => isRefusal(error, "BadRequest"));
  }
  const unknown = jsonPatch([{ op: "zz", path: "/a" }]);
  assert.throws(() => unknown({}), (error) => isRefusal(error, "Invalid"));
  assert.throws(
    () => patcherFor({ type: "text/plain", body: {} }, item),
    (error) => isRefusal(error, "UnsupportedMediaType"),
  );
});

Deno.test("the type says how the body is meant; what is no object is no merge patch", () => {
  const target = { numbers: [1], words: ["a"] };
  const body = { numbers: [2] };
  const outcomes = {
    "application/merge-patch+json": { numbers: [2], words: ["a"] },
    "application/strategic-merge-patch+json": { numbers: [2, 1], words: ["a"] },
  };
  for (const [type, expected] of Object.entries(outcomes)) {
    assert.deepEqual(patcherFor({ type, body }, item)(target), expected);
    for (const other of [[body], "x", 1, null]) {
      assert.throws(
        () => patcherFor({ type, body: other }, item),
        (error) => isRefusal(error, "BadRequest"),
        `${type}: ${JSON.stringify(other)}`,
      );
    }
  }
});

Deno.test("custom resources take no strategic merge patch", () => {
  const [json, merge, strategic, apply] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
  ];
  assert.deepEqual(patchTypesOf({}), [json, merge, strategic, apply]);
  assert.deepEqual(patchTypesOf({ reading: {} }), [json, merge, apply]);
});

function jsonPatch(body: unknown): (target: unknown) => unknown {
  return patcherFor({ type: "application/json-patch+json", body }, item);
}

import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { COPIED_BYTES_MAX, NESTING_MAX } from "./json_document.ts";
import { JSON_PATCH_OPERATIONS_MAX, jsonPatch } from "./json_patch.ts";

/** Document, operations, result. After RFC 6902, appendix A. */
const DONE: [string, unknown, unknown[], unknown][] = [
  ["adds a field", { a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
  ["adds an item before another", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], {
    a: [1, 2, 3],
  }],
  ["adds an item to the end", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
  ["removes an item", { a: [1, 2, 3] }, [{ op: "remove", path: "/a/1" }], { a: [1, 3] }],
  ["replaces an item", { a: [1, 2] }, [{ op: "replace", path: "/a/0", value: 9 }], { a: [9, 2] }],
  ["moves an item", { a: [1, 2, 3] }, [{ op: "move", from: "/a/0", path: "/a/2" }], {
    a: [2, 3, 1],
  }],
  ["moves a value to where it is", { a: 1 }, [{ op: "move", from: "/a", path: "/a" }], { a: 1 }],
  ["copies by value", { a: { x: 1 } }, [
    { op: "copy", from: "/a", path: "/b" },
    { op: "replace", path: "/b/x", value: 2 },
  ], { a: { x: 1 }, b: { x: 2 } }],
  ["reads the escapes of a path", { "a/b": { "m~n": 1 } }, [
    { op: "test", path: "/a~1b/m~0n", value: 1 },
    { op: "remove", path: "/a~1b/m~0n" },
  ], { "a/b": {} }],
  ["takes a name that all objects inherit for a name", { labels: {} }, [
    { op: "add", path: "/labels/constructor", value: "x" },
    { op: "add", path: "/labels/toString", value: "y" },
    { op: "test", path: "/labels/constructor", value: "x" },
    { op: "remove", path: "/labels/constructor" },
  ], { labels: { toString: "y" } }],
];

for (const [name, document, operations, result] of DONE) {
  Deno.test(`a JSON patch ${name}`, () => {
    assert.deepEqual(jsonPatch(document, operations), result);
  });
}

const FAILS: [string, unknown[]][] = [
  ["removes what only is inherited", [{ op: "remove", path: "/toString" }]],
  ["copies what only is inherited", [{ op: "copy", from: "/constructor", path: "/a" }]],
  ["adds beyond the end of a list", [{ op: "add", path: "/list/3", value: 1 }]],
  ["names an item with a leading zero", [{ op: "remove", path: "/list/00" }]],
  ["replaces the item after the last", [{ op: "replace", path: "/list/-", value: 1 }]],
  ["sets the length of a list", [{ op: "add", path: "/list/length", value: 1e9 }]],
  ["moves a value into itself", [{ op: "move", from: "/a", path: "/a/b" }]],
  ["tests for another value", [{ op: "test", path: "/a", value: 1 }]],
];

for (const [name, operations] of FAILS) {
  Deno.test(`a JSON patch that ${name} is refused`, () => {
    assert.throws(() => jsonPatch({ a: {}, list: [1, 2] }, operations), { code: 422 });
  });
}

Deno.test("copies that double an object are refused in Kubernetes' words, before there is much of it", () => {
  const bomb = Array.from({ length: 40 }, (_, i) => ({
    op: "copy",
    from: "/data",
    path: `/data/x${i}`,
  }));
  const { ms } = refusal(
    { data: { a: "b" } },
    bomb,
    /Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
  );
  assert.ok(ms < 1_000, `${ms} ms`);
});

Deno.test("3 MiB may be copied, and not a byte more", () => {
  const half = "x".repeat(COPIED_BYTES_MAX / 2 - 2);
  const twice = [1, 2].map((i) => ({ op: "copy", from: "/a", path: `/b${i}` }));
  assert.deepEqual(jsonPatch({ a: half }, twice), { a: half, b1: half, b2: half });
  refusal({ a: `${half}x` }, twice, /copy is 3145730, exceeding/);
  // Counted in bytes of JSON, not in characters.
  refusal({ a: "\u20ac".repeat(COPIED_BYTES_MAX / 4) }, twice, /exceeding the limit/);
});

Deno.test("a patch of too many operations is refused in Kubernetes' words", () => {
  const many = Array(JSON_PATCH_OPERATIONS_MAX + 1).fill({ op: "test", path: "/a", value: 1 });
  assert.throws(() => jsonPatch({ a: 1 }, many), {
    code: 413,
    message: "The allowed maximum operations in a JSON patch is 10000, got 10001",
  });
});

Deno.test("a patch cannot nest what it adds ever deeper", () => {
  const deep = (depth: number): unknown => depth === 0 ? {} : { a: deep(depth - 1) };
  const path = "/a".repeat(NESTING_MAX - 2);
  const further = [
    { op: "add", path: "/b", value: deep(NESTING_MAX - 2) },
    { op: "move", from: "/b", path: `${path}/b` },
  ];
  refusal(deep(NESTING_MAX - 2), further, /exceeded max depth: 64/);
});

Deno.test("a list is not moved up for ever: what operations push aside is counted", () => {
  const list = Array(1_000_000).fill(0);
  const unshifts = Array(1_000).fill({ op: "add", path: "/a/0", value: 1 });
  const { ms } = refusal({ a: list }, unshifts, /move more than 20000000 items/);
  assert.ok(ms < 1_000, `${ms} ms`);
});

function refusal(document: unknown, patch: unknown, words: RegExp): { ms: number } {
  const start = performance.now();
  assert.throws(() => jsonPatch(document, patch), (error) => {
    assert.ok(error instanceof ApiError && error.code === 422);
    assert.match(String(error.cause), words);
    return true;
  });
  return { ms: performance.now() - start };
}

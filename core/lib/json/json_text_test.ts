import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeUtf8,
  duplicateKeysIn,
  JsonError,
  parseJson,
  parseJsonWithDuplicates,
  scanJson,
  Utf8Error,
} from "./json_text.ts";
import { readJson } from "./json_reader.ts";

const limits = { depthMax: 64, valuesMax: 100_000 };

Deno.test("JSON is read from bytes and from text", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    if (text.includes("__proto__")) return;
    assert.deepEqual(parseJson(text, limits), readJson(text));
    assert.deepEqual(parseJson(new TextEncoder().encode(text), limits), readJson(text));
  }));
});

Deno.test("keys with escapes are read as what they mean, whatever came before", () => {
  assert.deepEqual(parseJson('{"k": 1, "\\\\": 2}', limits), { k: 1, "\\": 2 });
  assert.deepEqual(parseJson('{"k": 1, "\\u0062": 2}', limits), { k: 1, b: 2 });
});

Deno.test("no text makes the reader throw anything but its own error", () => {
  const piece = fc.constantFrom(...'{ } [ ] " : , \\ \\u 1 a null "a": \n "__proto__":'.split(" "));
  const text = fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join("")));
  fc.assert(
    fc.property(text, (text) => {
      let expected: unknown;
      try {
        expected = readJson(text);
      } catch {
        assert.throws(() => parseJson(text, limits), JsonError);
        return;
      }
      if (!/__proto__/.test(text)) assert.deepEqual(parseJson(text, limits), expected);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what is nested too deep is refused before it is parsed", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert.ok(parseJson(nested(64), limits));
  assert.throws(() => parseJson(nested(65), limits), /nested more than 64 levels deep/);
  assert.throws(() => parseJson('{"a":'.repeat(1_000_000), limits), /nested more than 64/);
  assert.ok(parseJson(JSON.stringify(nested(1000)), limits), "brackets in a string do not count");
});

Deno.test("a key that could reach a prototype is refused, however it is written", () => {
  for (const key of ["__proto__", "\\u005f_proto__", "__pr\\u006fto__"]) {
    assert.throws(() => parseJson(`{"a": [{"${key}": 1}]}`, limits), /"__proto__" is not allowed/);
  }
  assert.deepEqual(parseJson('{"a": "__proto__"}', limits), { a: "__proto__" });
});

Deno.test("keys that occur twice are found, with their path", () => {
  const text = '{"a": 1, "b": [{"c": 1}, {"c": {"d": 1}, "\\u0063": 2}], "a": "a"}';
  assert.deepEqual(duplicateKeysIn(text, limits), [
    { key: "c", path: "b[1].c", offset: text.indexOf('"\\u0063"') },
    { key: "a", path: "a", offset: text.lastIndexOf('"a":') },
  ]);
  fc.assert(fc.property(fc.json(), (text) => {
    if (!text.includes("__proto__")) assert.deepEqual(duplicateKeysIn(text, limits), []);
  }));
});

Deno.test("what is parsed comes with the keys that occur twice, if there are any", () => {
  const member = fc.tuple(fc.constantFrom("a", "b", "\\u0061", "x:y"), fc.json());
  const object = fc.array(member, { maxLength: 4 })
    .map((members) => `{${members.map(([key, text]) => `"${key}": ${text}`).join()}}`);
  fc.assert(fc.property(fc.array(object), (objects) => {
    const text = `[${objects.join()}]`;
    if (text.includes("__proto__")) return;
    assert.deepEqual(parseJsonWithDuplicates(text, limits), {
      value: readJson(text),
      duplicates: duplicateKeysIn(text, limits),
    });
  }));
});

Deno.test("values that follow each other are told apart", () => {
  const value = fc.jsonValue().filter((value) => !/__proto__/.test(JSON.stringify(value)));
  fc.assert(fc.property(fc.array(value), (all) => {
    const text = all.map((value) => JSON.stringify(value)).join(" \n");
    const found: unknown[] = [];
    for (let at = 0; at < text.length;) {
      const { start, end } = scanJson(text, at, limits);
      found.push(readJson(text.slice(start, end)));
      at = end + 2;
    }
    assert.deepEqual(found, readJson(JSON.stringify(all)));
  }));
});

Deno.test("bytes that are not UTF-8 are refused, with the place of the first", () => {
  const rows: [bytes: number[], offset: number][] = [
    [[0x61, 0xff, 0x62], 1],
    [[0x61, 0xc3], 1],
    [[0xef, 0xbf, 0xbd, 0x80], 3],
    [[0xc0, 0x80], 0],
    [[0xed, 0xa0, 0x80], 0],
  ];
  for (const [bytes, offset] of rows) {
    assert.throws(() => decodeUtf8(new Uint8Array(bytes)), { name: Utf8Error.name, offset });
  }
  assert.equal(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "a");
});

Deno.test("very many values are refused before they take memory", () => {
  const list = (length: number) => JSON.stringify(Array.from({ length }, () => 1));
  assert.ok(parseJson(list(99_000), limits));
  for (const text of [list(101_000), `[${"{},".repeat(101_000)}{}]`]) {
    assert.throws(() => parseJson(text, limits), /more than 100000 values/);
    assert.throws(() => duplicateKeysIn(text, limits), /more than 100000 values/);
  }
  const commas = `["${",".repeat(200_000)}"]`;
  assert.ok(parseJson(commas, limits), "those in a string do not count");
});

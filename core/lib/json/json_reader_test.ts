import assert from "node:assert/strict";
import fc from "fast-check";
import { readJson } from "./json_reader.ts";

Deno.test("a key with an escape is what it means, whatever was read before", () => {
  const rows: [before: string, text: string, value: unknown][] = [
    ['{"a": 1, "\\\\": 2}', '{"a": 1, "\\u0062": 2}', { a: 1, b: 2 }],
    ['{"c": 1, "\\\\": 2}', '{"c": 1, "\\n": 2}', { c: 1, "\n": 2 }],
    ['{"d": 1, "\\\\u": 2}', '[{"d": 1, "\\u0062e" : {"\\"": []}}]', [{ d: 1, be: { '"': [] } }]],
  ];
  for (const [before, text, value] of rows) {
    readJson(before);
    assert.deepEqual(readJson(text), value);
  }
});

Deno.test("of a key that comes twice the last value counts, in the first place", () => {
  const value = readJson('{"a": 1, "b": 2, "\\u0061": 3}');
  assert.deepEqual(Object.entries(value as object), [["a", 3], ["b", 2]]);
});

Deno.test("what is no JSON is refused as by JSON.parse, with escaped keys too", () => {
  for (const text of ["", '{"\\n"', '{"\\n": 1,}', '{"\\u00": 1}', '["\\n": 1]', '{"\\n": 01}']) {
    assert.throws(() => readJson(text), SyntaxError, text);
  }
});

/** A value, and a way to write it. */
type Written = [text: string, value: unknown];

Deno.test("whatever is written, with whatever escapes, is read", () => {
  const string = fc.array(character()).map(joined);
  const { written } = fc.letrec<{ written: Written }>((tie) => ({
    written: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(
        string.map(([text, value]): Written => [`"${text}"`, value]),
        fc.oneof(fc.integer(), fc.constantFrom(true, false, null, 1e300, -0.5))
          .map((value): Written => [String(value), value]),
      ),
      fc.tuple(fc.array(tie("written"), { maxLength: 4 }), space()).map(list),
      fc.tuple(fc.array(fc.tuple(string, tie("written")), { maxLength: 4 }), space()).map(object),
    ),
  }));
  fc.assert(
    fc.property(written, ([text, value]) => assert.deepEqual(readJson(text), value)),
    { numRuns: 1_000 },
  );
});

/** Few, so that the keys of objects are like those of others. */
function character(): fc.Arbitrary<[text: string, value: string]> {
  const plain = fc.constantFrom(...'abu\\"\n:{}[], é\ud800\0');
  return fc.tuple(plain, fc.boolean()).map(([value, isEscaped]) => {
    const escape = `\\u${value.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return [isEscaped ? escape : JSON.stringify(value).slice(1, -1), value];
  });
}

function space(): fc.Arbitrary<string> {
  return fc.constantFrom("", " ", "\n\t");
}

function joined(characters: [text: string, value: string][]): [text: string, value: string] {
  return [
    characters.map(([text]) => text).join(""),
    characters.map(([, value]) => value).join(""),
  ];
}

function list([items, space]: [Written[], string]): Written {
  const texts = items.map(([text]) => `${space}${text}${space}`);
  return [`[${texts.join()}${space}]`, items.map(([, value]) => value)];
}

function object([members, space]: [[key: [string, string], Written][], string]): Written {
  const texts = members.map(([[key], [text]]) =>
    `${space}"${key}"${space}:${space}${text}${space}`
  );
  return [
    `{${space}${texts.join()}}`,
    Object.fromEntries(members.map(([[, key], [, value]]) => [key, value])),
  ];
}

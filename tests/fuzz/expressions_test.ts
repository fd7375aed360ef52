import assert from "node:assert/strict";
import fc from "fast-check";
import { Expression, ExpressionError } from "../../core/lib/expressions/expression.ts";
import type { Value } from "../../core/lib/expressions/values/values.ts";
import { JsonPathError } from "../../core/lib/json/json_path.ts";
import { JsonPathTemplate } from "../../core/lib/json/json_path_template.ts";
import { hostileText } from "./json_values.ts";
import { property } from "./property.ts";

/** Pieces that make up expressions, sensible or not. */
const PIECES = [
  ...["result", "result.a", "[0]", "[-1]", "[1:]", ".b", "?.c", "#", "#index", "1", "0.5", "'a'"],
  ...["nil", "true", "not", "in", "matches", "contains", "+", "-", "*", "/", "%", "**", "==", "<"],
  ...[
    "and",
    "or",
    "??",
    "?",
    ":",
    "|",
    "..",
    ",",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "let x =",
    "x",
  ],
  ...[
    "all(",
    "map(",
    "filter(",
    "reduce(",
    "len(",
    "sort(",
    "split(",
    "string(",
    "repeat(",
    "sum(",
  ],
  ...[
    "fromJSON(",
    "keys(",
    "trim(",
    "1..9",
    "1..900000",
    "'(a+)+'",
    "'a{1000}'",
    "now()",
    "999999",
  ],
  ...[
    "constructor",
    "__proto__",
    "toString",
    "$env",
    "\\",
    '"',
    "'",
    "é",
    "♥",
    "9223372036854775807",
  ],
];
const text = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 16 }).map(spaced) },
  { weight: 1, arbitrary: hostileText },
);
const result: fc.Arbitrary<Value> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Value>,
  fc.constantFrom<Value>(null, "a".repeat(10_000), Float64Array.of(0.5, NaN), { a: { b: [1] } }),
);

function spaced(pieces: readonly string[]): string {
  return pieces.join(" ");
}

property("an expression gives a value or its own error, and reaches nothing of the host", {
  share: 3_000,
  of: fc.tuple(text, result),
  holds([text, result]) {
    try {
      const names = new Map<string, Value>([["result", result]]);
      const { value } = new Expression(text).evaluate({ values: names, nowMs: () => 0 });
      assert.ok(typeof value !== "function" && value !== undefined);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
    assert.equal(Object.keys(Object.prototype).length, 0);
  },
});

const path = fc.array(
  fc.constantFrom(
    ...["{", "}", ".a", "..", "[0]", "[-1]", "[*]", "[0:2]", "[0,1]", "['a','b']", "$", "@", "*"],
    ...['[?(@.a=="b")]', "[?(@..a)]", "range ", "end", "'", '"', "x", "[", "]", "\\", ".__proto__"],
  ),
  { maxLength: 14 },
).map((pieces) => `{${pieces.join("")}}`);

property("a template of JSON paths finds a value or says why not", {
  share: 1_000,
  of: fc.tuple(fc.oneof(path, hostileText), fc.jsonValue({ maxDepth: 5 })),
  holds([template, value]) {
    try {
      assert.ok(new JsonPathTemplate(template).first(value).length <= 1);
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
    }
  },
});

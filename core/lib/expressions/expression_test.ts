import assert from "node:assert/strict";
import fc from "fast-check";
import { Expression, ExpressionError } from "./expression.ts";
import { Duration, type Value } from "./values/values.ts";

function evaluated(text: string, values: Record<string, Value> = {}): Value {
  const environment = { values: new Map(Object.entries(values)), nowMs: () => 1_000 };
  return new Expression(text).evaluate(environment).value;
}

function refusal(text: string, values: Record<string, Value> = {}): string {
  try {
    return `gives ${String(evaluated(text, values))}`;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

Deno.test("operators bind as in antonmedv/expr", () => {
  const cases: [string, Value][] = [
    ["1 + 2 * 3", 7n],
    ["(1 + 2) * 3", 9n],
    ["2 ** 3 ** 2", 512],
    ["-2 ** 2", -4],
    ["not true or true", true],
    ["not (true or true)", false],
    ["true or false and false", true],
    ["1 < 2 == true", true],
    ["1 in [1, 2] and not (3 in [1, 2])", true],
    ["3 not in [1, 2]", true],
    ["1 + 2 not in [3]", true], // its own bug: the "not" is lost
    ["7 / 2", 3.5],
    ["-7 % 3", -1n],
    ["1 ?? 2", 1n],
    ["nil ?? 2", 2n],
    ["true ? 1 : false ? 2 : 3", 1n],
    ["9223372036854775807 + 1", -9223372036854775808n],
    ["'a' + \"b\"", "ab"],
    ["let x = 2; x * x", 4n],
    ["[1, 2, 3][-1]", 3n],
    ["len([1, 2, 3][1:])", 2n],
    ["{a: {b: 1}}.a.b", 1n],
    ["{a: nil}.a?.b.c", null],
    ["1..3 | filter({# > 1}) | len()", 2n],
    ["reduce(1..4, {#acc + #}, 10)", 20n],
    ["map([1, 2], {# * 2})[1]", 4n],
    ["all([], {false})", true],
    ["one([1, 2, 2], {# == 2})", false],
    ["'abc' matches '^a.c$'", true],
    ["now() - duration('1s') < now()", true],
  ];
  for (const [text, value] of cases) assert.deepEqual(evaluated(text), value, text);
});

Deno.test("durations are read as Go reads them", () => {
  const cases: [string, bigint][] = [
    ["1h", 3_600_000_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["-1.5s", -1_500_000_000n],
    ["0.1ms", 100_000n],
    ["1µs", 1_000n],
    ["0", 0n],
  ];
  for (const [text, ns] of cases) {
    assert.deepEqual(evaluated(`duration("${text}")`), new Duration(ns), text);
  }
  assert.equal(refusal("duration('')"), 'time: invalid duration ""');
  assert.equal(refusal("duration('5')"), 'time: missing unit in duration "5"');
  assert.equal(refusal("duration('5d')"), 'time: unknown unit "d" in duration "5d"');
});

Deno.test("nothing of the host is reached: neither prototypes nor what functions have", () => {
  const values = { data: { own: 1 }, list: [1], text: "x" };
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"]) {
    assert.equal(evaluated(`data.${name}`, values), null);
    assert.equal(evaluated(`"${name}" in data`, values), false);
    assert.equal(evaluated(`get(data, "${name}")`, values), null);
    assert.match(refusal(`list.${name}`, values), /array elements can only be selected/);
    assert.match(refusal(`text.${name}`, values), /is undefined/);
    assert.match(refusal(name, values), /^unknown name/);
    assert.match(refusal(`${name}()`, values), /^unknown name/);
    assert.match(refusal(`now().${name}`, values), /is undefined/);
    assert.equal(evaluated(`{a: 1}.${name}`, values), null);
    assert.equal(evaluated(`{"${name}": 2}.${name}`, values), 2n);
  }
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
  assert.equal(evaluated(`{"__proto__": {"polluted": 1}}.polluted`), null);
});

Deno.test("an evaluation is bounded in steps and in memory, an expression in length and depth", () => {
  const many = Array.from({ length: 2_000 }, (_, i) => i);
  const cases: [string, RegExp][] = [
    ["all(many, {all(many, {all(many, {true})})})", /more than 500000 steps/],
    ["map(1..400000, {1..400000})", /budget exceeded|more than/],
    ["1..2000000", /memory budget exceeded/],
    ["repeat('ab', 1000000)", /memory budget exceeded/],
    ["let a = repeat('a', 9000); reduce(1..100000, {#acc + a}, '')", /memory budget exceeded/],
    ["any(1..9999, {'x' matches ('((a{100}){9}' + string(#) + ')')})", /more than 500000 steps/],
    ["all(many, {any(many, {string(many) == ''})})", /budget exceeded|more than/],
    [`${"(".repeat(300)}1${")".repeat(300)}`, /nested more than 200 levels deep/],
    [`${"!".repeat(300)}true`, /nested more than 200 levels deep/],
    [`1${"+1".repeat(300)}`, /nested more than 200 levels deep/],
    ["1".repeat(20_000), /longer than 10000 characters/],
  ];
  for (const [text, message] of cases) {
    const start = performance.now();
    assert.match(refusal(text, { many }), message, text.slice(0, 60));
    assert.ok(performance.now() - start < 1_000, `${text.slice(0, 60)} takes too long`);
  }
  const nested = "x in [".repeat(150) + "1" + "]".repeat(150);
  const start = performance.now();
  refusal(nested, { x: 1 });
  assert.ok(performance.now() - start < 500, "types are found out once per node");
});

Deno.test("a regular expression takes time that grows with the text only", () => {
  const values = { text: "a".repeat(5_000) };
  const start = performance.now();
  assert.equal(evaluated("text matches '(a+)+$' and not (text matches '(a|aa)+b')", values), true);
  assert.ok(performance.now() - start < 1_000);
  assert.match(refusal("text matches '(?=a)'", values), /^error parsing regexp: /);
});

/** Pieces that make up expressions, sensible or not. */
const PIECES = [
  ...["result", "result.a", "[0]", ".b", "?.c", "#", "1", "0.5", "'a'", "nil", "true", "not", "in"],
  ...["+", "-", "*", "/", "%", "**", "==", "<", "and", "or", "??", "?", ":", "|", "..", ",", ";"],
  ...["(", ")", "[", "]", "{", "}", "all(", "map(", "len(", "sort(", "let x =", "x", "matches"],
  ...["constructor", "__proto__", "now()", "split(", "string(", "1..9", "\\", '"', "'", "é", "♥"],
];

Deno.test("whatever is written, an expression throws nothing but its own error", () => {
  const results: Value[] = [null, 1, "a", [1, [2]], { a: { b: 1 } }, Float64Array.of(1), true];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((parts) => parts.join(" ")),
        fc.string({ maxLength: 30, unit: "binary" }),
      ),
      fc.constantFrom(...results),
      (text, result) => {
        refusal(text, { result }); // throws what is no ExpressionError
      },
    ),
    { numRuns: 1_000 },
  );
});

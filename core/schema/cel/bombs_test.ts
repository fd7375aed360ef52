import assert from "node:assert/strict";
import { evaluated } from "./cel_fixture.ts";
import { compile } from "./program.ts";
import { plainValue } from "./shapes/json_values.ts";
import { DYN } from "./types/cel_types.ts";
import { CelError } from "./values/cel_error.ts";

/** Only a bomb that goes off takes so long: other tests run beside this one. */
const MS_MAX = 10_000;

function elapsedMs(start: number): number {
  return performance.now() - start;
}
const list = Array.from({ length: 725 }, (_, index) => index);
const wide = "x".repeat(1_000_000);

const REFUSED: readonly (readonly [name: string, text: string])[] = [
  ["brackets in brackets", `${"(".repeat(20_000)}1${")".repeat(20_000)}`],
  ["lists in lists", `${"[".repeat(20_000)}1${"]".repeat(20_000)}`],
  ["maps in maps", "{1:".repeat(20_000)],
  ["an open bracket without end", "(".repeat(99_999)],
  ["conditions in conditions", `${"true?".repeat(10_000)}1${":1".repeat(10_000)}`],
  ["a long sum", `1${"+1".repeat(20_000)}`],
  ["a long chain of names", `self${".a".repeat(20_000)}`],
  ["a long chain of indexes", `self${"[0]".repeat(20_000)}`],
  ["a text that is too long", `"${"x".repeat(100_000)}"`],
  ["a number that is too long", "9".repeat(90_000)],
  ["types that double", `optional.of(1)${".optMap(a, {a: a})".repeat(60)}.value() == 1`],
  ["a pattern of repeats", "self.x.matches('((a{1000}){1000}){1000}')"],
  ["a constant that does not convert", "int('x') == 1"],
];

for (const [name, text] of REFUSED) {
  Deno.test(`a bomb is refused: ${name}`, () => {
    const start = performance.now();
    assert.throws(() => compile(text, { variables: new Map([["self", DYN]]) }), CelError);
    assert.ok(elapsedMs(start) < MS_MAX, `took ${elapsedMs(start)} ms`);
  });
}

const STOPPED: readonly (readonly [name: string, text: string, self?: unknown])[] = [
  ["a rule of third order", "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))", list],
  ["the rule that e2e uses", "self.all(x, self.all(y, y == x || true))", list],
  ["a string that doubles", doubling("s + s", 28), wide],
  [
    "a list that doubles and is looked through",
    `(${doubling("s + s", 40)}).exists(x, x == -1)`,
    list,
  ],
  [
    "lists in lists that are compared",
    `${doubling("[s, s]", 40)} == ${doubling("[s, s]", 40)}`,
    "x",
  ],
  ["replacing nothing by much", "self.replace('', self).size() > 0", wide],
  ["joining much", "[1,2,3].map(x, self).join(self).size() > 0", wide.repeat(3)],
  ["a range without end", "lists.range(1000000000).size() > 0"],
  ["flattening what doubles", `${doubling("[s, s]", 40)}.flatten(100).size() > 0`, "x"],
  [
    "sorting out duplicates",
    "self.distinct().size() > 0",
    Array.from({ length: 5000 }, (_, i) => i),
  ],
  [
    "formatting much",
    "'%s%s%s%s%s%s%s%s%s%s'.format([self,self,self,self,self,self,self,self,self,self]).size() > 0",
    wide,
  ],
];

/** `first` doubled again and again, each time by a name for the last. */
function doubling(twice: string, times: number): string {
  return `optional.of(self)${
    Array.from({ length: times }, () => `.optMap(s, dyn(${twice}))`).join("")
  }.value()`;
}

for (const [name, text, self] of STOPPED) {
  Deno.test(`a bomb is stopped by the budget: ${name}`, () => {
    const program = compile(text, { variables: new Map([["self", DYN]]) });
    const start = performance.now();
    const outcome = program.evaluate(new Map([["self", plainValue(self ?? null)]]));
    assert.ok(elapsedMs(start) < MS_MAX, `took ${elapsedMs(start)} ms`);
    assert.ok("error" in outcome && outcome.isOverBudget, JSON.stringify(outcome, bigintText));
  });
}

function bigintText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

Deno.test("regular expressions that backtrack elsewhere take time that grows with the text", () => {
  const start = performance.now();
  const text = "a".repeat(50_000) + "!";
  assert.deepEqual(value("self.matches('^(a+)+$')", text), false);
  assert.deepEqual(value("self.matches('(a|a)*b')", text), false);
  assert.deepEqual(value("self.matches('(.*)(.*)(.*)(.*)[0-9]')", text), false);
  assert.ok(elapsedMs(start) < MS_MAX);
});

Deno.test("20,000 signs in a row are a sign or none, as in cel-go", () => {
  assert.equal(value(`${"!".repeat(20_000)}true`), true);
  assert.equal(value(`${"-".repeat(19_999)}(5)`), -5n);
});

Deno.test("the characters of a long string are counted once", () => {
  const text = "self.all(x, x.size() > 0 && x.size() > 1)";
  assert.equal(value(text, Array(2000).fill(wide)), true);
});

Deno.test("long chains of && and || are fine", () => {
  assert.equal(value(`true${" && true".repeat(10_000)}`), true);
  assert.equal(value(`false${" || false".repeat(9_000)}`), false);
});

Deno.test("what all objects of JavaScript inherit is no name, no field and no key", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
    assert.throws(() => compile(name, { variables: new Map() }), /undeclared reference/);
    assert.throws(() => compile(`${name}()`, { variables: new Map() }), /undeclared reference/);
    assert.equal(value(`has(self.${name})`, {}), false);
    assert.equal(value(`'${name}' in self`, {}), false);
    const outcome = evaluated(`self.${name} == 1`, { self: {} });
    assert.deepEqual("error" in outcome && outcome.error, `no such key: ${name}`);
    assert.equal(value(`self['${name}']`, JSON.parse(`{"${name}": 1}`)), 1n);
  }
});

function value(text: string, self: unknown = null): unknown {
  const outcome = evaluated(text, { self });
  return "error" in outcome ? outcome : outcome.value;
}

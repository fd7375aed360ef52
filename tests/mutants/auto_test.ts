import assert from "node:assert/strict";
import { mutantsOf, withMutant } from "./auto.ts";

const becomes = (text: string) => mutantsOf(text).map(({ becomes }) => becomes?.trim());

Deno.test("a comparison, a connective, a sign and a bound are mutants each, and a guard can go", () => {
  assert.deepEqual(becomes("  if (a < 10 && b === c) return a - 1;"), [
    "if (a <= 10 && b === c) return a - 1;",
    "if (a < 10 && b !== c) return a - 1;",
    "if (a < 10 || b === c) return a - 1;",
    "if (a < 10 && b === c) return a + 1;",
    "if (a < 11 && b === c) return a - 1;",
    "if (a < 10 && b === c) return a - 2;",
    undefined,
  ]);
});

Deno.test("a statement on a line of its own is dropped, the end of a longer one is not", () => {
  assert.deepEqual(becomes("  left -= dropped;"), [undefined]);
  assert.deepEqual(becomes("  take(\n    one,\n  );"), []);
  assert.deepEqual(becomes("  return left;\n  const a = b;"), []);
});

Deno.test("sort keys change places, and a sort can go", () => {
  assert.ok(
    becomes("  all.sort((a, b) => a.x - b.x || a.y - b.y);")
      .includes("all.sort((a, b) => a.y - b.y || a.x - b.x);"),
  );
  assert.deepEqual(becomes("  return names.toSorted();"), ["return names;"]);
});

Deno.test("parts of a sort key on lines of their own change places", () => {
  const text = "  return [\n    Number(isReady),\n    -restarts,\n    name,\n  ];";
  const [swapped, ...others] = mutantsOf(text);
  assert.deepEqual(others, []);
  assert.equal(
    withMutant(text, swapped!),
    "  return [\n    -restarts,\n    Number(isReady),\n    name,\n  ];",
  );
});

Deno.test("texts, comments, types and imports are left alone", () => {
  const quiet = [
    'import { a } from "./1.ts";',
    "/** 1 < 2 && true */",
    "  // true, and 1 - 1",
    "type Both = true | 1;",
    "export interface One {\n  readonly a: Map<string, 1>;\n  b(c: 1): void;\n}",
    "type Two =\n  | { a: 1 }\n  | { b: true };\n",
    '  say("1 < 2");',
    "  const list: Map<string, number> = f(`true 1`);",
  ];
  assert.deepEqual(quiet.flatMap((line) => becomes(line)), [undefined]);
});

Deno.test("what a template computes is code, and so is what follows it", () => {
  assert.deepEqual(becomes("  f(`a < 1 ${b < c} true`, `x${ {} } 1`);\n  g(`}`, 7);"), [
    "f(`a < 1 ${b <= c} true`, `x${ {} } 1`);",
    undefined,
    "g(`}`, 8);",
    undefined,
  ]);
});

Deno.test("a mutant changes its line and no other", () => {
  const text = "  a();\n  b(1);\n  c();";
  const [, bound] = mutantsOf(text);
  assert.equal(withMutant(text, bound!), "  a();\n  b(2);\n  c();");
});

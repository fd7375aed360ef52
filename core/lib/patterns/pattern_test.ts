import assert from "node:assert/strict";
import fc from "fast-check";
import { compilePattern, PatternError } from "./pattern.ts";

const MATCHES: readonly (readonly [pattern: string, text: string, isMatch: boolean])[] = [
  ["", "", true],
  ["a|b|", "x", true],
  ["^abc$", "abc", true],
  ["^abc$", "abc\n", false],
  ["^a.c$", "a\nc", false],
  ["(?s)^a.c$", "a\nc", true],
  ["(?m)^b$", "a\nb\nc", true],
  ["(?i)straße", "STRAßE", true],
  ["(?i)k", "\u212a", true],
  ["a(?i)b(?-i)c", "aBc", true],
  ["a(?i)b(?-i)c", "aBC", false],
  ["(?i:a)b", "Ab", true],
  ["^[a-c]+$", "abcabc", true],
  ["^[^a-c]+$", "xyz", true],
  ["^[]a]+$", "]a", true],
  ["^[\\d\\-_]+$", "1-2_3", true],
  ["^[[:alpha:]]+$", "abC", true],
  ["^[[:^digit:]]+$", "ab1", false],
  ["^\\pL+$", "äöü", true],
  ["^\\p{Greek}+$", "αβγ", true],
  ["^\\PN+$", "a1", false],
  ["\\bfoo\\b", "a foo b", true],
  ["\\bfoo\\b", "afoo", false],
  ["\\Boo", "foo", true],
  ["\\Aa\\z", "a", true],
  ["\\x41\\x{1F600}", "A😀", true],
  ["^.$", "😀", true],
  ["\\Qa.b\\E", "axb", false],
  ["\\Qa.b\\E+", "a.bbb", true],
  ["^(?P<year>\\d{4})-(?<month>\\d{2})$", "2026-11", true],
  ["^a{2,3}$", "aaaa", false],
  ["^a{2,}$", "aaaa", true],
  ["a{,3}", "a{,3}", true],
  ["x*?y", "xxy", true],
  ["^(a+)+$", `${"a".repeat(40)}!`, false],
];

for (const [pattern, text, isMatch] of MATCHES) {
  Deno.test(`/${pattern}/ ${isMatch ? "is" : "is not"} in ${JSON.stringify(text)}`, () => {
    assert.equal(compilePattern(pattern).test(text), isMatch);
  });
}

const FOUND: readonly (readonly [pattern: string, text: string, found: string[]])[] = [
  ["[0-9]+", "abc 123 456", ["123", "456"]],
  ["a|ab", "ab", ["a"]],
  ["ab|a", "ab", ["ab"]],
  ["a+?", "aaa", ["a", "a", "a"]],
  ["a*", "baac", ["", "aa", ""]],
  ["(?U)a+", "aaa", ["a", "a", "a"]],
  ["\\b", "ab", ["", ""]],
  ["é", "aéé", ["é", "é"]],
  ["", "😀", ["", ""]],
];

for (const [pattern, text, found] of FOUND) {
  Deno.test(`/${pattern}/ finds ${JSON.stringify(found)} in ${JSON.stringify(text)}`, () => {
    assert.deepEqual([...compilePattern(pattern).matches(text)], found);
  });
}

/** As Go 1.24 says it. */
const REFUSED: readonly (readonly [pattern: string, fault: string])[] = [
  ["(", "missing closing ): `(`"],
  ["a)", "unexpected ): `a)`"],
  ["[a", "missing closing ]: `[a`"],
  ["*a", "missing argument to repetition operator: `*`"],
  ["a**", "invalid nested repetition operator: `**`"],
  ["a{1001}", "invalid repeat count: `{1001}`"],
  ["a{2,1}", "invalid repeat count: `{2,1}`"],
  ["((a{100}){100}){100}", "invalid repeat count: `{100}`"],
  ["[b-a]", "invalid character class range: `b-a`"],
  ["\\y", "invalid escape sequence: `\\y`"],
  ["a\\", "trailing backslash at end of expression: ``"],
  ["(?=a)", "invalid or unsupported Perl syntax: `(?=`"],
  ["\\1", "invalid escape sequence: `\\1`"],
  ["(?P<n", "invalid named capture: `(?P<n`"],
  [`${"(".repeat(2000)}a`, "expression nests too deeply"],
];

for (const [pattern, fault] of REFUSED) {
  Deno.test(`/${pattern.slice(0, 30)}/ is refused: ${fault}`, () => {
    assert.throws(() => compilePattern(pattern), (error) => {
      assert.ok(error instanceof PatternError);
      assert.equal(error.message, `error parsing regexp: ${fault}`);
      return true;
    });
  });
}

Deno.test("it matches what JavaScript's own engine matches", () => {
  const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\b", "^", "$", "\\s");
  const { pattern } = fc.letrec<{ pattern: string; term: string }>((tie) => ({
    term: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{0,2}", "*?", "+?")).map(
        ([inner, mark]) => `(?:${inner})${mark}`,
      ),
      tie("pattern").map((inner) => `(?:${inner})`),
    ),
    pattern: fc.oneof(
      { maxDepth: 4 },
      tie("term"),
      fc.tuple(tie("term"), tie("term")).map((parts) => parts.join("")),
      fc.tuple(tie("term"), tie("term")).map((parts) => parts.join("|")),
    ),
  }));
  const text = fc.stringMatching(/^[ab1 \n]{0,8}$/);
  fc.assert(
    fc.property(pattern, text, (source, given) => {
      const expected = new RegExp(source, "u").test(given);
      const compiled = compilePattern(source);
      assert.equal(compiled.test(given), expected);
      const [first] = compiled.matches(given);
      assert.equal(first !== undefined, expected);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the work is counted, and whoever counts can end it", () => {
  const pattern = compilePattern("(a|b)*c{100}d");
  const stop = () => {
    throw new Error("enough");
  };
  assert.throws(() => pattern.test("ab".repeat(10_000), stop), /enough/);
  assert.throws(() => [...pattern.matches("ab".repeat(10_000), stop)], /enough/);
});

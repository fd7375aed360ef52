import assert from "node:assert/strict";
import fc from "fast-check";
import {
  exactFieldOf,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
} from "./field_selectors.ts";
import {
  exactLabelOf,
  exactValueOf,
  formatSelector,
  matches,
  NOTHING,
  parseLabelSelector,
  type Requirement,
  SelectorError,
  selectorOf,
  selectorOfLabels,
} from "./selectors.ts";

Deno.test("label selectors of queries select what they say", () => {
  const rows: [text: string, labels: Record<string, string>, matches: boolean][] = [
    ["", {}, true],
    ["a=b", { a: "b" }, true],
    ["a==b", { a: "c" }, false],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a in (b, c)", { a: "c" }, true],
    ["a in (b,c)", {}, false],
    ["a notin (b,c)", {}, true],
    ["a notin (b)", { a: "b" }, false],
    ["a", { a: "" }, true],
    ["!a", { a: "" }, false],
    ["a=", { a: "" }, true],
    ["a>5", { a: "6" }, true],
    ["a>5", { a: "x" }, false],
    ["a>5", { a: "99999999999999999999" }, false],
    ["a<5", { a: "-6" }, true],
    ["a<9223372036854775807", { a: "9223372036854775806" }, true],
    ["a=b,c!=d,e in (f,g),!h,i notin (j)", { a: "b", e: "g", c: "x" }, true],
    ["in in (in)", { in: "in" }, true],
    ["x in (foo,,baz)", { x: "" }, true],
    ["toString", {}, false],
  ];
  for (const [text, labels, expected] of rows) {
    assert.equal(matches(parseLabelSelector(text), labels), expected, text);
  }
});

Deno.test("what is not a selector is refused in Kubernetes' words", () => {
  const rows: [text: string, message: string][] = [
    ["a,", "found '', expected: identifier after ','"],
    [",", "found ',', expected: !, identifier, or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a=(", "unable to parse requirement: found '(', expected: identifier"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    [
      "a>b",
      "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    [
      `a=${"b".repeat(64)}`,
      `unable to parse requirement: values[0][a]: Invalid value: "${
        "b".repeat(64)
      }": must be no more than 63 characters`,
    ],
  ];
  for (const [text, message] of rows) {
    assert.throws(() => parseLabelSelector(text), { name: SelectorError.name, message }, text);
  }
  assert.throws(
    () => parseLabelSelector("-a=b"),
    /<nil>: Invalid value: "-a": name part must consist of/,
  );
});

Deno.test("a LabelSelector object asks for all that it names; not set it selects nothing", () => {
  const selector = selectorOf({
    matchLabels: { app: "web" },
    matchExpressions: [
      { key: "tier", operator: "In", values: ["a", "b"] },
      { key: "old", operator: "DoesNotExist" },
      { key: "env", operator: "Exists" },
      { key: "zone", operator: "NotIn", values: ["x"] },
    ],
  });
  assert.equal(formatSelector(selector), "app=web,env,!old,tier in (a,b),zone notin (x)");
  assert.equal(matches(selector, { app: "web", tier: "b", env: "" }), true);
  assert.equal(matches(selector, { app: "web", tier: "b", env: "", old: "" }), false);
  assert.equal(matches(selectorOf({}), {}), true);
  assert.equal(matches(selectorOf(undefined), {}), false);
  assert.equal(selectorOfLabels({}), NOTHING);
  assert.equal(matches(selectorOfLabels({ a: "b" }), { a: "b", c: "d" }), true);
});

Deno.test("the value that a label must have is known to indexes", () => {
  const selector = parseLabelSelector("b!=c,d in (e),f in (g,h),i=j");
  assert.deepEqual(exactLabelOf(selector), { key: "d", value: "e" });
  assert.equal(exactValueOf(selector, "i"), "j");
  assert.equal(exactValueOf(selector, "f"), undefined);
  assert.equal(exactLabelOf(NOTHING), undefined);
});

const key = fc.constantFrom("a", "app", "in", "notin", "example.com/x");
const value = fc.constantFrom("", "b", "c", "in", "5", "x.y_z");
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom("=" as const, "==" as const, "!=" as const),
    values: fc.tuple(value),
  }),
  fc.record({
    key,
    operator: fc.constantFrom("in" as const, "notin" as const),
    values: fc.uniqueArray(value, { minLength: 1 }).map((values) => values.sort()),
  }),
  fc.record({
    key,
    operator: fc.constantFrom("exists" as const, "!" as const),
    values: fc.constant([]),
  }),
  fc.record({
    key,
    operator: fc.constantFrom(">" as const, "<" as const),
    values: fc.tuple(fc.constantFrom("5", "16")),
  }),
);
const labels = fc.dictionary(key, fc.constantFrom("b", "c", "5", "7"));

Deno.test("a selector that is written is read back, and selects the same", () => {
  fc.assert(fc.property(fc.array(requirement), labels, (requirements, labels) => {
    const text = formatSelector(requirements);
    const read = parseLabelSelector(text);
    assert.equal(matches(read, labels), matches(requirements, labels), text);
    assert.deepEqual(parseLabelSelector(formatSelector(read)), read);
  }));
});

Deno.test("a rule and its opposite never agree", () => {
  const opposites = { "=": "!=", in: "notin", exists: "!" } as const;
  fc.assert(
    fc.property(key, fc.uniqueArray(value, { minLength: 1 }), labels, (key, values, labels) => {
      for (const [operator, opposite] of Object.entries(opposites) as ["=", "!="][]) {
        const one = matches([{ key, operator, values }], labels);
        assert.equal(matches([{ key, operator: opposite, values }], labels), !one);
      }
    }),
  );
});

Deno.test("no text makes the parsers throw anything but their own error", () => {
  const piece = fc.constantFrom(..."a in notin = == != ! ( ) , < > \\ é 1".split(" "), " ");
  const text = fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join("")));
  for (const parse of [parseLabelSelector, parseFieldSelector]) {
    fc.assert(
      fc.property(text, (text) => {
        try {
          assert.ok(Array.isArray(parse(text)));
        } catch (error) {
          assert.ok(error instanceof SelectorError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  }
});

Deno.test("field selectors select what they say", () => {
  const fields: Record<string, string> = { "metadata.name": "x", "spec.nodeName": "a=b,c\\" };
  const valueOf = (field: string) => fields[field] ?? "";
  const rows: [text: string, matches: boolean][] = [
    ["", true],
    ["metadata.name=x", true],
    ["metadata.name==x,spec.nodeName!=y", true],
    ["metadata.name!=x", false],
    ["spec.nodeName=a\\=b\\,c\\\\", true],
    ["status.phase=", true],
    [",metadata.name=x,", true],
  ];
  for (const [text, expected] of rows) {
    assert.equal(matchesFields(parseFieldSelector(text), valueOf), expected, text);
  }
  assert.equal(exactFieldOf(parseFieldSelector("a!=b,metadata.name=x"), "metadata.name"), "x");
  assert.equal(exactFieldOf(parseFieldSelector("metadata.name!=x"), "metadata.name"), undefined);
});

Deno.test("what is not a field selector is refused in Kubernetes' words", () => {
  const rows: [text: string, message: string][] = [
    ["a", "invalid selector: 'a'; can't understand 'a'"],
    ["a=b\\c", "invalid field selector: invalid escape sequence: \\c"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
  ];
  for (const [text, message] of rows) {
    assert.throws(() => parseFieldSelector(text), { name: SelectorError.name, message });
  }
});

Deno.test("a field selector that is written is read back", () => {
  const one = fc.record({
    field: fc.constantFrom("a", "b.c"),
    operator: fc.constantFrom("=" as const, "!=" as const),
    value: fc.stringMatching(/^[a,=\\é]{0,5}$/),
  }, { noNullPrototype: true });
  fc.assert(fc.property(fc.uniqueArray(one, { maxLength: 1 }), (selector) => {
    assert.deepEqual(parseFieldSelector(formatFieldSelector(selector)), selector);
  }));
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
} from "../../core/schema/field_selectors.ts";
import {
  formatSelector,
  matches,
  parseLabelSelector,
  SelectorError,
  selectorOf,
} from "../../core/schema/selectors.ts";
import { hostileText } from "./json_values.ts";
import { property } from "./property.ts";

const key = fc.constantFrom(
  "a",
  "b",
  "in",
  "notin",
  "example.com/app",
  "x.y_z-1",
  "constructor",
  "toString",
);
const value: fc.Arbitrary<string> = fc.constantFrom(
  "",
  "1",
  "2",
  "10",
  "3",
  "web",
  "in",
  "notin",
  "A_b.c-d",
);
const labels = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true });

/** One rule: its text, and what it means. */
interface Rule {
  text: string;
  holds(labels: Readonly<Record<string, string>>): boolean;
}

const has = (labels: object, key: string) => Object.hasOwn(labels, key);

const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.tuple(key, fc.constantFrom("=", "==", " = "), value).map(([key, sign, value]): Rule => ({
    text: key + sign + value,
    holds: (labels) => has(labels, key) && labels[key] === value,
  })),
  fc.tuple(key, value).map(([key, value]): Rule => ({
    text: `${key}!=${value}`,
    holds: (labels) => !has(labels, key) || labels[key] !== value,
  })),
  fc.tuple(key, fc.boolean(), fc.array(value.filter(Boolean), { minLength: 1, maxLength: 3 })).map(
    ([key, isIn, values]): Rule => ({
      text: `${key} ${isIn ? "in" : "notin"} (${values.join(" , ")})`,
      holds: (labels) => (has(labels, key) && values.includes(labels[key]!)) === isIn,
    }),
  ),
  fc.tuple(key, fc.boolean()).map(([key, isThere]): Rule => ({
    text: isThere ? key : `! ${key}`,
    holds: (labels) => has(labels, key) === isThere,
  })),
  fc.tuple(key, fc.boolean(), fc.integer({ min: -20, max: 20 })).map((
    [key, isMore, limit],
  ): Rule => ({
    text: `${key}${isMore ? ">" : "<"}${limit}`,
    holds(labels) {
      const label = has(labels, key) ? labels[key]! : "";
      if (!/^-?\d+$/.test(label)) return false;
      return isMore ? Number(label) > limit : Number(label) < limit;
    },
  })),
);

property("a label selector selects what its rules say, and so does its own text", {
  share: 4_000,
  of: fc.tuple(fc.array(rule, { maxLength: 4 }), labels),
  holds([rules, labels]) {
    const text = rules.map(({ text }) => text).join(", ");
    const isValid = !/[<>]-/.test(text); // a minus cannot begin a value
    if (!isValid) return void assert.throws(() => parseLabelSelector(text), SelectorError);
    const selector = parseLabelSelector(text);
    const expected = rules.every((rule) => rule.holds(labels));
    assert.equal(matches(selector, labels), expected);
    const written = parseLabelSelector(formatSelector(selector));
    assert.deepEqual(written, selector);
  },
});

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

property("a LabelSelector selects as its rules written one by one", {
  share: 2_000,
  of: fc.tuple(
    labels,
    fc.array(
      fc.record({
        key,
        operator: fc.constantFrom(...OPERATORS),
        values: fc.array(value, { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
    labels,
  ),
  holds([matchLabels, matchExpressions, labels]) {
    const expected = Object.entries(matchLabels).every(([key, value]) =>
      has(labels, key) && labels[key] === value
    ) &&
      matchExpressions.every(({ key, operator, values }) => {
        if (operator === "Exists" || operator === "DoesNotExist") {
          return has(labels, key) === (operator === "Exists");
        }
        return (has(labels, key) && values.includes(labels[key]!)) === (operator === "In");
      });
    assert.equal(matches(selectorOf({ matchLabels, matchExpressions }), labels), expected);
  },
});

const piece = fc.oneof(
  fc.constantFrom(
    "=",
    "==",
    "!=",
    "!",
    ",",
    "(",
    ")",
    "<",
    ">",
    " ",
    "in",
    "notin",
    "a",
    "1",
    "\\",
    "\t",
    "metadata.name",
  ),
  hostileText,
);
const anyText = fc.oneof(
  { weight: 6, arbitrary: fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")) },
  {
    weight: 1,
    arbitrary: fc.tuple(piece, fc.integer({ min: 1, max: 8_000 })).map(([piece, times]) =>
      piece.repeat(times).slice(0, 16_000)
    ),
  },
);

property("any text is a label selector that can be written again, or is refused", {
  share: 5_000,
  of: anyText,
  holds(text) {
    const selector = refusedOr(() => parseLabelSelector(text));
    if (selector === undefined) return;
    assert.deepEqual(parseLabelSelector(formatSelector(selector)), selector);
    matches(selector, { a: "1" });
  },
});

property("any text is a field selector that can be written again, or is refused", {
  share: 5_000,
  of: anyText,
  holds(text) {
    const selector = refusedOr(() => parseFieldSelector(text));
    if (selector === undefined) return;
    const written = formatFieldSelector(selector);
    assert.equal(formatFieldSelector(parseFieldSelector(written)), written);
    matchesFields(selector, (field) => field);
  },
});

property("a field selector selects what its terms say", {
  share: 2_000,
  of: fc.tuple(
    fc.array(fc.tuple(key, fc.constantFrom("=", "==", "!="), fc.oneof(value, hostileText)), {
      maxLength: 4,
    }),
    labels,
  ),
  holds([terms, fields]) {
    const text = terms.map(([field, sign, value]) =>
      field + sign + value.replace(/[\\,=]/g, "\\$&")
    ).join(",");
    const valueOf = (field: string) => has(fields, field) ? fields[field]! : "";
    const expected = terms.every(([field, sign, value]) =>
      (valueOf(field) === value) === (sign !== "!=")
    );
    assert.equal(matchesFields(parseFieldSelector(text), valueOf), expected);
  },
});

function refusedOr<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof SelectorError, String(error));
    assert.notEqual(error.message, "");
    return undefined;
  }
}

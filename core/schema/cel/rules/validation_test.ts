import assert from "node:assert/strict";
import { compileRules, validateRules } from "./validation.ts";
import type { Rule, RuleSchema } from "./rule_schema.ts";

const INT: RuleSchema = { type: "integer" };

/** A resource whose `spec.cel` has the rules. */
function resource(...rules: Rule[]): RuleSchema {
  const properties = { lo: INT, hi: INT, fr: INT, s: { type: "string" } };
  const cel: RuleSchema = { type: "object", properties, "x-kubernetes-validations": rules };
  const spec = { type: "object", properties: { cel, other: { type: "string" } } };
  return { type: "object", properties: { spec } };
}

function verdict(schema: RuleSchema, object: unknown, old?: unknown) {
  const { causes, warnings } = validateRules(compileRules(schema)!, object, old);
  return { causes: causes.map(({ field, message }) => `${field}: ${message}`), warnings };
}

const ofCel = (cel: unknown, other?: string) => ({ spec: { cel, ...other && { other } } });
const ORDERED = { rule: "self.lo <= self.hi" };
const BROKEN = 'spec.cel: Invalid value: "object": failed rule: self.lo <= self.hi';

Deno.test("a broken rule says so, with its message, reason and field", () => {
  const cases: readonly (readonly [Rule, unknown, string])[] = [
    [ORDERED, { lo: 2, hi: 1 }, BROKEN],
    [
      { ...ORDERED, message: "too low" },
      { lo: 2, hi: 1 },
      'spec.cel: Invalid value: "object": too low',
    ],
    [
      {
        rule: "self.fr < 3",
        reason: "FieldValueForbidden",
        fieldPath: ".fr",
        message: "fr too big",
      },
      { fr: 3 },
      "spec.cel.fr: Forbidden: fr too big",
    ],
    [
      { rule: "self.fr < 3", messageExpression: "'fr is ' + string(self.fr)" },
      { fr: 3 },
      'spec.cel: Invalid value: "object": fr is 3',
    ],
    [
      { rule: "self.fr < 3", message: "m", messageExpression: "self.s" },
      { fr: 3 },
      'spec.cel: Invalid value: "object": m',
    ],
    [
      ORDERED,
      { lo: 2 },
      'spec.cel: Invalid value: "object": no such key: hi evaluating rule: self.lo <= self.hi',
    ],
    [
      { rule: "self.fr < 3", reason: "FieldValueRequired" },
      { fr: 3 },
      "spec.cel: Required value: failed rule: self.fr < 3",
    ],
    [
      { rule: "self.fr < 3", reason: "FieldValueDuplicate" },
      { fr: 3 },
      'spec.cel: Duplicate value: "object"',
    ],
  ];
  for (const [rule, cel, expected] of cases) {
    assert.deepEqual(verdict(resource(rule), ofCel(cel)), { causes: [expected], warnings: [] });
  }
});

Deno.test("a rule that holds, or whose value is absent, says nothing", () => {
  const nothing = { causes: [], warnings: [] };
  assert.deepEqual(verdict(resource(ORDERED), ofCel({ lo: 1, hi: 1 })), nothing);
  assert.deepEqual(verdict(resource(ORDERED), { spec: {} }), nothing);
  assert.deepEqual(verdict(resource(ORDERED), {}), nothing);
  assert.equal(compileRules({ type: "object", properties: { spec: INT } }), undefined);
});

Deno.test("a rule broken by what was so before is a warning", () => {
  const bad = { lo: 2, hi: 1 };
  const warned = { causes: [], warnings: [BROKEN] };
  assert.deepEqual(verdict(resource(ORDERED), ofCel(bad, "b"), ofCel(bad, "a")), warned);
  const touched = { causes: [BROKEN], warnings: [] };
  assert.deepEqual(verdict(resource(ORDERED), ofCel({ ...bad, s: "b" }), ofCel(bad)), touched);
  const transition = { rule: "self.lo > oldSelf.lo" };
  const [cause] = verdict(resource(transition), ofCel(bad), ofCel(bad)).causes;
  assert.match(cause!, /failed rule: self.lo > oldSelf.lo/);
});

Deno.test("transition rules are run when there is something to compare with", () => {
  const transition = resource({ rule: "self.lo >= oldSelf.lo" });
  assert.deepEqual(verdict(transition, ofCel({ lo: 1 })).causes, []);
  assert.deepEqual(verdict(transition, ofCel({ lo: 1 }), { spec: {} }).causes, []);
  assert.equal(verdict(transition, ofCel({ lo: 1 }), ofCel({ lo: 2 })).causes.length, 1);
  const optional = resource({ rule: "oldSelf.hasValue() || self.lo == 0", optionalOldSelf: true });
  assert.equal(verdict(optional, ofCel({ lo: 1 })).causes.length, 1);
  assert.deepEqual(verdict(optional, ofCel({ lo: 1 }), ofCel({ lo: 5 })).causes, []);
});

Deno.test("items are found again by their keys, entries of maps by their names", () => {
  const item: RuleSchema = {
    type: "object",
    properties: { k: { type: "string" }, n: INT },
    "x-kubernetes-validations": [{ rule: "self.n >= oldSelf.n" }],
  };
  const schema: RuleSchema = {
    type: "object",
    properties: {
      list: {
        type: "array",
        items: item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
      },
      map: { type: "object", additionalProperties: item },
    },
  };
  const old = { list: [{ k: "a", n: 5 }, { k: "b", n: 1 }], map: { x: { n: 5 } } };
  const next = { list: [{ k: "b", n: 2 }, { k: "a", n: 4 }], map: { x: { n: 4 }, y: { n: 0 } } };
  assert.deepEqual(verdict(schema, next, old).causes, [
    'list[1]: Invalid value: "object": failed rule: self.n >= oldSelf.n',
    'map[x]: Invalid value: "object": failed rule: self.n >= oldSelf.n',
  ]);
});

Deno.test("lists of type set and map are equal whatever their order, and are joined by it", () => {
  const set: RuleSchema = {
    type: "array",
    items: { type: "string" },
    "x-kubernetes-list-type": "set",
    "x-kubernetes-validations": [{ rule: "self == oldSelf" }, {
      rule: "(self + ['a']).size() == 2",
    }],
  };
  const schema: RuleSchema = { type: "object", properties: { set } };
  assert.deepEqual(verdict(schema, { set: ["a", "b"] }, { set: ["b", "a"] }).causes, []);
});

Deno.test("an object whose rules cost too much is refused", () => {
  const list: RuleSchema = {
    type: "array",
    items: INT,
    "x-kubernetes-validations": [{ rule: "self.all(x, self.all(y, y == x || true))" }],
  };
  const schema: RuleSchema = { type: "object", properties: { largeArray: list } };
  const { causes } = verdict(schema, { largeArray: Array.from({ length: 725 }, (_, i) => i) });
  assert.equal(causes.length, 1);
  assert.match(
    causes[0]!,
    /no further validation rules will be run due to call cost exceeds limit for rule/,
  );
});

import assert from "node:assert/strict";
import type { Rule, RuleSchema } from "./rule_schema.ts";
import { ruleDeclarationFaults, ruleExpressionFaults } from "./rule_faults.ts";

const P = "spec.validation.openAPIV3Schema";

function faults(schema: RuleSchema): string[] {
  const declared = ruleDeclarationFaults(schema, P);
  const causes = declared.length ? declared : ruleExpressionFaults(schema, P);
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

function specOf(spec: RuleSchema, rule: Rule): RuleSchema {
  const ruled = { ...spec, "x-kubernetes-validations": [rule] };
  return { type: "object", properties: { spec: ruled } };
}

const A: RuleSchema = { type: "object", properties: { a: { type: "string" } } };
const AT = `${P}.properties[spec].x-kubernetes-validations[0]`;
const MORE =
  "exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
const TOTAL =
  `${P}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema ${MORE}`;
const CONTRIBUTED =
  "Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";

/** As a kube-apiserver 1.34.4 answered. */
const RECORDED: readonly (readonly [name: string, schema: RuleSchema, expected: string[]])[] = [
  ["an unknown field", specOf(A, { rule: "self.b == 1" }), [
    `${AT}.rule: Invalid value: {"Rule":"self.b == 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 1\n | ....^`,
  ]],
  ["a syntax error", specOf(A, { rule: "self = 1" }), [
    `${AT}.rule: Invalid value: {"Rule":"self = 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:6: Syntax error: token recognition error at: '= '\n | self = 1\n | .....^\nERROR: <input>:1:8: Syntax error: extraneous input '1' expecting <EOF>\n | self = 1\n | .......^`,
  ]],
  ["no bool", specOf(A, { rule: "self.a" }), [
    `${AT}.rule: Invalid value: {"Rule":"self.a","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: cel expression must evaluate to a bool`,
  ]],
  ["a wrong type", specOf(A, { rule: "self.a > 1" }), [
    `${AT}.rule: Invalid value: {"Rule":"self.a \\u003e 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(string, int)'\n | self.a > 1\n | .......^`,
  ]],
  ["an empty rule", specOf(A, { rule: " " }), [
    `${AT}.rule: Required value: rule is not specified`,
  ]],
  ["a wrong pattern", specOf({ type: "string" }, { rule: "self.matches('(')" }), [
    `${AT}.rule: Invalid value: {"Rule":"self.matches('(')","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:14: invalid matches argument\n | self.matches('(')\n | .............^`,
  ]],
  ["a message of two lines", specOf(A, { rule: "true", message: "a\nb" }), [
    `${AT}.message: Invalid value: "a\\nb": must not contain line breaks`,
  ]],
  ["a messageExpression of another type", specOf(A, { rule: "true", messageExpression: "1" }), [
    `${AT}.messageExpression: Invalid value: {"Rule":"true","Message":"","MessageExpression":"1","Reason":null,"FieldPath":"","OptionalOldSelf":null}: messageExpression must evaluate to a string`,
  ]],
  ["a wrong fieldPath", specOf(A, { rule: "true", fieldPath: ".zz" }), [
    `${AT}.fieldPath: Invalid value: ".zz": must be a valid path`,
  ]],
  ["a wrong reason", specOf(A, { rule: "true", reason: "Nope" }), [
    `${AT}.reason: Unsupported value: "Nope": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
  ]],
  [
    "oldSelf in a list without keys",
    {
      type: "object",
      properties: {
        spec: {
          type: "array",
          items: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf" }] },
        },
      },
    },
    [
      `${P}.properties[spec].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost ${MORE}`,
      `${P}.properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${P}.properties[spec]`,
      `${P}.properties[spec].items.x-kubernetes-validations[0].rule: ${CONTRIBUTED}`,
      TOTAL,
    ],
  ],
  [
    "a rule that can cost too much",
    specOf({ type: "array", items: { type: "integer" } }, {
      rule: "self.all(x, self.all(y, y == x))",
    }),
    [
      `${AT}.rule: Forbidden: estimated rule cost ${MORE}`,
      `${AT}.rule: ${CONTRIBUTED}`,
      TOTAL,
    ],
  ],
];

for (const [name, schema, expected] of RECORDED) {
  Deno.test(`rules are refused as by Kubernetes: ${name}`, () => {
    assert.deepEqual(faults(schema), expected);
  });
}

Deno.test("limits in the schema make a rule cheap enough", () => {
  const items = { type: "string", maxLength: 10 };
  const list = { type: "array", maxItems: 50, items };
  assert.deepEqual(faults(specOf(list, { rule: "self.all(x, self.exists_one(y, y == x))" })), []);
});

Deno.test("transition rules need values that can be found again", () => {
  const item: RuleSchema = {
    type: "object",
    required: ["k"],
    properties: { k: { type: "string", maxLength: 5 } },
    "x-kubernetes-validations": [{ rule: "self.k == oldSelf.k" }],
  };
  const keyed: RuleSchema = {
    type: "array",
    maxItems: 5,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    items: item,
  };
  assert.deepEqual(faults({ type: "object", properties: { spec: keyed } }), []);
  const optional = { rule: "true", optionalOldSelf: true };
  assert.deepEqual(faults(specOf(A, optional)), [
    `${AT}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
  ]);
});

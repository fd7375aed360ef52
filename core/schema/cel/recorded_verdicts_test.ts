import assert from "node:assert/strict";
import { fixtureOf, type Recorded } from "./cel_fixture.ts";
import { compile } from "./program.ts";
import { shapedValue } from "./shapes/json_values.ts";
import { type Shape, shapeOf } from "./shapes/shapes.ts";
import { parse } from "./syntax/parser.ts";
import { optionalOf } from "./types/cel_types.ts";
import { CelError } from "./values/cel_error.ts";
import { OptionalValue, type Value } from "./values/values.ts";

/** Costs that depend on the order of a map, which is random in Go. */
const UNORDERED = new Set([
  'self.all(x, x != "kubernetes.io/hostname")',
  'self.all(key, key.matches(r"""^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$"""))',
]);

Deno.test("4,633 verdicts, errors and costs of rules of 15 projects are those of a kube-apiserver", async () => {
  const faults: unknown[] = [];
  let count = 0;
  for (const { schema, cases } of await fixtureOf<Recorded>("verdicts.jsonl.gz")) {
    const shape = shapeOf(schema)!;
    const [rule] = schema["x-kubernetes-validations"];
    const isOptional = rule!.optionalOldSelf === true;
    const variables = new Map([
      ["self", shape.type],
      ["oldSelf", isOptional ? optionalOf(shape.type) : shape.type],
    ]);
    const program = compile(rule!.rule, { variables });
    for (const { obj, old, is, cost, text } of cases) {
      count++;
      const isSkipped = /\boldSelf\b/.test(rule!.rule) && old === undefined && !isOptional;
      const outcome = isSkipped
        ? { value: true, cost: 0 }
        : program.evaluate(bindingsOf(shape, obj, old, isOptional));
      const verdict = "error" in outcome ? "error" : String(outcome.value);
      const message = "error" in outcome ? outcome.error : undefined;
      const wanted = text?.replace(/^"\w+": /, "");
      const isCost = outcome.cost === cost || UNORDERED.has(rule!.rule);
      if (verdict !== is || message !== wanted || !isCost) {
        faults.push({ rule: rule!.rule, obj, is, cost, wanted, outcome });
      }
    }
  }
  assert.deepEqual(faults, []);
  assert.equal(count, 4633);
});

function bindingsOf(shape: Shape, self: unknown, old: unknown, isOptional: boolean) {
  const oldSelf = old === undefined ? undefined : shapedValue(old, shape);
  return new Map<string, Value>([
    ["self", shapedValue(self, shape)],
    ["oldSelf", isOptional ? new OptionalValue(oldSelf) : oldSelf ?? null],
  ]);
}

Deno.test("every expression of 15 projects and of Kubernetes' tests parses, but for two that are wrong on purpose", async () => {
  const refused: string[] = [];
  for (const { rule } of await fixtureOf<{ rule: string }>("rules.jsonl.gz")) {
    try {
      parse(rule);
    } catch (error) {
      assert.ok(error instanceof CelError);
      assert.match(error.message, /Syntax error/);
      refused.push(rule);
    }
  }
  assert.deepEqual(refused, ["self = 42", "... [] bad expression"]);
});

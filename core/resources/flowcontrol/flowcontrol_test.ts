import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { DEFAULT_FLOW_SCHEMAS } from "./default_flow_schemas.ts";
import { DEFAULT_PRIORITY_LEVELS } from "./default_priority_levels.ts";
import { flowSchemas } from "./flow_schemas.ts";
import { priorityLevelConfigurations } from "./priority_level_configurations.ts";

Deno.test("the objects of every cluster are valid, and admission leaves them as they are", () => {
  for (const wanted of DEFAULT_FLOW_SCHEMAS) {
    const { object, causes, unknown } = made(flowSchemas, wanted);
    assert.deepEqual([causes, unknown, object.spec], [[], [], wanted.spec]);
  }
  for (const wanted of DEFAULT_PRIORITY_LEVELS) {
    const { object, causes, unknown } = made(priorityLevelConfigurations, wanted);
    assert.deepEqual([causes, unknown, object.spec], [[], [], wanted.spec]);
  }
});

const flow = (spec: object, name = "f") =>
  made(flowSchemas, {
    metadata: { name },
    spec: { priorityLevelConfiguration: { name: "system" }, ...spec },
  }).causes;
const level = (spec: object, name = "l") =>
  made(priorityLevelConfigurations, { metadata: { name }, spec }).causes;
const user = { kind: "User", user: { name: "u" } };

for (
  const [name, spec, expected] of [
    ["precedence 1", { matchingPrecedence: 1 }, [
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
    ]],
    ["no subjects and no rules", { rules: [{ subjects: [] }] }, [
      "spec.rules[0].subjects: Required value: subjects must contain at least one value",
      "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
    ]],
    ["a subject of another kind", {
      rules: [{
        subjects: [{ kind: "Group", user: { name: "u" } }],
        nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/a*"] }],
      }],
    }, [
      "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
      "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
    ]],
    ["resources", {
      rules: [{
        subjects: [user],
        resourceRules: [{ verbs: ["*", "get"], apiGroups: ["*", "a"], resources: ["*"] }],
      }],
    }, [
      'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
      'spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other api groups',
      "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
    ]],
  ] as const
) {
  Deno.test(`a FlowSchema is refused for ${name}`, () => assert.deepEqual(flow(spec), expected));
}

Deno.test("what nobody may change is refused when it is changed", () => {
  assert.match(
    flow({ matchingPrecedence: 10_000 }, "catch-all")[0]!,
    /must equal the fixed value$/,
  );
  assert.match(
    level({ type: "Limited", limited: { limitResponse: { type: "Reject" } } }, "catch-all")[0]!,
    /spec of 'catch-all' must equal the fixed value$/,
  );
  assert.deepEqual(
    level({ type: "Exempt", exempt: { nominalConcurrencyShares: 5 } }, "exempt"),
    [],
  );
});

for (
  const [name, spec, expected] of [
    ["a type without its part", { type: "Limited" }, [
      "spec.limited: Required value: must not be empty when type is Limited",
    ]],
    ["Exempt under another name", { type: "Exempt" }, [
      "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'",
    ]],
    ["a hand that is too large", {
      type: "Limited",
      limited: { limitResponse: { type: "Queue", queuing: { queues: 512, handSize: 8 } } },
    }, [
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60",
    ]],
  ] as const
) {
  Deno.test(`a priority level is refused for ${name}`, () =>
    assert.deepEqual(level(spec), expected));
}

Deno.test("kubectl shows flow schemas and levels as Kubernetes does", () => {
  const schema = rowOf(flowSchemas, made(flowSchemas, DEFAULT_FLOW_SCHEMAS[1]!).object);
  assert.deepEqual(Object.values(schema), ["probes", "exempt", 2, "<none>", "5m", "?"]);
  const system = made(priorityLevelConfigurations, DEFAULT_PRIORITY_LEVELS[2]!).object;
  const row = rowOf(priorityLevelConfigurations, system);
  assert.deepEqual(Object.values(row), ["system", "Limited", 30, 64, 6, 50, "5m"]);
});

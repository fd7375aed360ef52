import assert from "node:assert/strict";
import { made, rowOf } from "../../resource_fixture.ts";
import { limitRanges } from "./limit_ranges.ts";
import { resourceQuotas } from "./resource_quotas.ts";

const range = (...limits: object[]) => made(limitRanges, { spec: { limits } });
const quota = (spec: object, before?: object) =>
  made(
    resourceQuotas,
    { spec },
    before ? made(resourceQuotas, { spec: before }).object : undefined,
  );

Deno.test("a LimitRange fills the defaults of containers from its bounds", () => {
  const { object, causes } = range({
    type: "Container",
    max: { cpu: "2", memory: "1Gi" },
    min: { cpu: "100m", "ephemeral-storage": "1Gi" },
    default: { cpu: "1" },
  });
  assert.deepEqual(causes, []);
  const [item] = object.spec.limits;
  assert.deepEqual(item!.default, { cpu: "1", memory: "1Gi" });
  assert.deepEqual(item!.defaultRequest, { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" });
});

for (
  const [name, limits, expected] of [
    ["least above most", [{ type: "Pod", min: { cpu: "2" }, max: { cpu: "1" } }], [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ]],
    ["two of one type", [{ type: "Pod" }, { type: "Pod" }], [
      'spec.limits[1].type: Duplicate value: "Pod"',
    ]],
    ["an unknown type", [{ type: "Job" }], [
      'spec.limits[0].type: Invalid value: "Job": must be a standard limit type or fully qualified',
    ]],
    ["defaults of pods", [{ type: "Pod", default: { cpu: "1" } }], [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
    ]],
    ["a claim without bounds", [{ type: "PersistentVolumeClaim" }], [
      "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
    ]],
    ["ratios", [{
      type: "Pod",
      min: { cpu: "1" },
      max: { cpu: "2" },
      maxLimitRequestRatio: { cpu: "3", memory: "500m" },
    }], [
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
      'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
    ]],
    ["what cannot be shared", [{
      type: "Container",
      default: { "example.com/gpu": "2" },
      defaultRequest: { "example.com/gpu": "1" },
    }], [
      'spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu',
    ]],
    ["storage of containers", [{ type: "Container", max: { storage: "1Gi" } }], [
      'spec.limits[0].max[storage]: Invalid value: "storage": must be a standard resource for containers',
      'spec.limits[0].default[storage]: Invalid value: "storage": must be a standard resource for containers',
      'spec.limits[0].defaultRequest[storage]: Invalid value: "storage": must be a standard resource for containers',
    ]],
  ] as const
) {
  Deno.test(`a LimitRange is refused for ${name}`, () => {
    assert.deepEqual(range(...limits).causes, expected);
  });
}

for (
  const [name, spec, expected] of [
    ["an unknown name", { hard: { "requests.gpu": "1" } }, [
      'spec.hard[requests.gpu]: Invalid value: "requests.gpu": must be a standard resource type or fully qualified',
      'spec.hard[requests.gpu]: Invalid value: "requests.gpu": must be a standard resource for quota',
    ]],
    ["less than nothing, and a part of a pod", { hard: { cpu: "-1", pods: "500m" } }, [
      'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.hard[pods]: Invalid value: "500m": must be an integer',
    ]],
    ["scopes", { hard: { cpu: "1" }, scopes: ["BestEffort", "NotBestEffort", "Odd"] }, [
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: conflicting scopes',
    ]],
    ["operators", {
      scopeSelector: {
        matchExpressions: [
          { scopeName: "PriorityClass", operator: "In" },
          { scopeName: "PriorityClass", operator: "Exists", values: ["a"] },
          { scopeName: "PriorityClass", operator: "Gt" },
        ],
      },
    }, [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      'spec.scopeSelector.matchExpressions.operator: Invalid value: "Gt": not a valid selector operator',
    ]],
  ] as const
) {
  Deno.test(`a ResourceQuota is refused for ${name}`, () => {
    assert.deepEqual(quota(spec).causes, expected);
  });
}

Deno.test("the scopes of a quota stay as they are", () => {
  const before = { hard: { pods: "1" }, scopes: ["BestEffort"] };
  assert.deepEqual(quota({ hard: { pods: "2" }, scopes: ["BestEffort"] }, before).causes, []);
  assert.deepEqual(quota({ hard: { pods: "1" } }, before).causes, [
    "spec.scopes: Invalid value: null: field is immutable",
  ]);
});

Deno.test("kubectl shows how much of a quota is used, limits apart", () => {
  const { object } = made(resourceQuotas, {
    status: { hard: { pods: "5", "limits.cpu": "2", cpu: "1" }, used: { pods: "3" } },
  });
  const { Request: request, Limit: limit } = rowOf(resourceQuotas, object);
  assert.equal(request, "cpu: 0/1, pods: 3/5");
  assert.equal(limit, "limits.cpu: 0/2");
});

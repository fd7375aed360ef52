import assert from "node:assert/strict";
import type { PolicySpec } from "../../resources/admissionregistration/policy_shape.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { typeWarnings } from "./policy_type_checking.ts";

function specOf(expression: string, rule: object = {}, more: object = {}): PolicySpec {
  const resourceRules = [{
    operations: ["CREATE"],
    apiGroups: ["apps"],
    apiVersions: ["v1"],
    resources: ["deployments"],
    scope: "*",
    ...rule,
  }];
  const selectors = { namespaceSelector: {}, objectSelector: {}, matchPolicy: "Equivalent" };
  return {
    failurePolicy: "Fail",
    matchConstraints: { ...selectors, resourceRules },
    validations: [{ expression, ...more }],
  };
}

Deno.test("wrong types in a policy are found by the kinds that it names", () => {
  const wrong = "object.spec.replicas > '1'";
  assert.deepEqual(typeWarnings(specOf(wrong), RESOURCES), [{
    fieldRef: "spec.validations[0].expression",
    warning:
      `apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | ${wrong}\n | .....................^\n`,
  }]);
  const unknown = "object.spec.nope == 1";
  const [warning] = typeWarnings(
    specOf("true", {}, { messageExpression: `string(${unknown})` }),
    RESOURCES,
  );
  assert.equal(warning!.fieldRef, "spec.validations[0].messageExpression");
  assert.match(warning!.warning, /undefined field 'nope'/);
});

Deno.test("right types, and what is not named one by one, give no warnings", () => {
  const fine =
    "object.spec.replicas <= 5 && object.metadata.labels.all(k, k != 'x') && has(object.spec.template.spec.containers[0].image)";
  assert.deepEqual(typeWarnings(specOf(fine), RESOURCES), []);
  assert.deepEqual(typeWarnings(specOf("object.nope", { apiGroups: ["*"] }), RESOURCES), []);
  assert.deepEqual(
    typeWarnings(specOf("object.nope", { resources: ["deployments/scale"] }), RESOURCES),
    [],
  );
});

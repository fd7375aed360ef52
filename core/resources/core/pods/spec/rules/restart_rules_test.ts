import assert from "node:assert/strict";
import type { Container } from "../containers.ts";
import type { ContainerRole } from "../pod_containers.ts";
import { restartCauses } from "./restart_rules.ts";

const ON_42 = { action: "Restart", exitCodes: { operator: "In", values: [42] } };

const TABLE: [title: string, role: ContainerRole, container: object, causes: string[]][] = [
  ["nothing of its own", "main", {}, []],
  ["a policy", "main", { restartPolicy: "Never" }, []],
  ["a policy that there is not", "main", { restartPolicy: "Often" }, [
    'restartPolicy: Unsupported value: "Often": supported values: "Always", "Never", "OnFailure"',
  ]],
  ["rules and a policy", "main", { restartPolicy: "Never", restartPolicyRules: [ON_42] }, []],
  ["rules without a policy", "main", { restartPolicyRules: [ON_42] }, [
    "restartPolicy: Required value: must specify restartPolicy when restart rules are used",
  ]],
  ["a rule that starts all again", "main", {
    restartPolicy: "Never",
    restartPolicyRules: [{ ...ON_42, action: "RestartAllContainers" }],
  }, [
    'restartPolicyRules[0].action: Unsupported value: "RestartAllContainers": supported values: "Restart"',
  ]],
  ["a rule for nothing", "main", {
    restartPolicy: "Never",
    restartPolicyRules: [{ action: "Restart" }],
  }, ["restartPolicyRules[0].exitCodes: Required value: must be specified"]],
  ["20 rules", "main", { restartPolicy: "Never", restartPolicyRules: rules(20) }, []],
  ["21 rules", "main", { restartPolicy: "Never", restartPolicyRules: rules(21) }, [
    "restartPolicyRules: Too long: may not be more than 20 bytes",
  ]],
  ["255 codes", "main", { restartPolicy: "Never", restartPolicyRules: [codes(255)] }, []],
  ["256 codes", "main", { restartPolicy: "Never", restartPolicyRules: [codes(256)] }, [
    "restartPolicyRules[0].exitCodes.values: Too long: may not be more than 255 bytes",
  ]],
  ["an init container with rules", "init", {
    restartPolicy: "Never",
    restartPolicyRules: [ON_42],
  }, []],
  ["a sidecar with rules", "sidecar", {
    restartPolicy: "Always",
    restartPolicyRules: [ON_42],
  }, [
    "restartPolicyRules: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always",
  ]],
];
for (const [title, role, container, expected] of TABLE) {
  Deno.test(`the rules for restarts of ${title}, as a container that is ${role}`, () => {
    const causes = restartCauses({ name: "a", ...container } as unknown as Container, role, "c");
    assert.deepEqual(causes.map(({ field, message }) => `${field.slice(2)}: ${message}`), expected);
  });
}

function rules(count: number): object[] {
  return Array.from({ length: count }, () => ON_42);
}

function codes(count: number): object {
  const values = Array.from({ length: count }, (_, i) => i + 1);
  return { action: "Restart", exitCodes: { operator: "NotIn", values } };
}

import assert from "node:assert/strict";
import type { Container } from "../../../core/resources/core/pods/spec/containers.ts";
import type { ContainerRole } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { wantsRestart } from "./restart_rules.ts";

const rule = (operator: string, ...values: number[]) => ({
  action: "Restart",
  exitCodes: { operator, values },
});
const NEVER_BUT = { restartPolicy: "Never", restartPolicyRules: [rule("In", 42, 43)] };
const NEVER_UNLESS = { restartPolicy: "Never", restartPolicyRules: [rule("NotIn", 1, 2)] };

/** For the exit codes 0, 1, 42 and 137. */
const TABLE: [title: string, role: ContainerRole, pod: string, container: object, ...boolean[]][] =
  [
    ["Always", "main", "Always", {}, true, true, true, true],
    ["OnFailure", "main", "OnFailure", {}, false, true, true, true],
    ["Never", "main", "Never", {}, false, false, false, false],
    ["its own Never", "main", "Always", { restartPolicy: "Never" }, false, false, false, false],
    ["its own Always", "main", "Never", { restartPolicy: "Always" }, true, true, true, true],
    [
      "its own OnFailure",
      "main",
      "Always",
      { restartPolicy: "OnFailure" },
      false,
      true,
      true,
      true,
    ],
    ["a rule with In", "main", "Always", NEVER_BUT, false, false, true, false],
    ["a rule with NotIn", "main", "Always", NEVER_UNLESS, true, false, true, true],
    [
      "rules without a policy",
      "main",
      "Never",
      { restartPolicyRules: [rule("In", 42)] },
      ...[false, false, false, false],
    ],
    ["init, Always", "init", "Always", {}, false, true, true, true],
    ["init, Never", "init", "Never", {}, false, false, false, false],
    ["init, a rule", "init", "Never", NEVER_BUT, false, false, true, false],
    ["a sidecar", "sidecar", "Never", { restartPolicy: "Always" }, true, true, true, true],
    ["ephemeral", "ephemeral", "Always", {}, false, false, false, false],
  ];
for (const [title, role, restartPolicy, own, ...expected] of TABLE) {
  Deno.test(`which ends a container runs again after: ${title}`, () => {
    const container = { name: "a", ...own } as unknown as Container; // only what is read
    const wants = [0, 1, 42, 137].map((code) =>
      wantsRestart({ restartPolicy: restartPolicy as "Always" }, { role, container }, code)
    );
    assert.deepEqual(wants, expected);
  });
}

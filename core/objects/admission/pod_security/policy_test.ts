import assert from "node:assert/strict";
import { policyCauses, policyOf, standardText } from "./policy.ts";

/** Labels without their prefix, the standard that is enforced, the one that is warned of. */
const POLICIES: [Record<string, string>, string, string][] = [
  [{}, "privileged:latest", "privileged:latest"],
  [{ enforce: "baseline" }, "baseline:latest", "baseline:latest"],
  [{ enforce: "restricted", "enforce-version": "v1.24" }, "restricted:v1.24", "restricted:v1.24"],
  [{ enforce: "baseline", warn: "restricted" }, "baseline:latest", "restricted:latest"],
  [{ enforce: "restricted", warn: "privileged" }, "restricted:latest", "privileged:latest"],
  [
    { enforce: "baseline", "enforce-version": "v1.9", "warn-version": "v1.30" },
    "baseline:v1.9",
    "baseline:v1.30",
  ],
  [{ warn: "baseline", "warn-version": "v1.0" }, "privileged:latest", "baseline:v1.0"],
  [{ audit: "restricted" }, "privileged:latest", "privileged:latest"],
  // What cannot be read refuses most, and warns of nothing.
  [{ enforce: "strict" }, "restricted:latest", "privileged:latest"],
  [{ warn: "strict" }, "privileged:latest", "privileged:latest"],
  [{ enforce: "baseline", "enforce-version": "1.24" }, "baseline:latest", "baseline:latest"],
];

for (const [labels, enforce, warn] of POLICIES) {
  Deno.test(`the labels ${JSON.stringify(labels)} mean ${enforce}, and warnings of ${warn}`, () => {
    const policy = policyOf(prefixed(labels));
    assert.equal(standardText(policy.enforce), enforce);
    assert.equal(standardText(policy.warn), warn);
  });
}

Deno.test("labels that cannot be read are named in Kubernetes' words", () => {
  const labels = { enforce: "none", "audit-version": "v1.01", warn: "", "warn-version": "v1.24" };
  assert.deepEqual(policyCauses(prefixed(labels)).map(({ field, message }) => [field, message]), [
    [
      "metadata.labels[pod-security.kubernetes.io/enforce]",
      'Invalid value: "none": must be one of privileged, baseline, restricted',
    ],
    [
      "metadata.labels[pod-security.kubernetes.io/audit-version]",
      'Invalid value: "v1.01": must be "latest" or "v1.x"',
    ],
    [
      "metadata.labels[pod-security.kubernetes.io/warn]",
      'Invalid value: "": must be one of privileged, baseline, restricted',
    ],
  ]);
  assert.deepEqual(policyCauses({ constructor: "x" }), []);
});

function prefixed(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]),
  );
}

import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { mutatingWebhookConfigurations } from "./mutating_webhook_configurations.ts";
import { validatingWebhookConfigurations } from "./validating_webhook_configurations.ts";

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const rule = {
  operations: ["CREATE"],
  apiGroups: [""],
  apiVersions: ["v1"],
  resources: ["pods"],
};
const webhook = {
  name: "images.example.com",
  clientConfig: { url: "https://127.0.0.1:8443/check" },
  rules: [rule],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};

function causesOf(change: object): string[] {
  return made(mutatingWebhookConfigurations, { webhooks: [{ ...webhook, ...change }] }).causes;
}

Deno.test("a webhook gets Kubernetes' defaults, and is told how many there are", () => {
  const { object, causes, unknown } = made(mutatingWebhookConfigurations, { webhooks: [webhook] });
  assert.deepEqual([causes, unknown], [[], []]);
  const { failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy } = object.webhooks![0]!;
  assert.deepEqual(
    [failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy],
    ["Fail", "Equivalent", 10, "Never"],
  );
  assert.deepEqual(object.webhooks![0]!.namespaceSelector, {});
  assert.equal(object.webhooks![0]!.rules![0]!.scope, "*");
  assert.equal(rowOf(mutatingWebhookConfigurations, object)["Webhooks"], 1);
  const service = { name: "s", namespace: "n" };
  const validating = made(validatingWebhookConfigurations, {
    webhooks: [{ ...webhook, clientConfig: { service } }],
  });
  assert.deepEqual(validating.causes, []);
  assert.equal(validating.object.webhooks![0]!.clientConfig.service!.port, 443);
  assert.ok(!("reinvocationPolicy" in validating.object.webhooks![0]!));
});

const REFUSED: readonly [change: object, cause: string][] = [
  [
    { name: "b.com" },
    'webhooks[0].name: Invalid value: "b.com": should be a domain with at least three segments separated by dots',
  ],
  [
    { sideEffects: "Some" },
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
  ],
  [
    { sideEffects: undefined },
    "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
  ],
  [
    { timeoutSeconds: 31 },
    "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
  ],
  [
    { timeoutSeconds: 0 },
    "webhooks[0].timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds",
  ],
  [
    { admissionReviewVersions: [] },
    "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
  ],
  [
    { admissionReviewVersions: ["v2"] },
    'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
  ],
  [
    { failurePolicy: "Stop" },
    'webhooks[0].failurePolicy: Unsupported value: "Stop": supported values: "Fail", "Ignore"',
  ],
  [
    { reinvocationPolicy: "Often" },
    'webhooks[0].reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
  ],
  [
    { clientConfig: {} },
    "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
  ],
  [
    { clientConfig: { url: "http://a.example/x" } },
    `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
  ],
  [
    { clientConfig: { url: "https://u:p@a.example/" } },
    'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
  ],
  [
    { clientConfig: { url: "https://a.example/?x=1" } },
    'webhooks[0].clientConfig.url: Invalid value: "x=1": query parameters are not permitted in the URL',
  ],
  [
    { clientConfig: { service: { name: "s", namespace: "n", path: "/A" } } },
    `webhooks[0].clientConfig.service.path: Invalid value: "/A": segment[0]: ${SUBDOMAIN_RULE}`,
  ],
  [
    { clientConfig: { service: { name: "s", namespace: "n", path: "/a//b" } } },
    'webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
  ],
  [{ rules: [{ ...rule, operations: [] }] }, "webhooks[0].rules[0].operations: Required value"],
  [
    { rules: [{ ...rule, operations: ["*", "CREATE"] }] },
    `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
  ],
  [
    { rules: [{ ...rule, operations: ["READ"] }] },
    'webhooks[0].rules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
  ],
  [
    { rules: [{ ...rule, resources: ["*", "pods"] }] },
    `webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`,
  ],
  [
    { rules: [{ ...rule, resources: ["pods/*", "pods/log"] }] },
    `webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
  ],
  [
    { rules: [{ ...rule, scope: "All" }] },
    'webhooks[0].rules[0].scope: Unsupported value: "All": supported values: "*", "Cluster", "Namespaced"',
  ],
];

Deno.test("what is wrong with a webhook is told in Kubernetes' words", () => {
  for (const [change, cause] of REFUSED) assert.deepEqual(causesOf(change), [cause]);
});

Deno.test("two webhooks of one configuration do not share a name", () => {
  const { causes } = made(validatingWebhookConfigurations, { webhooks: [webhook, webhook] });
  assert.deepEqual(causes, ['webhooks[1].name: Duplicate value: "images.example.com"']);
});

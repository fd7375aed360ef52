import assert from "node:assert/strict";
import { requestInfoOf } from "../http/request_info.ts";
import { auditDecision, type PolicyRule } from "./policy.ts";
import { readPolicy } from "./policy_file.ts";

const jane = { name: "jane", groups: ["dev", "system:authenticated"] };

const PODS = "/api/v1/namespaces/shop/pods";
const matching: [title: string, rule: Omit<PolicyRule, "level">, request: string, is: boolean][] = [
  ["an empty rule", {}, `GET ${PODS}`, true],
  ["its user", { users: ["jane"] }, `GET ${PODS}`, true],
  ["another user", { users: ["joe"] }, `GET ${PODS}`, false],
  ["one of the groups", { userGroups: ["ops", "dev"] }, `GET ${PODS}`, true],
  ["another group", { userGroups: ["ops"] }, `GET ${PODS}`, false],
  ["its verb", { verbs: ["list"] }, `GET ${PODS}`, true],
  ["another verb", { verbs: ["get"] }, `GET ${PODS}`, false],
  ["its namespace", { namespaces: ["shop"] }, `GET ${PODS}`, true],
  ["no namespace", { namespaces: [""] }, "GET /api/v1/nodes/a", true],
  ["another namespace", { namespaces: ["a"] }, `GET ${PODS}`, false],
  ["its group alone", { resources: [{ group: "" }] }, `GET ${PODS}`, true],
  ["another group", { resources: [{ group: "apps" }] }, `GET ${PODS}`, false],
  ["its resource", { resources: [{ resources: ["pods"] }] }, `GET ${PODS}`, true],
  ["without subresource", { resources: [{ resources: ["pods"] }] }, `GET ${PODS}/a/log`, false],
  ["subresource", { resources: [{ resources: ["pods/log"] }] }, `GET ${PODS}/a/log`, true],
  ["other one", { resources: [{ resources: ["pods/log"] }] }, `GET ${PODS}/a/status`, false],
  ["all of them", { resources: [{ resources: ["pods/*"] }] }, `GET ${PODS}/a/log`, true],
  ["and the object", { resources: [{ resources: ["pods/*"] }] }, `GET ${PODS}/a`, true],
  ["of any", { resources: [{ resources: ["*/log"] }] }, `GET ${PODS}/a/log`, true],
  ["but not the object", { resources: [{ resources: ["*/log"] }] }, `GET ${PODS}/a`, false],
  ["everything", { resources: [{ resources: ["*"] }] }, `GET ${PODS}/a/log`, true],
  ["name", { resources: [{ resources: ["pods"], resourceNames: ["a"] }] }, `GET ${PODS}/a`, true],
  ["no name", { resources: [{ resources: ["pods"], resourceNames: ["a"] }] }, `GET ${PODS}`, false],
  ["path", { nonResourceURLs: ["/healthz"] }, "GET /healthz", true],
  ["longer path", { nonResourceURLs: ["/healthz"] }, "GET /healthz/a", false],
  ["beginning", { nonResourceURLs: ["/healthz*"] }, "GET /healthz/a", true],
  ["any path", { nonResourceURLs: ["*"] }, "GET /version", true],
  ["any path is no resource", { nonResourceURLs: ["*"] }, `GET ${PODS}`, false],
  ["a resource is no path", { resources: [{ group: "" }] }, "GET /version", false],
];

for (const [title, rule, request, is] of matching) {
  Deno.test(`audit policy: ${title}: ${JSON.stringify(rule)} ${request}`, () => {
    const [method, path] = request.split(" ");
    const info = requestInfoOf(method!, `https://x${path}`);
    const { level } = auditDecision({ rules: [{ level: "Metadata", ...rule }] }, jane, info);
    assert.equal(level, is ? "Metadata" : "None");
  });
}

Deno.test("audit policy: the first rule decides, with the stages of both, and its own managed fields", () => {
  const policy = {
    omitStages: ["RequestReceived"] as const,
    omitManagedFields: true,
    rules: [
      { level: "Request", users: ["jane"], omitStages: ["Panic"], omitManagedFields: false },
      { level: "None" },
    ] as const,
  };
  const info = requestInfoOf("GET", "https://x/version");
  assert.deepEqual(auditDecision(policy, jane, info), {
    level: "Request",
    omitStages: ["RequestReceived", "Panic"],
    omitManagedFields: false,
  });
  const nobody = auditDecision(policy, undefined, info);
  assert.equal(nobody.level, "None");
  assert.equal(nobody.omitManagedFields, true);
});

const head = { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
const LEVELS = '"None", "Metadata", "Request", "RequestResponse"';
const STAGES = "RequestReceived,ResponseStarted,ResponseComplete,Panic";

const files: [title: string, value: Record<string, unknown>, causes: string[]][] = [
  ["valid", { ...head, rules: [{ level: "Metadata" }] }, []],
  ["without rules", { ...head, rules: [] }, [
    "rules: Required value: a policy has at least one rule",
  ]],
  ["of another kind", { apiVersion: "audit.k8s.io/v1beta1", rules: [{ level: "None" }] }, [
    'apiVersion: Unsupported value: "audit.k8s.io/v1beta1": supported values: "audit.k8s.io/v1"',
    'kind: Unsupported value: "": supported values: "Policy"',
  ]],
  ["of wrong types", { ...head, rules: [{ level: 1, users: "jane" }], omitStages: [2] }, [
    "omitStages: Invalid value: [2]: must be of type array of strings",
    "rules[0].level: Invalid value: 1: must be of type string",
    'rules[0].users: Invalid value: "jane": must be of type array of strings',
  ]],
  ["with several faults", {
    ...head,
    omitStages: ["Never"],
    rules: [
      {},
      { level: "All" },
      { level: "None", nonResourceURLs: ["healthz", "/a*b"], namespaces: ["a"] },
      { level: "None", resources: [{ group: "a/v1", resourceNames: ["x"] }] },
    ],
  }, [
    `omitStages[0]: Invalid value: "Never": allowed stages are ${STAGES}`,
    "rules[0].level: Required value",
    `rules[1].level: Unsupported value: "All": supported values: ${LEVELS}`,
    "rules[2].nonResourceURLs[0]: Invalid value: \"healthz\": non-resource URL rules must begin with a '/' character",
    "rules[2].nonResourceURLs[1]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be the final character of the rule",
    'rules[2].nonResourceURLs: Invalid value: ["healthz","/a*b"]: rules cannot apply to both regular resources and non-resource URLs',
    "rules[3].resources.group: Invalid value: \"a/v1\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    'rules[3].resources.resourceNames: Invalid value: ["x"]: using resourceNames requires at least one resource',
  ]],
];

for (const [title, value, causes] of files) {
  Deno.test(`audit policy file: ${title}`, () => {
    assert.deepEqual(readPolicy(structuredClone(value)).causes, causes);
  });
}

Deno.test("audit policy file: unknown fields are told of, null is as absent", () => {
  const { causes, unknown } = readPolicy({
    ...head,
    rules: [{ level: "None", users: null, user: ["x"] }],
    extra: 1,
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(unknown, ["extra", "rules[0].user"]);
});

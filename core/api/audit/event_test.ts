import assert from "node:assert/strict";
import { requestInfoOf } from "../http/request_info.ts";
import { auditLine } from "./audit_line.ts";
import { sourcesOf } from "./audit.ts";
import type { Body, Observation } from "./event.ts";

const SECRETS = "/api/v1/namespaces/shop/secrets";
const secret = {
  kind: "Secret",
  apiVersion: "v1",
  metadata: { name: "key", managedFields: [{ manager: "x" }] },
  data: { password: "aHVudGVyMg==" },
};

function bodyOf(value: unknown, type = "application/json"): Body {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { type, bytes: new TextEncoder().encode(text) };
}

async function eventFor(
  seen: Partial<Observation>,
  request = `POST ${SECRETS}`,
): Promise<Record<string, unknown>> {
  const [method, path] = request.split(" ");
  const line = await auditLine({
    level: "RequestResponse",
    auditId: "id",
    stage: "ResponseComplete",
    requestUri: path!,
    info: requestInfoOf(method!, `https://x${path}`),
    user: { name: "jane", groups: ["dev"], uid: "7", extra: { team: ["a"] } },
    sourceIps: ["192.0.2.1"],
    userAgent: "kubectl",
    code: 201,
    receivedMs: Date.parse("2026-01-01T00:00:00Z"),
    stageMs: Date.parse("2026-01-01T00:00:00Z") + 1.25,
    annotations: { "authorization.k8s.io/decision": "allow" },
    omitManagedFields: false,
    isPatch: method === "PATCH",
    ...seen,
  });
  assert.ok(line.endsWith("}\n") && line.indexOf("\n") === line.length - 1);
  return JSON.parse(line);
}

Deno.test("audit event: as kube-apiserver writes it", async () => {
  const event = await eventFor({
    impersonatedUser: { name: "joe", groups: [] },
    request: bodyOf(secret),
    response: bodyOf(secret),
  });
  assert.deepEqual(
    Object.entries(event),
    Object.entries({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "RequestResponse",
      auditID: "id",
      stage: "ResponseComplete",
      requestURI: SECRETS,
      verb: "create",
      user: { username: "jane", uid: "7", groups: ["dev"], extra: { team: ["a"] } },
      impersonatedUser: { username: "joe" },
      sourceIPs: ["192.0.2.1"],
      userAgent: "kubectl",
      objectRef: { resource: "secrets", namespace: "shop", name: "key", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestObject: secret,
      responseObject: secret,
      requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
      stageTimestamp: "2026-01-01T00:00:00.001250Z",
      annotations: { "authorization.k8s.io/decision": "allow" },
    }),
  );
});

Deno.test("audit event: the level says which bodies are shown; Metadata shows none", async () => {
  const bodies = { request: bodyOf(secret), response: bodyOf(secret) };
  const metadata = await eventFor({ level: "Metadata", ...bodies });
  assert.doesNotMatch(JSON.stringify(metadata), /aHVudGVyMg|managedFields/);
  assert.equal((metadata.objectRef as { name: string }).name, "key");
  const request = await eventFor({ level: "Request", ...bodies });
  assert.deepEqual([request.requestObject, request.responseObject], [secret, undefined]);
});

Deno.test("audit event: YAML and patches are shown as JSON, a patch names nothing", async () => {
  const yaml = bodyOf("metadata: {name: other}\ndata: {a: b}\n", "application/apply-patch+yaml");
  const event = await eventFor({ request: yaml, isPatch: true }, `PATCH ${SECRETS}/key`);
  assert.deepEqual(event.requestObject, { metadata: { name: "other" }, data: { a: "b" } });
  assert.equal((event.objectRef as { name: string }).name, "key");
  const list = bodyOf([{ op: "remove", path: "/x" }], "application/json-patch+json");
  assert.deepEqual(
    (await eventFor({ request: list, isPatch: true }, `PATCH ${SECRETS}/key`)).requestObject,
    [{ op: "remove", path: "/x" }],
  );
});

Deno.test("audit event: managed fields are left out of objects, lists and tables", async () => {
  const omitManagedFields = true;
  const lean = { ...secret, metadata: { name: "key" } };
  const list = { kind: "SecretList", metadata: {}, items: [secret] };
  const table = { kind: "Table", metadata: {}, rows: [{ cells: ["key"], object: secret }] };
  const shown = async (value: unknown) =>
    (await eventFor({ omitManagedFields, response: bodyOf(value) })).responseObject;
  assert.deepEqual(await shown(secret), lean);
  assert.deepEqual(await shown(list), { ...list, items: [lean] });
  assert.deepEqual(await shown(table), { ...table, rows: [{ cells: ["key"], object: lean }] });
});

Deno.test("audit event: a body that is too large is left out, and the event says so", async () => {
  const event = await eventFor({ request: { type: "application/json", bytes: undefined } });
  assert.equal(event.requestObject, undefined);
  assert.deepEqual(event.annotations, {
    "authorization.k8s.io/decision": "allow",
    "audit.k8s.io/truncated": "true",
  });
});

const unreadable: [title: string, body: Body][] = [
  ["no JSON", bodyOf("{")],
  ["deep", bodyOf("[".repeat(100_000))],
  ["no protobuf", bodyOf("x", "application/vnd.kubernetes.protobuf")],
  ["no YAML", bodyOf("a: [", "application/yaml")],
  ["no UTF-8", { type: "application/json", bytes: new Uint8Array([0xff]) }],
];
for (const [title, request] of unreadable) {
  Deno.test(`audit event: a body that cannot be read is left out: ${title}`, async () => {
    assert.equal("requestObject" in await eventFor({ request }), false);
  });
}

Deno.test("audit event: a Status that was answered is told of at every level", async () => {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound" };
  const event = await eventFor({ level: "Metadata", code: 404, response: bodyOf(status) });
  const expected = { metadata: {}, status: "Failure", reason: "NotFound", code: 404 };
  assert.deepEqual(event.responseStatus, expected);
  assert.equal(event.responseObject, undefined);
});

Deno.test("audit event: an answer in YAML is shown as JSON", async () => {
  const response = bodyOf("kind: Secret\nmetadata:\n  name: key\n", "application/yaml");
  const event = await eventFor({ response });
  assert.deepEqual(event.responseObject, { kind: "Secret", metadata: { name: "key" } });
});

Deno.test("audit event: long user agents are cut", async () => {
  const { userAgent } = await eventFor({ userAgent: "x".repeat(2000) });
  assert.equal(userAgent, `${"x".repeat(1024)}...TRUNCATED`);
});

Deno.test("audit: source addresses are those of proxies, then the peer's, without what is none", () => {
  assert.deepEqual(sourcesOf("192.0.2.1, x, 2001:db8::1", "192.0.2.2", "192.0.2.3"), [
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.2",
    "192.0.2.3",
  ]);
  assert.deepEqual(sourcesOf(undefined, undefined, "192.0.2.3"), ["192.0.2.3"]);
  assert.deepEqual(sourcesOf("192.0.2.3", "192.0.2.3", "192.0.2.3"), ["192.0.2.3"]);
});

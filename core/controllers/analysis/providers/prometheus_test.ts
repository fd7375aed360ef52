import assert from "node:assert/strict";
import type { PrometheusMetric } from "../../../resources/argoproj/mod.ts";
import type { OutgoingRequest } from "../requests/outgoing_requests.ts";
import type { Answer } from "../measuring.ts";
import { askFor, MetricServer, type Reply } from "./metric_server_fixture.ts";
import { prometheus } from "./prometheus.ts";
import type { ProviderParts } from "./provider.ts";
import { plainText } from "./prometheus_answer.ts";

const RESOLVED = { ResolvedPrometheusQuery: "up" };
const ADDRESS = "http://api.default.svc/prom/";

function ask(server: MetricServer, metric: Partial<PrometheusMetric>, conditions: object = {}) {
  return server.measure({
    provider: { prometheus: { address: ADDRESS, query: "up", ...metric } },
    ...conditions,
  });
}

function success(resultType: string, result: unknown, warnings?: string[]): Reply {
  return {
    json: { status: "success", data: { resultType, result }, ...(warnings && { warnings }) },
  };
}

Deno.test("a query is sent as a form, and its answer judged: a scalar, a vector, a matrix", async () => {
  let reply: Reply = {};
  await using server = await MetricServer.open(() => reply);
  const metricMetadata = RESOLVED;
  const rows: [Reply, string, object][] = [
    [success("scalar", [1, "0.5"]), "result < 1", { phase: "Successful", value: "0.5" }],
    [
      success("vector", [{ metric: {}, value: [1, "0.25"] }, { metric: {}, value: [1, "2"] }]),
      "all(result, {# < 1})",
      { phase: "Failed", value: "[0.25,2]" },
    ],
    [
      success("matrix", [{ values: [[1, "1"], [2, "2"]] }, { values: [[1, "3"]] }]),
      "len(result) == 3 and result[2] == 3",
      { phase: "Successful", value: "[1,2,3]" },
    ],
    [
      success("vector", [{ value: [1, "NaN"] }, { value: [1, "+Inf"] }]),
      "isNaN(result[0]) and isInf(result[1])",
      { phase: "Successful", value: "[NaN,+Inf]" },
    ],
    [
      success("scalar", [1, "1"], ["a", "b"]),
      "true",
      { phase: "Successful", value: "1", metadata: { warnings: '"a", "b"' } },
    ],
    [success("vector", []), "len(result) == 0", { phase: "Successful", value: "[]" }],
    [
      success("vector", []),
      "result[0] < 1",
      { phase: "Error", message: "reflect: slice index out of range" },
    ],
  ];
  for (const [said, successCondition, expected] of rows) {
    reply = said;
    assert.deepEqual(await ask(server, {}, { successCondition }), { ...expected, metricMetadata });
  }
  const { method, path, headers, body } = server.seen[0]!;
  assert.deepEqual([method, path], ["POST", "/prom/api/v1/query"]);
  assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
  assert.equal(body, "query=up&time=1767225600");
});

Deno.test("a range is asked for from and to times that are expressions", async () => {
  await using server = await MetricServer.open(() => success("matrix", []));
  const rangeQuery = { start: 'now() - duration("1h")', end: "now()", step: "1m30s" };
  await ask(server, { rangeQuery });
  assert.equal(server.seen[0]!.path, "/prom/api/v1/query_range");
  assert.equal(server.seen[0]!.body, "query=up&start=1767222000&end=1767225600&step=90");
  const rows: [object, string][] = [
    [{ start: "1" }, "failed to parse rangeQuery.start as time: expected time.Time, but got int"],
    [{ end: "noww()" }, "failed to parse rangeQuery.end as time: unknown name noww"],
    [{ start: "result" }, "failed to parse rangeQuery.start as time: unknown name result"],
    [
      { step: "1" },
      'failed to parse rangeQuery.step as duration: time: missing unit in duration "1"',
    ],
  ];
  for (const [wrong, message] of rows) {
    const answer = await ask(server, { rangeQuery: { ...rangeQuery, ...wrong } });
    assert.deepEqual(answer, { phase: "Error", message, metricMetadata: RESOLVED });
  }
});

Deno.test("a server that takes no POST is asked by GET", async () => {
  for (const status of [405, 501]) {
    await using server = await MetricServer.open(({ method }) =>
      method === "POST" ? { status, text: "" } : success("scalar", [1, "1"])
    );
    assert.equal((await ask(server, {})).phase, "Successful");
    const { method, path, body } = server.seen[1]!;
    assert.deepEqual([method, path, body], [
      "GET",
      "/prom/api/v1/query?query=up&time=1767225600",
      "",
    ]);
  }
});

Deno.test("what Prometheus refuses, and what is no answer of it, is an error in the words of its client", async () => {
  let reply: Reply = {};
  await using server = await MetricServer.open(() => reply);
  const rows: [Reply, string][] = [
    [
      { status: 400, json: { status: "error", errorType: "bad_data", error: "parse error" } },
      "bad_data: parse error",
    ],
    [
      { status: 422, json: { status: "success" } },
      "bad_response: inconsistent body for response code",
    ],
    [{ status: 404, text: "no" }, "client_error: client error: 404"],
    [{ status: 503, text: "no" }, "server_error: server error: 503"],
    [success("string", [1, "x"]), "Prometheus metric type not supported"],
    [success("other", []), 'unexpected value type "other"'],
    [success("scalar", [1, 2]), "sample value must be a quoted string"],
    [success("vector", [{}]), "sample value must be a quoted string"],
  ];
  for (const [said, message] of rows) {
    reply = said;
    const expected = { phase: "Error", message, metricMetadata: RESOLVED };
    assert.deepEqual(await ask(server, {}), expected);
  }
  reply = { text: "<html>" };
  assert.match((await ask(server, {})).message!, /^bad_response: /);
});

Deno.test("the address comes from the metric, or from the environment", async () => {
  await using server = await MetricServer.open(() => success("scalar", [1, "1"]));
  const provider = { prometheus: { query: "up" } };
  assert.deepEqual(await server.measure({ provider }), {
    phase: "Error",
    message: "prometheus address is not configured",
    metricMetadata: RESOLVED,
  });
  server.environment["ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"] = "http://api.default";
  assert.equal((await server.measure({ provider })).phase, "Successful");
  for (const address of ["api.default:9090", "/x", "http://"]) {
    assert.equal(
      (await ask(server, { address })).message,
      "prometheus address is not is url format",
    );
  }
  assert.equal(
    (await ask(server, { timeout: -1 })).message,
    "prometheus timeout should not be negative",
  );
});

Deno.test("headers, a token, or name and password in the address show who asks", async () => {
  await using server = await MetricServer.open(({ path }) =>
    path === "/token" ? { json: { access_token: "t" } } : success("scalar", [1, "1"])
  );
  await ask(server, { headers: [{ key: "X-Scope-OrgID", value: "team" }] });
  assert.equal(server.seen.at(-1)!.headers["x-scope-orgid"], "team");
  const oauth2 = { tokenUrl: "http://api.default/token", clientId: "a", clientSecret: "b" };
  await ask(server, { authentication: { oauth2 } });
  assert.equal(server.seen.at(-1)!.headers.authorization, "Bearer t");
  await ask(server, { address: "http://me:pass@api.default/" });
  assert.equal(server.seen.at(-1)!.headers.authorization, `Basic ${btoa("me:pass")}`);
});

Deno.test("Amazon's Prometheus is asked with a signature by the server's credentials, and nobody else", async () => {
  const environment: Record<string, string> = {};
  const files: Record<string, string> = {};
  const sent: OutgoingRequest[] = [];
  let answer: Answer | undefined;
  const ask = async (address: string, sigv4: object) => {
    const authentication = { sigv4: { region: "eu-west-1", ...sigv4 } };
    const metric = { provider: { prometheus: { address, query: "up", authentication } } };
    answer = await prometheus.measure(askFor(metric), {
      nowMs: () => Date.parse("2026-01-01T00:00:00Z"),
      environment: (name) => environment[name],
      homeFile: (path) => Promise.resolve(files[path]),
      send: (request) => {
        sent.push(request);
        const isRole = request.url.hostname === "sts.eu-west-1.amazonaws.com";
        const text = isRole ? ROLE : JSON.stringify(
          { status: "success", data: { resultType: "scalar", result: [1, "1"] } },
        );
        return Promise.resolve({ status: 200, body: new TextEncoder().encode(text) });
      },
    } as Partial<ProviderParts> as ProviderParts, new AbortController().signal);
    return new Map(sent.at(-1)?.headers);
  };
  const aws = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";
  await ask(aws, {});
  assert.match(answer!.message!, /NoCredentialProviders/);
  environment["AWS_ACCESS_KEY_ID"] = "AKID";
  environment["AWS_SECRET_ACCESS_KEY"] = "secret";
  environment["AWS_SESSION_TOKEN"] = "session";
  const signed = await ask(aws, {});
  assert.equal(signed.get("x-amz-security-token"), "session");
  assert.match(
    signed.get("Authorization")!,
    /^AWS4-HMAC-SHA256 Credential=AKID\/20260101\/eu-west-1\/aps\/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
  );
  files[".aws/credentials"] = "[other]\naws_access_key_id = B\naws_secret_access_key = c\n";
  assert.match((await ask(aws, { profile: "other" })).get("Authorization")!, /Credential=B\//);
  const asRole = await ask(aws, { roleArn: "arn:aws:iam::1:role/x" });
  assert.match(asRole.get("Authorization")!, /Credential=ROLE\//);
  assert.match(sent.at(-2)!.body!, /Action=AssumeRole&.*RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx/);
  for (
    const other of [
      "https://aps-workspaces.evil.example",
      "https://evil.example/aps-workspaces.amazonaws.com",
      "https://aps-workspaces.amazonaws.com.evil.example",
      "http://aps-workspaces.default.svc",
    ]
  ) assert.equal((await ask(other, {})).has("Authorization"), false, other);
});

const ROLE =
  "<AssumeRoleResponse><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" +
  "<SessionToken>t</SessionToken></AssumeRoleResponse>";

Deno.test("numbers are shown without exponents", () => {
  const rows: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [0.5, "0.5"],
    [-12.25, "-12.25"],
    [1e21, "1000000000000000000000"],
    [1.5e22, "15000000000000000000000"],
    [1e-7, "0.0000001"],
    [-2.5e-9, "-0.0000000025"],
    [123456.789, "123456.789"],
  ];
  for (const [value, text] of rows) assert.equal(plainText(value), text);
});

import assert from "node:assert/strict";
import type { WebMetric } from "../../../resources/argoproj/mod.ts";
import { MetricServer, type Reply } from "./metric_server_fixture.ts";

const URL = "http://api.default.svc/data";

function ask(server: MetricServer, web: Partial<WebMetric>, conditions: object = {}) {
  return server.measure({ provider: { web: { url: URL, ...web } }, ...conditions });
}

Deno.test("a web metric asks by GET, and judges the JSON that is answered", async () => {
  await using server = await MetricServer.open(() => ({
    json: { data: { ok: true, rate: 0.02, list: [1, 2] } },
  }));
  const conditions = { successCondition: "result.ok && result.rate < 0.05" };
  const value = '{"list":[1,2],"ok":true,"rate":0.02}';
  assert.deepEqual(await ask(server, { jsonPath: "{$.data}" }, conditions), {
    phase: "Successful",
    value,
  });
  const stricter = { successCondition: "result.rate < 0.01" };
  assert.deepEqual(await ask(server, { jsonPath: "{$.data}" }, stricter), {
    phase: "Failed",
    value,
  });
  assert.deepEqual(await ask(server, { jsonPath: "{$.data.list[1]}" }), {
    phase: "Successful",
    value: "2",
  });
  const { method, path, headers, body } = server.seen[0]!;
  assert.deepEqual([method, path, headers.host, body], ["GET", "/data", "api.default.svc", ""]);
});

Deno.test("a body is sent by POST and PUT only, as it is or as JSON, with the metric's headers", async () => {
  await using server = await MetricServer.open(() => ({ json: 1 }));
  const headers = [{ key: "X-A", value: "1" }, { key: "x-a", value: "2" }];
  await ask(server, { method: "POST", body: "plain", headers });
  const jsonBody = { b: [1], a: "<" };
  const typed = [...headers, { key: "content-type", value: "text/plain" }];
  await ask(server, { method: "PUT", jsonBody, headers: typed });
  const seen = server.seen.map(({ method, body, headers }) => [
    method,
    body,
    headers["x-a"],
    headers["content-type"],
    headers["content-length"],
  ]);
  assert.deepEqual(seen, [
    ["POST", "plain", "2", undefined, "5"],
    ["PUT", '{"a":"\\u003c","b":[1]}', "2", "application/json", "22"],
  ]);
  const faults: [Partial<WebMetric>, string][] = [
    [
      { body: "x" },
      "Body/JSONBody can only be used with POST or PUT WebMetric Method types",
    ],
    [
      { method: "POST", body: "x", jsonBody: {} },
      "use either Body or JSONBody; both cannot exists for WebMetric payload",
    ],
    [{ method: "DELETE" }, 'method "DELETE" is not supported'],
  ];
  for (const [web, message] of faults) {
    assert.deepEqual(await ask(server, web), { phase: "Error", message });
  }
  assert.equal(server.seen.length, 2);
});

Deno.test("what cannot be judged is an error in the words of Argo Rollouts; what is no JSON is successful", async () => {
  let reply: Reply = {};
  await using server = await MetricServer.open(() => reply);
  const conditions = { failureCondition: "result.bad > 0" };
  const rows: [Reply, Partial<WebMetric>, object][] = [
    [{ status: 503, text: "no" }, {}, { message: "received non 2xx response code: 503" }],
    [{ status: 304, text: "" }, {}, { message: "received non 2xx response code: 304" }],
    [{ text: "words" }, {}, { phase: "Successful", value: "words" }],
    [{ text: "" }, {}, { phase: "Successful", value: "" }],
    [{ json: {} }, { jsonPath: "{$.a.b}" }, {
      message: "Could not find JSONPath in body: a is not found",
    }],
    [{ json: { a: [] } }, { jsonPath: "{$.a[0]}" }, {
      message: "Could not find JSONPath in body: array index out of bounds: index 0, length 0",
    }],
    [{ json: { a: [] } }, { jsonPath: "{$.a[*]}" }, {
      message: "result of web metric produced no value",
    }],
    [{ json: {} }, { jsonPath: "{$.a" }, { message: "unclosed action" }],
    [{ json: 1 }, {}, { message: "type float64[string] is undefined" }],
    [{ json: { bad: "x" } }, {}, { message: "invalid operation: string > int" }],
  ];
  for (const [said, web, expected] of rows) {
    reply = said;
    assert.deepEqual(await ask(server, web, conditions), { phase: "Error", ...expected });
  }
});

Deno.test("a token is asked for with the client's credentials, in a header first and in the body then", async () => {
  let takesHeader = true;
  await using server = await MetricServer.open(({ path, headers, body }): Reply => {
    if (path === "/data") return { json: headers.authorization ?? "nobody" };
    const isKnown = takesHeader
      ? headers.authorization === `Basic ${btoa("me:s%2Bcret")}`
      : body.includes("client_id=me&client_secret=s%2Bcret");
    return isKnown
      ? { json: { access_token: "t0k", token_type: "bearer" } }
      : { status: 401, text: "who?" };
  });
  const tokenUrl = "http://api.default/token";
  const oauth2 = { tokenUrl, clientId: "me", clientSecret: "s+cret", scopes: ["a", "b"] };
  const known = { phase: "Successful", value: '"Bearer t0k"' };
  assert.deepEqual(await ask(server, { authentication: { oauth2 } }), known);
  assert.equal(server.seen[0]!.body, "grant_type=client_credentials&scope=a+b");
  takesHeader = false;
  assert.deepEqual(await ask(server, { authentication: { oauth2 } }), known);
  const wrong = { oauth2: { ...oauth2, clientSecret: "x" } };
  assert.deepEqual(await ask(server, { authentication: wrong }), {
    phase: "Error",
    message: "oauth2: cannot fetch token: 401\nResponse: who?",
  });
  const { clientSecret: _, ...half } = oauth2;
  assert.deepEqual(await ask(server, { authentication: { oauth2: half } }), {
    phase: "Error",
    message: "missing mandatory parameter in metric for OAuth2 setup",
  });
  const elsewhere = { oauth2: { ...oauth2, tokenUrl: "http://169.254.169.254/token" } };
  const { message } = await ask(server, { authentication: elsewhere });
  assert.match(message!, /link-local addresses are not asked/);
});

Deno.test("an answer is waited for 10 seconds, or as long as the metric says", async () => {
  let reached = Promise.withResolvers<void>();
  await using server = await MetricServer.open(() => () => reached.resolve());
  for (const [timeoutSeconds, ms] of [[undefined, 10_000], [3, 3_000]] as const) {
    reached = Promise.withResolvers();
    const answer = ask(server, timeoutSeconds ? { timeoutSeconds } : {});
    await reached.promise;
    await server.clock.advance(ms - 1);
    assert.equal(server.clock.pending, 1);
    await server.clock.advance(1);
    assert.deepEqual(await answer, {
      phase: "Error",
      message: `Get "${URL}": context deadline exceeded`,
    });
  }
});

Deno.test("sixteen requests are under way at once, the others wait, and one that is no longer wanted leaves", async () => {
  const held: (() => void)[] = [];
  const [sixteen, more] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using server = await MetricServer.open(() => (_, response) => {
    const count = held.push(() => response.end("1"));
    if (count === 16) sixteen.resolve();
    if (count === 17) more.resolve();
  });
  const { measure } = server.shared();
  const stop = new AbortController();
  const web = { provider: { web: { url: URL } } };
  const asked = Array.from({ length: 17 }, () => measure(web));
  const unwanted = measure(web, stop.signal);
  await sixteen.promise;
  stop.abort(new Error("The run has ended"));
  await assert.rejects(unwanted, /The run has ended/);
  assert.equal(server.seen.length, 16);
  held[0]!();
  await more.promise;
  for (const answer of held) answer();
  const all = await Promise.all(asked);
  assert.ok(all.every(({ phase }) => phase === "Successful"));
  assert.equal(server.seen.length, 17);
});

Deno.test("a metric whose provider is not there is an error that names those that are", async () => {
  await using server = await MetricServer.open(() => ({ json: 1 }));
  assert.deepEqual(await server.measure({ provider: { graphite: { query: "x" } } }), {
    phase: "Error",
    message:
      "provider \"graphite\" of metric 'm' is not supported; use web, job, prometheus or plugin",
  });
});

import assert from "node:assert/strict";
import type { Cors } from "../table/route_table.ts";
import { corsOutcome, type CorsRequest } from "./cors.ts";

const NONE: Cors = {
  allowOrigins: [],
  allowCredentials: false,
  allowMethods: [],
  allowHeaders: [],
  exposeHeaders: [],
  maxAgeSeconds: 5,
};

Deno.test("origins: as they are, by a wildcard, with the port that is meant", () => {
  const cases: [allowed: string, yes: string[], no: string[]][] = [
    ["https://a.com", ["https://a.com", "HTTPS://A.com", "https://a.com:443"], [
      "http://a.com",
      "https://a.com:8443",
      "https://a.com.evil",
      "https://xa.com",
      "null",
      "",
    ]],
    ["https://*.a.com", ["https://b.a.com", "https://c.b.a.com"], [
      "https://a.com",
      "https://.a.com",
      "https://evil/.a.com",
      "https://b.a.com:1",
      "a.com",
      "https://evil#.a.com",
      "https://evil?.a.com",
      "https://u@b.a.com.evil",
    ]],
    ["http://*.a.com:8080", ["http://b.a.com:8080"], ["http://b.a.com"]],
    ["http://*", ["http://b", "http://b.a.com:80"], ["https://b"]],
    ["https://a*b*c.com", ["https://a1b2c.com", "https://a.b.b.c.com", "https://axbbc.com"], [
      "https://abc.com",
      "https://a1bc.com",
      "https://ab2c.com",
      "https://a1c.com",
      "https://a12c.com",
    ]],
    ["https://a*b*b*c", ["https://a1b2b3c"], ["https://a1b2c", "https://a1bb3c", "https://a1b2bc"]],
    ["http://[::10]", ["http://[::10]:80"], ["http://[::1]"]],
    ["http://a:1", ["http://a:1"], ["http://a", "http://a:11"]],
    ["http://a:123456", [], ["http://a:123456"]],
    ["a.com", [], ["a.com", "://a.com", "http://a.com"]],
    ["*", ["https://a.com", "null"], []],
  ];
  for (const [allowed, yes, no] of cases) {
    const isAllowed = (origin: string) =>
      fieldsOf({ ...NONE, allowOrigins: [allowed], allowCredentials: true }, { origin })
        .includes(`Access-Control-Allow-Origin: ${origin}`);
    for (const origin of yes) assert.equal(isAllowed(origin), true, `${allowed}: ${origin}`);
    for (const origin of no) assert.equal(isAllowed(origin), false, `${allowed}: ${origin}`);
  }
});

Deno.test("a preflight request is told what is allowed, one of another origin nothing", () => {
  const cors: Cors = {
    ...NONE,
    allowOrigins: ["https://a.com"],
    allowMethods: ["PUT", "DELETE"],
    allowHeaders: ["X-A", "X-B"],
    exposeHeaders: ["X-C"],
    maxAgeSeconds: 600,
  };
  const asked = { method: "OPTIONS", requestMethod: "PUT", requestHeaders: "x-a" };
  assert.deepEqual(fieldsOf(cors, { ...asked, origin: "https://a.com" }), [
    "Access-Control-Allow-Origin: https://a.com",
    "Access-Control-Allow-Methods: PUT, DELETE",
    "Access-Control-Allow-Headers: X-A, X-B",
    "Access-Control-Max-Age: 600",
    "Vary: Origin",
  ]);
  assert.deepEqual(fieldsOf(cors, { ...asked, origin: "https://b.com" }), ["Vary: Origin"]);
  assert.deepEqual(fieldsOf(cors, { origin: "https://a.com" }), [
    "Access-Control-Allow-Origin: https://a.com",
    "Access-Control-Expose-Headers: X-C",
    "Vary: Origin",
  ]);
});

Deno.test("an origin need only be one of those that are allowed; what is not listed has no header", () => {
  const cors = { ...NONE, allowOrigins: ["https://a.com", "https://b.com"] };
  for (const origin of cors.allowOrigins) {
    const asked = { method: "OPTIONS", requestMethod: "PUT", requestHeaders: "x-a", origin };
    assert.deepEqual(fieldsOf(cors, asked), [
      `Access-Control-Allow-Origin: ${origin}`,
      "Access-Control-Max-Age: 5",
      "Vary: Origin",
    ]);
    assert.deepEqual(fieldsOf(cors, { origin }), [
      `Access-Control-Allow-Origin: ${origin}`,
      "Vary: Origin",
    ]);
  }
});

Deno.test("OPTIONS that no browser's preflight is goes to the backend", () => {
  for (const request of [{ origin: "https://a.com" }, { requestMethod: "PUT" }]) {
    const outcome = corsOutcome(NONE, { ...EMPTY, method: "OPTIONS", ...request });
    assert.ok("edit" in outcome);
  }
});

Deno.test("a star stays a star without credentials, and is what was asked for with them", () => {
  const all = ["*"];
  const lists = { allowOrigins: all, allowMethods: all, allowHeaders: all, exposeHeaders: all };
  const cors = { ...NONE, ...lists };
  const asked = {
    method: "OPTIONS",
    origin: "https://a.com",
    requestMethod: "PUT",
    requestHeaders: "x-a, x-b",
  };
  assert.deepEqual(fieldsOf(cors, asked), [
    "Access-Control-Allow-Origin: *",
    "Access-Control-Allow-Methods: *",
    "Access-Control-Allow-Headers: *",
    "Access-Control-Max-Age: 5",
  ]);
  assert.deepEqual(fieldsOf({ ...cors, allowCredentials: true }, asked), [
    "Access-Control-Allow-Origin: https://a.com",
    "Access-Control-Allow-Credentials: true",
    "Access-Control-Allow-Methods: PUT",
    "Access-Control-Allow-Headers: x-a, x-b",
    "Access-Control-Max-Age: 5",
    "Vary: Origin",
  ]);
  const plain = { ...EMPTY, origin: "https://a.com" };
  assert.deepEqual(fieldsOf({ ...cors, allowCredentials: true }, plain), [
    "Access-Control-Allow-Origin: https://a.com",
    "Access-Control-Allow-Credentials: true",
    "Vary: Origin",
  ]);
});

const EMPTY: CorsRequest = {
  method: "GET",
  origin: undefined,
  requestMethod: undefined,
  requestHeaders: undefined,
};

/** The fields of the answer, of whomever. */
function fieldsOf(cors: Cors, request: Partial<CorsRequest>): string[] {
  const outcome = corsOutcome(cors, { ...EMPTY, ...request });
  const fields = "preflight" in outcome
    ? outcome.preflight
    : [...outcome.edit.set, ...outcome.edit.add];
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

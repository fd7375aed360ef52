import assert from "node:assert/strict";
import { answerHeaders, requestHeaders } from "./proxy_headers.ts";
import { proxyName } from "./proxy_name.ts";

Deno.test("what belongs to a connection, and who asks, does not reach the backend", () => {
  const headers = requestHeaders({
    host: "api",
    authorization: "Bearer secret",
    "impersonate-user": "a",
    "x-remote-user": "b",
    connection: "keep-alive, X-Mine",
    "x-mine": "1",
    te: "trailers",
    "transfer-encoding": "chunked",
    upgrade: "h2c",
    cookie: "a=b",
    "x-forwarded-for": "1.2.3.4",
  }, { from: "10.0.0.9", uri: "/p" });
  assert.deepEqual(headers, {
    host: "api",
    cookie: "a=b",
    "x-forwarded-for": "1.2.3.4, 10.0.0.9",
    "x-forwarded-uri": "/p",
  });
});

Deno.test("a backend does not open the API to other sites", () => {
  const headers = answerHeaders({
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "set-cookie": ["a=1", "b=2"],
    "keep-alive": "timeout=5",
  });
  assert.deepEqual(headers, { "set-cookie": ["a=1", "b=2"] });
});

Deno.test("names with schemes and ports", () => {
  assert.deepEqual(proxyName("web"), { scheme: "", name: "web", port: "" });
  assert.deepEqual(proxyName("web:http"), { scheme: "", name: "web", port: "http" });
  assert.deepEqual(proxyName("https:web:443"), { scheme: "https", name: "web", port: "443" });
  assert.deepEqual(proxyName("https:web:"), { scheme: "https", name: "web", port: "" });
  for (const id of ["", ":80", "ftp:web:1", "a:b:c:d", "http::80"]) {
    assert.equal(proxyName(id), undefined);
  }
});

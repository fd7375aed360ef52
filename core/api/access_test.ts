import assert from "node:assert/strict";
import { freshApi, TOKEN } from "./api_fixture.ts";

Deno.test("everyone may ask for health and version, and for nothing else", async () => {
  const { api } = await freshApi();
  for (const path of ["/livez", "/readyz", "/healthz", "/livez/ping", "/version"]) {
    assert.equal((await api.app.request(path)).status, 200, path);
  }
  for (const path of ["/", "/api", "/api/v1/pods", "/openapi/v3", "/apply", "/versions"]) {
    const answer = await api.app.request(path);
    const { reason, message } = await answer.json();
    assert.deepEqual([answer.status, reason, message], [401, "Unauthorized", "Unauthorized"], path);
  }
  assert.equal((await api.app.request("/livez", { method: "POST" })).status, 401);
});

Deno.test("a wrong token is refused, whatever it begins with", async () => {
  const { api } = await freshApi();
  for (
    const authorization of [
      "Bearer x",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      "Basic eDp5",
    ]
  ) {
    const answer = await api.app.request("/api/v1/pods", { headers: { authorization } });
    assert.equal(answer.status, 401, authorization);
  }
});

/** A socket whose client certificate says who it is. */
function socketOf(authorized: boolean, subject: Record<string, unknown>) {
  return { socket: { authorized, getPeerCertificate: () => ({ subject }) } };
}

async function askAs(socket: unknown, path: string, method = "GET"): Promise<[number, string]> {
  const { api } = await freshApi();
  // Only what the middleware looks at; answers then go through the web response.
  const env = { incoming: socket } as never;
  const answer = await api.app.request(path, { method }, env);
  return [answer.status, (await answer.json()).message];
}

Deno.test("a client certificate of the group system:masters may do everything", async () => {
  const socket = socketOf(true, { CN: "root", O: ["a", "system:masters"] });
  assert.equal((await askAs(socket, "/api/v1/pods"))[0], 200);
});

Deno.test("a certificate that is not authorized is nobody", async () => {
  const socket = socketOf(false, { CN: "root", O: "system:masters" });
  assert.equal((await askAs(socket, "/api/v1/pods"))[0], 401);
});

Deno.test("others are told, in Kubernetes' words, what they cannot do", async () => {
  const jane = socketOf(true, { CN: "jane", O: "dev" });
  const table: [string, string, string][] = [
    [
      "GET",
      "/api/v1/pods",
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
    ],
    [
      "GET",
      "/api/v1/namespaces/x/pods?watch=true",
      'pods is forbidden: User "jane" cannot watch resource "pods" in API group "" in the namespace "x"',
    ],
    [
      "GET",
      "/api/v1/namespaces/x/pods/web/log",
      'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "x"',
    ],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/x/deployments/web",
      'deployments.apps "web" is forbidden: User "jane" cannot patch resource "deployments" in API group "apps" in the namespace "x"',
    ],
    [
      "DELETE",
      "/api/v1/nodes",
      'nodes is forbidden: User "jane" cannot deletecollection resource "nodes" in API group "" at the cluster scope',
    ],
    ["GET", "/", 'forbidden: User "jane" cannot get path "/"'],
  ];
  for (const [method, path, message] of table) {
    assert.deepEqual(await askAs(jane, path, method), [403, message]);
  }
});

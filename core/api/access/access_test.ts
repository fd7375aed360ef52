import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { derOf, madeCertificate, type Wanted } from "./certificate_fixture.ts";
import { ClientCertificates } from "./client_certificates.ts";
import { freshApi, TOKEN } from "../api_fixture.ts";
import { setPeer } from "./peer.ts";
import { createAuthority } from "./pki_certificates.ts";

Deno.test("everyone may ask for health and version, and for nothing else", async () => {
  const { api } = await freshApi();
  for (const path of ["/livez", "/readyz", "/healthz", "/livez/ping", "/version"]) {
    assert.equal((await api.app.request(path)).status, 200, path);
  }
  for (
    const path of ["/", "/api", "/api/v1/pods", "/openapi/v3", "/apply", "/versions", "/metrics"]
  ) {
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

const authority = await createAuthority("coracle-ca");
const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
const certificates = new ClientCertificates({ authority: authority.certificate, clock });

/** A connection whose client has shown a certificate of our authority. */
async function connectionOf(name: Wanted["name"]) {
  const socket = {};
  const certificate = derOf(await madeCertificate(authority, { name: name! }));
  setPeer(socket, { address: "127.0.0.1", port: 1, certificate });
  return { socket };
}

async function askAs(connection: unknown, path: string, method = "GET"): Promise<[number, string]> {
  const { api } = await freshApi({ certificates });
  // Only what the middleware looks at; answers then go through the web response.
  const env = { incoming: connection } as never;
  const answer = await api.app.request(path, { method }, env);
  return [answer.status, (await answer.json()).message];
}

Deno.test("a client certificate of the group system:masters may do everything", async () => {
  const connection = await connectionOf([{ O: ["a", "system:masters"] }, { CN: ["root"] }]);
  assert.equal((await askAs(connection, "/api/v1/pods"))[0], 200);
});

Deno.test("a certificate that we have not signed is nobody, whatever the socket says of it", async () => {
  const socket = { authorized: true, getPeerCertificate: () => ({ subject: { CN: "root" } }) };
  const self = derOf(await madeCertificate());
  setPeer(socket, { address: "127.0.0.1", port: 1, certificate: self });
  assert.equal((await askAs({ socket }, "/api/v1/pods"))[0], 401);
});

Deno.test("headers in which a proxy would say who asks are not believed", async () => {
  const { api } = await freshApi();
  const headers = { "x-remote-user": "admin", "x-remote-group": "system:masters" };
  assert.equal((await api.app.request("/api/v1/pods", { headers })).status, 401);
});

Deno.test("others are told, in Kubernetes' words, what they cannot do", async () => {
  const jane = await connectionOf([{ O: ["dev"] }, { CN: ["jane"] }]);
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

import assert from "node:assert/strict";
import { freshApi } from "../../api_fixture.ts";

const TOKEN = "abcdef.0123456789abcdef";
const GOOD = {
  "token-id": "abcdef",
  "token-secret": "0123456789abcdef",
  "usage-bootstrap-authentication": "true",
  expiration: "2026-01-02T00:00:00Z",
  "auth-extra-groups": "system:bootstrappers:edge",
};

/** Who asks with the token, when the Secret says that. */
async function who(
  stringData: Record<string, string>,
  { token = TOKEN, type = "bootstrap.kubernetes.io/token", namespace = "kube-system" } = {},
): Promise<unknown> {
  const { ask, api } = await freshApi();
  const secret = { metadata: { name: "bootstrap-token-abcdef" }, type, stringData };
  await ask("POST", `/api/v1/namespaces/${namespace}/secrets`, secret);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const answer = await api.app.request(path, { method: "POST", headers, body: "{}" });
  return (await answer.json()).status?.userInfo ?? answer.status;
}

Deno.test("a bootstrap token names a machine that joins, with the groups that its Secret gives", async () => {
  assert.deepEqual(await who(GOOD), {
    username: "system:bootstrap:abcdef",
    groups: ["system:bootstrappers", "system:bootstrappers:edge", "system:authenticated"],
  });
});

Deno.test("a bootstrap token that has ended, is of another Secret or gives other groups names nobody", async () => {
  const table: [Record<string, string>, Parameters<typeof who>[1]?][] = [
    [GOOD, { token: "abcdef.0123456789abcdee" }],
    [GOOD, { token: "abcdeg.0123456789abcdef" }],
    [GOOD, { token: "../def.0123456789abcdef" }],
    [GOOD, { type: "Opaque" }],
    [GOOD, { namespace: "default" }],
    [{ ...GOOD, expiration: "2025-12-31T00:00:00Z" }],
    [{ ...GOOD, expiration: "soon" }],
    [{ ...GOOD, "usage-bootstrap-authentication": "false" }],
    [{ ...GOOD, "auth-extra-groups": "system:masters" }],
    [{ ...GOOD, "token-id": "abcdeg" }],
    [{ ...GOOD, "token-secret": "" }],
  ];
  for (const [data, options] of table) {
    assert.equal(await who(data, options), 401, JSON.stringify([data, options]));
  }
});

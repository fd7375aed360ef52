import assert from "node:assert/strict";
import { createAuthority, issueClient } from "../core/api/access/pki_certificates.ts";
import { requireOwnIdentity } from "./agent_identity.ts";

const authority = await createAuthority("coracle-ca");
const pairOf = (commonName: string, organization?: string) =>
  issueClient(
    authority,
    { commonName, ...(organization === undefined ? {} : { organization }) },
    Date.parse("2030-01-01"),
  );
const access = { server: "https://192.0.2.1:6443", caPem: undefined, token: undefined };

Deno.test("an agent accepts the credentials of its own node", async () => {
  const pair = await pairOf("system:node:edge", "system:nodes");
  requireOwnIdentity({ ...access, pair }, "edge");
});

Deno.test("an agent refuses the credentials of the admin and of other nodes, and says how to get its own", async () => {
  const node = await pairOf("system:node:edge", "system:nodes");
  const table = [
    [{ pair: await pairOf("admin", "system:masters") }, /the credentials of "admin"/],
    [{ pair: node, token: "x" }, /has a token, as the admin's has/],
    [{ pair: undefined, token: "x" }, /has a token/],
    [{ pair: undefined }, /has no client certificate/],
    [{ pair: await pairOf("system:node:other", "system:nodes") }, /of "system:node:other"/],
    [{ pair: await pairOf("system:node:edge", "system:masters") }, /of "system:node:edge"/],
    [{ pair: { certificate: "x", key: "x" } }, /Cannot read the client certificate/],
  ] as const;
  for (const [has, words] of table) {
    const refused = () => requireOwnIdentity({ ...access, ...has }, "edge");
    assert.throws(refused, words);
    if (String(words).includes("Cannot read")) continue;
    assert.throws(
      refused,
      /coracle credentials create node edge --server https:\/\/192\.0\.2\.1:6443 --output edge\.kubeconfig$/,
    );
  }
});

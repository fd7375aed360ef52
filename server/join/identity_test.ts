import assert from "node:assert/strict";
import { createAuthority, issueClient } from "../../core/api/access/pki_certificates.ts";
import { JoinError } from "../../core/client/joining/join_error.ts";
import { type IdentityParts, readIdentity, writeIdentity } from "./identity.ts";

const END_MS = Date.parse("2027-01-01T00:00:00Z");

async function partsOf(commonName: string): Promise<IdentityParts> {
  const authority = await createAuthority("ca");
  const pair = await issueClient(authority, { commonName, organization: "system:nodes" }, END_MS);
  return {
    servers: ["https://a:1", "https://b:2"],
    caPem: authority.certificate,
    pair,
    issuedMs: Date.parse("2026-01-01T00:00:00Z"),
  };
}

Deno.test("an identity is read as it was written, and open to its owner alone", async () => {
  const folder = await Deno.makeTempDir();
  assert.equal(await readIdentity(folder), undefined);
  const parts = await partsOf("system:node:edge");
  await writeIdentity(folder, parts);
  const { node, server, notAfterMs, token, ...rest } = (await readIdentity(folder))!;
  assert.deepEqual(rest, parts);
  assert.deepEqual([node, server, notAfterMs, token], ["edge", "https://a:1", END_MS, undefined]);
  for await (const { name } of Deno.readDir(`${folder}/identity`)) {
    assert.equal((await Deno.stat(`${folder}/identity/${name}`)).mode! & 0o777, 0o600, name);
  }
  assert.equal((await Deno.stat(`${folder}/identity`)).mode! & 0o777, 0o700);

  const { issuedMs: _, ...unknown } = parts;
  await writeIdentity(folder, unknown);
  assert.equal((await readIdentity(folder))!.issuedMs, undefined);
});

Deno.test("without its last file a machine has not joined; what is damaged is told, with what to do", async () => {
  const folder = await Deno.makeTempDir();
  await writeIdentity(folder, await partsOf("system:node:edge"));
  const [file, whole] = [
    `${folder}/identity/node.pem`,
    await Deno.readTextFile(`${folder}/identity/node.pem`),
  ];
  const told = (error: unknown) =>
    error instanceof JoinError && /remove the folder and join again/.test(error.message);
  for (const text of ["", whole.slice(0, 700), whole.replace("MII", "AAA")]) {
    await Deno.writeTextFile(file, text);
    await assert.rejects(readIdentity(folder), told, text);
  }
  await Deno.remove(file);
  assert.equal(await readIdentity(folder), undefined);
  await writeIdentity(folder, await partsOf("admin"));
  await assert.rejects(readIdentity(folder), told);
});

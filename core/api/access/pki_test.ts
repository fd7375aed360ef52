import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CredentialFiles } from "./credential_files.ts";
import { type CredentialStore, kubeconfig, loadCredentials } from "./pki.ts";

const NOW_MS = Date.parse("2027-01-01T00:00:00Z");

class MemoryCredentials implements CredentialStore {
  readonly files = new Map<string, string>();
  readonly secrets = new Set<string>();
  read(name: string): Promise<string | undefined> {
    return Promise.resolve(this.files.get(name));
  }
  write(name: string, text: string, { secret }: { secret: boolean }): Promise<void> {
    this.files.set(name, text);
    if (secret) this.secrets.add(name);
    return Promise.resolve();
  }
}

Deno.test("the first start makes an authority, a server certificate and an admin", async () => {
  const store = new MemoryCredentials();
  const { authority, server, admin } = await loadCredentials(store, ["edge-1", "10.0.0.7"], NOW_MS);
  const [ca, serving, client] = [authority, server.certificate, admin.certificate].map((pem) =>
    new X509Certificate(pem)
  );
  assert.ok(serving!.verify(ca!.publicKey) && client!.verify(ca!.publicKey));
  assert.ok(serving!.checkHost("edge-1") && serving!.checkIP("10.0.0.7"));
  assert.ok(serving!.checkHost("kubernetes.default.svc") && serving!.checkIP("127.0.0.1"));
  assert.match(client!.subject, /O=system:masters/);
  assert.ok(
    Date.parse(serving!.validFrom) < Date.parse("2020-01-02"),
    "a clock may be years behind",
  );
  assert.ok(Date.parse(serving!.validTo) > Date.parse("2070-01-01"));
  assert.deepEqual([...store.secrets].sort(), ["admin.key", "admin.token", "ca.key", "server.key"]);
});

Deno.test("later starts take what is there", async () => {
  const store = new MemoryCredentials();
  const first = await loadCredentials(store, ["edge-1"], NOW_MS);
  assert.deepEqual(await loadCredentials(store, ["edge-1"], NOW_MS), first);
});

Deno.test("a new name gets a new server certificate of the same authority", async () => {
  const store = new MemoryCredentials();
  const first = await loadCredentials(store, [], NOW_MS);
  const second = await loadCredentials(store, ["192.168.1.2"], NOW_MS);
  assert.equal(second.authority, first.authority);
  assert.equal(second.admin.token, first.admin.token);
  assert.ok(new X509Certificate(second.server.certificate).checkIP("192.168.1.2"));
});

Deno.test("what was signed by another authority is made anew", async () => {
  const store = new MemoryCredentials();
  await loadCredentials(store, [], NOW_MS);
  store.files.delete("ca.key");
  const { authority, server, admin } = await loadCredentials(store, [], NOW_MS);
  const ca = new X509Certificate(authority);
  for (const { certificate } of [server, admin]) {
    assert.ok(new X509Certificate(certificate).verify(ca.publicKey));
  }
});

Deno.test("the kubeconfig carries the authority and the address", async () => {
  const credentials = await loadCredentials(new MemoryCredentials(), [], NOW_MS);
  const { authority, admin } = credentials;
  const text = kubeconfig({ authority, url: "https://127.0.0.1:1234", user: "admin", ...admin });
  assert.match(text, /server: https:\/\/127\.0\.0\.1:1234\n/);
  assert.ok(text.includes(btoa(credentials.authority)));
});

Deno.test("keys and tokens are files that only the owner reads", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = new CredentialFiles(folder);
    await loadCredentials(files, [], NOW_MS);
    const modes = ["pki/ca.key", "pki/server.key", "admin.token"].map((name) =>
      (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777
    );
    assert.deepEqual(modes, [0o600, 0o600, 0o600]);
    assert.equal(await files.read("no.such"), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

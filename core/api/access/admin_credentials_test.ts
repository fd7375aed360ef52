import assert from "node:assert/strict";
import { silentLog } from "../../lib/log.ts";
import { Random } from "../../lib/random.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { Objects } from "../../objects/objects.ts";
import { MemoryDisk, MemoryJournal } from "../../store/memory_journal.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { type CredentialStore, loadCredentials } from "./pki.ts";
import { AdminCredentials } from "./admin_credentials.ts";
import { derOf } from "./certificate_fixture.ts";
import { ClientCertificates } from "./client_certificates.ts";
import { Credentials } from "./credentials.ts";
import { tokenId } from "./token_id.ts";

const DAY_MS = 86_400_000;

class Files implements CredentialStore {
  readonly texts = new Map<string, string>();
  /** Names that cannot be written. */
  readonly broken = new Set<string>();
  read(name: string): Promise<string | undefined> {
    return Promise.resolve(this.texts.get(name));
  }
  write(name: string, text: string): Promise<void> {
    if (this.broken.has(name)) return Promise.reject(new Error(`no room for ${name}`));
    this.texts.set(name, text);
    return Promise.resolve();
  }
}

/** A server that can be started again on its files and its disk. */
class Server {
  readonly files = new Files();
  readonly clock = new VirtualClock(Date.parse("2027-01-01T00:00:00Z"));
  disk = new MemoryDisk();
  register!: Credentials;
  admin!: AdminCredentials;
  #certificates!: ClientCertificates;

  async start({ isAlone = true } = {}): Promise<this> {
    const { files, clock } = this;
    const store = await MemoryStore.open(new MemoryJournal(this.disk), {});
    const objects = new Objects({ store, clock, random: new Random(1) });
    const loaded = await loadCredentials(files, [], clock.now());
    const log = silentLog(clock);
    this.register = new Credentials(objects);
    this.admin = new AdminCredentials({
      files,
      loaded,
      register: this.register,
      clock,
      log,
      isAlone,
    });
    await this.admin.renewIfDue();
    await this.admin.record();
    await this.admin.publish("https://127.0.0.1:6443");
    const { authority } = loaded;
    this.#certificates = new ClientCertificates({ authority, clock, revocations: this.register });
    return this;
  }

  file(name: string): string {
    return this.files.texts.get(name)!;
  }

  /** What the admin shows now. */
  shown(): { certificate: string; token: string } {
    return { certificate: this.file("admin.crt"), token: this.file("admin.token").trim() };
  }

  /** Whether certificate and token still count. */
  counts({ certificate, token }: { certificate: string; token: string }): [boolean, boolean] {
    return [
      "user" in this.#certificates.verdictOn(derOf({ certificate })),
      this.register.userOfToken(tokenId(token)) !== undefined,
    ];
  }
}

Deno.test("the admin's certificate lives a year, and is a new one after two thirds of it", async () => {
  const server = await new Server().start();
  const first = server.shown();
  await server.clock.advance(242 * DAY_MS);
  await server.admin.renewIfDue();
  assert.deepEqual(server.shown(), first, "not yet");
  await server.clock.advance(2 * DAY_MS);
  await server.admin.renewIfDue();
  const second = server.shown();
  assert.notEqual(second.certificate, first.certificate);
  assert.equal(second.token, first.token);
  assert.ok(server.file("admin.kubeconfig").includes(btoa(second.certificate)));
  assert.deepEqual(server.counts(first), [true, true], "the old one goes on");
  await server.clock.advance(122 * DAY_MS);
  assert.deepEqual(server.counts(first), [false, true], "until it expires");
  assert.deepEqual(server.counts(second), [true, true]);
});

Deno.test("a certificate renews itself while the server runs", async () => {
  const server = await new Server().start();
  const stop = new AbortController();
  const running = server.admin.run(stop.signal).catch(() => {}); // ends by the signal
  const first = server.shown();
  for (let day = 0; day < 245; day++) await server.clock.advance(DAY_MS);
  await server.admin.renewIfDue();
  assert.notEqual(server.shown().certificate, first.certificate);
  stop.abort();
  await running;
});

Deno.test("after a rotation neither the old token nor the old certificate counts, also after a restart", async () => {
  const server = await new Server().start();
  const old = server.shown();
  await server.admin.rotate();
  const fresh = server.shown();
  assert.deepEqual(server.counts(old), [false, false]);
  assert.deepEqual(server.counts(fresh), [true, true]);
  for (const text of [fresh.token, btoa(fresh.certificate), btoa(server.file("admin.key"))]) {
    assert.ok(server.file("admin.kubeconfig").includes(text));
  }
  await server.start();
  assert.deepEqual(server.shown(), fresh);
  assert.deepEqual([server.counts(old), server.counts(fresh)], [[false, false], [true, true]]);
});

Deno.test("a rotation that cannot be written changes nothing", async () => {
  const server = await new Server().start();
  const old = server.shown();
  server.files.broken.add("admin.kubeconfig");
  await assert.rejects(server.admin.rotate(), /no room for admin.kubeconfig/);
  server.files.broken.clear();
  assert.deepEqual([server.shown(), server.counts(old)], [old, [true, true]]);
});

Deno.test("what is removed from the data folder counts no longer from the next start on", async () => {
  const server = await new Server().start();
  const old = server.shown();
  for (const name of ["admin.crt", "admin.key"]) server.files.texts.delete(name);
  await server.start();
  assert.deepEqual(server.counts(old), [false, true], "the token was left there");
  server.files.texts.delete("admin.token");
  await server.start();
  assert.deepEqual(server.counts(old), [false, false]);
  assert.deepEqual(server.counts(server.shown()), [true, true]);
});

Deno.test("a folder without a server's certificate was copied: nothing is revoked by it", async () => {
  const server = await new Server().start();
  const old = server.shown();
  for (const name of ["admin.crt", "admin.key", "server.crt", "server.key"]) {
    server.files.texts.delete(name);
  }
  await server.start();
  assert.deepEqual(server.counts(old), [true, true]);
});

Deno.test("old files that are put back are replaced, and give nobody any rights", async () => {
  const server = await new Server().start();
  const old = new Map(server.files.texts);
  const shown = server.shown();
  await server.admin.rotate();
  for (const [name, text] of old) server.files.texts.set(name, text);
  await server.start();
  assert.deepEqual(server.counts(shown), [false, false]);
  assert.notEqual(server.shown().token, shown.token);
  assert.deepEqual(server.counts(server.shown()), [true, true]);
});

Deno.test("a key and a certificate that a crash has torn apart are made anew", async () => {
  const server = await new Server().start();
  const { certificate } = server.shown();
  await server.admin.rotate();
  server.files.texts.set("admin.crt", certificate);
  await server.start();
  assert.notEqual(server.shown().certificate, certificate);
  assert.deepEqual(server.counts(server.shown()), [true, true]);
});

Deno.test("the current certificate, revoked by its serial number, is replaced at once", async () => {
  const server = await new Server().start();
  const old = server.shown();
  const { id } = server.register.register.issued[0]!;
  await server.register.revoke(id);
  assert.deepEqual(server.counts(old), [false, true]);
  await server.admin.renewIfDue();
  assert.notEqual(server.shown().certificate, old.certificate);
  assert.deepEqual(server.counts(server.shown()), [true, true]);
});

Deno.test("a revocation ends what another server that shares the store has, which then makes its own anew", async () => {
  const one = await new Server().start({ isAlone: false });
  const two = new Server();
  two.disk = one.disk;
  for (const name of ["ca.crt", "ca.key", "admin.token"]) two.files.texts.set(name, one.file(name));
  await two.start({ isAlone: false });
  const old = two.shown();
  assert.equal(old.token, one.shown().token);
  await two.register.revokeUser("admin"); // as the other one's rotation does
  assert.deepEqual(two.counts(old), [false, false]);
  await two.admin.renewIfDue();
  assert.deepEqual(two.counts(two.shown()), [true, true]);
});

Deno.test("a user whose credentials have ended is let in again by those that are issued later", async () => {
  const server = await new Server().start();
  const { register } = server;
  const credential = (id: string) => ({
    id,
    type: "certificate" as const,
    user: "system:node:a",
    groups: ["system:nodes"],
    issuedAt: "2027-01-01T00:00:00Z",
  });
  const isRevoked = (serial: string) =>
    register.isRevoked({ serial, name: "system:node:a", groups: [] });
  await register.issue(credential("aa"));
  await register.revokeUser("system:node:a");
  assert.deepEqual([isRevoked("aa"), isRevoked("ff")], [true, true], "known or not");
  await register.issue(credential("bb"));
  assert.deepEqual([isRevoked("aa"), isRevoked("bb")], [true, false]);
  assert.ok(!register.isRevoked({ serial: "aa", name: "system:node:b", groups: [] }));
});

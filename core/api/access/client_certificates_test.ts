import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { createAuthority } from "./pki_certificates.ts";
import { derOf, madeCertificate, unheardOf, type Wanted } from "./certificate_fixture.ts";
import { type CertifiedUser, ClientCertificates, VERDICTS_MAX } from "./client_certificates.ts";

const authority = await createAuthority("coracle-ca");
const impostor = await createAuthority("coracle-ca");
const NOW_MS = Date.parse("2026-11-30T12:00:00Z");

function checkerAt(nowMs = NOW_MS, revoked: (user: CertifiedUser) => boolean = () => false) {
  const clock = new VirtualClock(nowMs);
  const revocations = { isRevoked: revoked };
  const { certificate } = authority;
  return {
    clock,
    certificates: new ClientCertificates({ authority: certificate, clock, revocations }),
  };
}

async function verdict(wanted: Wanted, signer: typeof authority | undefined = authority) {
  return checkerAt().certificates.verdictOn(derOf(await madeCertificate(signer, wanted)));
}

Deno.test("a certificate of the authority, in time and for clients, names a user and his groups", async () => {
  const { certificates } = checkerAt();
  const der = derOf(await madeCertificate(authority, { serial: "00ab12" }));
  const user = { name: "admin", groups: ["system:masters"], serial: "ab12" };
  for (const bytes of [der, der, der.slice()]) {
    const { user: named } = certificates.verdictOn(bytes) as { user: CertifiedUser };
    assert.deepEqual(named, user);
  }
});

Deno.test("every organization is a group, in whatever way it is written", async () => {
  const table: [Wanted["name"], string, string[]][] = [
    [[{ CN: ["jane"] }], "jane", []],
    [[{ O: ["a"] }, { O: ["b"] }, { CN: ["jane"] }], "jane", ["a", "b"]],
    [[{ O: ["a", "b"] }, { CN: ["jane"] }], "jane", ["a", "b"]],
    [[{ O: ["dev"], CN: ["jane"] }], "jane", ["dev"]],
    [[{ CN: [{ utf8String: "Jürgen" }] }], "Jürgen", []],
    [[{ CN: [{ bmpString: "Zoë" }] }], "Zoë", []],
    [[{ CN: [{ printableString: "jane" }] }, { O: [{ ia5String: "x" }] }], "jane", ["x"]],
    [[{ CN: ["system:node:edge-1"] }, { OU: ["system:masters"] }], "system:node:edge-1", []],
  ];
  for (const [name, user, groups] of table) {
    const found = await verdict({ name: name! });
    assert.ok("user" in found, JSON.stringify([name, found]));
    assert.deepEqual([found.user.name, [...found.user.groups].sort()], [user, groups]);
  }
});

Deno.test("what is not in order names nobody, and says why", async () => {
  const table: [string, Wanted, RegExp, (typeof authority)?][] = [
    ["another authority of the same name", {}, /our authority has not signed it/, impostor],
    ["made for servers", { usage: "server" }, /not made for clients/],
    ["made for nothing", { usage: "none" }, /not made for clients/],
    ["its key does not sign", { signs: false }, /not made for clients/],
    ["an authority", { isAuthority: true }, /an authority's/],
    ["expired", { notAfter: "2026-11-29T00:00:00Z" }, /has expired on 2026-11-29T00:00:00.000Z/],
    ["not yet valid", { notBefore: "2026-12-01T00:00:00Z" }, /not valid before 2026-12-01/],
    ["an unknown critical extension", {
      extensions: [unheardOf({ isCritical: true })],
    }, /critical extension 1\.2\.3\.4\.5/],
    ["no common name", { name: [{ O: ["system:masters"] }] }, /0 common names/],
    ["an empty common name", { name: [{ CN: [""] }, { O: ["system:masters"] }] }, /name is empty/],
    ["two common names", { name: [{ CN: ["jane"] }, { CN: ["admin"] }] }, /2 common names/],
    ["a control character", { name: [{ CN: ["admin\u0000.example"] }] }, /control characters/],
    ["an extension twice", {
      extensions: [unheardOf({ isCritical: false }), unheardOf({ isCritical: false })],
    }, /an extension twice/],
  ];
  for (const [what, wanted, reason, signer] of table) {
    const found = await verdict(wanted, signer);
    assert.ok("refused" in found, what);
    assert.match(found.refused, reason, what);
  }
  const selfSigned = checkerAt().certificates.verdictOn(derOf(await madeCertificate()));
  assert.deepEqual(selfSigned, { refused: "another authority has issued it" });
});

Deno.test("an extension that need not be understood is no reason to refuse", async () => {
  const extensions = [unheardOf({ isCritical: false })];
  assert.ok("user" in await verdict({ extensions }));
});

Deno.test("dates and revocation are asked each time, although the verdict is remembered", async () => {
  const revoked = new Set<string>();
  const { clock, certificates } = checkerAt(NOW_MS, ({ serial }) => revoked.has(serial));
  const der = derOf(await madeCertificate(authority, { notAfter: "2026-11-30T13:00:00Z" }));
  const first = certificates.verdictOn(der);
  assert.ok("user" in first);
  revoked.add(first.user.serial);
  assert.deepEqual(certificates.verdictOn(der), { refused: "it is revoked" });
  revoked.clear();
  assert.ok("user" in certificates.verdictOn(der));
  await clock.advance(3_600_001);
  assert.ok("refused" in certificates.verdictOn(der));
});

Deno.test("no byte of a certificate can be changed, and none left out", async () => {
  const { certificates } = checkerAt();
  const der = derOf(await madeCertificate(authority));
  for (let at = 0; at < der.length; at++) {
    const changed = der.slice();
    changed[at]! ^= 1 << (at % 8);
    assert.ok("refused" in certificates.verdictOn(changed), `byte ${at}`);
    assert.ok("refused" in certificates.verdictOn(der.slice(0, at)), `cut at ${at}`);
  }
  assert.ok("refused" in certificates.verdictOn(new Uint8Array([...der, 0])));
});

Deno.test("whatever bytes a stranger shows: they name nobody, and nothing is thrown", async () => {
  const { certificates } = checkerAt();
  const good = derOf(await madeCertificate(authority));
  const change = fc.record({
    at: fc.nat(good.length - 1),
    drop: fc.nat(6),
    add: fc.uint8Array({ maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = changes.reduce(
        (bytes, { at, drop, add }) => [...bytes.slice(0, at), ...add, ...bytes.slice(at + drop)],
        [...good],
      );
      const isGood = bytes.length === good.length && bytes.every((byte, i) => byte === good[i]);
      return isGood || "refused" in certificates.verdictOn(new Uint8Array(bytes));
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => "refused" in certificates.verdictOn(bytes),
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("more certificates than are remembered are still judged rightly", async () => {
  const { certificates } = checkerAt();
  const good = derOf(await madeCertificate(authority));
  assert.ok("user" in certificates.verdictOn(good));
  for (let i = 0; i <= VERDICTS_MAX; i++) {
    certificates.verdictOn(new Uint8Array([0x30, 0, i, i >> 8]));
  }
  assert.ok("user" in certificates.verdictOn(good));
  assert.ok("user" in certificates.verdictOn(good.slice()));
});

import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import assert from "node:assert/strict";
import fc from "fast-check";
import { createAuthority } from "./pki_certificates.ts";
import {
  certificateOfPem,
  isAuthority,
  isForClients,
  isSignedBy,
  parseCertificate,
  publicKeyOf,
} from "../../lib/der/certificate.ts";
import { derOf, madeCertificate, type Wanted } from "./certificate_fixture.ts";

/** As many as make a second: each is signed. */
const CERTIFICATES = 150;

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((text) => text.trim() === text && !/[\0\\]|^#/.test(text)); // the library has its own use for these
const day = fc.date({
  min: new Date("1951-01-01T00:00:00Z"), // before 2050 in one form, after in another
  max: new Date("2149-01-01T00:00:00Z"),
  noInvalidDate: true,
}).map((date) => `${date.toISOString().slice(0, 19)}Z`);
const wanted = fc.record({
  name: fc.array(fc.oneof(word.map((CN) => ({ CN: [CN] })), word.map((O) => ({ O: [O] }))), {
    minLength: 1,
    maxLength: 4,
  }),
  notBefore: day,
  notAfter: day,
  usage: fc.constantFrom("client", "server", "none"),
  isAuthority: fc.boolean(),
  signs: fc.boolean(),
  serial: fc.uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => Uint8Array.from([0x11, ...bytes]).toHex()),
});

Deno.test("certificates are read as a library reads them", async () => {
  const authority = await createAuthority("an authority");
  const key = publicKeyOf(certificateOfPem(authority.certificate));
  const other = publicKeyOf(certificateOfPem((await createAuthority("another")).certificate));
  await fc.assert(
    fc.asyncProperty(wanted, async (given) => {
      const der = derOf(await madeCertificate(authority, given as Wanted));
      assert.deepEqual(fieldsOf(der), readByLibrary(der));
      const ours = parseCertificate(der);
      assert.deepEqual([isSignedBy(ours, key), isSignedBy(ours, other)], [true, false]);
    }),
    { numRuns: CERTIFICATES },
  );
});

Deno.test("a certificate with a byte changed is read as a library reads it, or not at all", async () => {
  const authority = await createAuthority("an authority");
  const der = derOf(await madeCertificate(authority));
  let read = 0;
  for (let at = 0; at < der.length; at++) {
    const changed = der.with(at, der[at]! ^ 0x01);
    const [ours, theirs] = [tried(() => fieldsOf(changed)), tried(() => readByLibrary(changed))];
    if (ours === undefined || theirs === undefined) continue; // one of them is stricter
    assert.deepEqual(ours, theirs, `byte ${at}`);
    read++;
  }
  assert.ok(read > der.length / 4, `of ${der.length} only ${read} were read by both`);
});

function fieldsOf(der: Uint8Array) {
  const certificate = parseCertificate(der);
  return {
    serial: certificate.serial,
    commonNames: certificate.commonNames,
    organizations: certificate.organizations,
    dates: [certificate.notBeforeMs, certificate.notAfterMs],
    isAuthority: isAuthority(certificate),
    isForClients: isForClients(certificate),
  };
}

function readByLibrary(der: Uint8Array) {
  const certificate = new x509.X509Certificate(der as Uint8Array<ArrayBuffer>);
  const [commonNames, organizations] = ["CN", "O"].map((name) =>
    certificate.subjectName.getField(name)
  ) as [string[], string[]];
  // Of strings of rare types it shows the bytes, header included.
  assert.ok(![...commonNames, ...organizations].some((text) => /^[01][0-9a-f]{5}/.test(text)));
  const { digitalSignature } = x509.KeyUsageFlags;
  const keyUsage = certificate.getExtension(x509.KeyUsagesExtension);
  const extended = certificate.getExtension(x509.ExtendedKeyUsageExtension);
  return {
    serial: certificate.serialNumber,
    commonNames,
    organizations,
    dates: [certificate.notBefore.getTime(), certificate.notAfter.getTime()],
    isAuthority: certificate.getExtension(x509.BasicConstraintsExtension)?.ca ?? false,
    isForClients: (keyUsage === null || (keyUsage.usages & digitalSignature) !== 0) &&
      (extended?.usages.includes(x509.ExtendedKeyUsage.clientAuth) ?? false),
  };
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // not readable, which is an answer too
  }
}

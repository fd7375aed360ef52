import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { createAuthority, isIp, issueClient, issueServer } from "./pki_certificates.ts";

const NOT_AFTER_MS = Date.parse("2031-02-03T04:05:06Z");
x509.cryptoProvider.set(crypto);

/** What another library reads in a certificate. */
function read(pem: string) {
  const certificate = new x509.X509Certificate(pem);
  const extension = <T extends x509.Extension>(type: new (...args: never[]) => T) =>
    certificate.getExtension(type as unknown as typeof x509.Extension) as unknown as T;
  return {
    certificate,
    subject: certificate.subject,
    issuer: certificate.issuer,
    constraints: extension(x509.BasicConstraintsExtension),
    usage: extension(x509.KeyUsagesExtension),
    extendedUsage: certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages,
    names: certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON(),
    keyId: certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
    authorityKeyId: certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
  };
}

Deno.test("an authority signs itself, and may sign certificates and nothing but", async () => {
  const { certificate, key } = await createAuthority("Küste");
  const { constraints, usage, subject, issuer, keyId, ...ca } = read(certificate);
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  assert.deepEqual([subject, issuer], ["CN=Küste", "CN=Küste"]);
  assert.deepEqual([constraints.ca, constraints.critical], [true, true]);
  assert.deepEqual(
    [usage.usages, usage.critical],
    [keyCertSign | cRLSign | digitalSignature, true],
  );
  const derived = await x509.SubjectKeyIdentifierExtension.create(ca.certificate.publicKey);
  assert.equal(keyId, derived.keyId);
  assert.ok(await ca.certificate.verify({ signatureOnly: true }));
  assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)));
});

Deno.test("a server's certificate names all that it is reached by", async () => {
  const authority = await createAuthority("ca");
  const names = ["edge-1", "10.0.0.7", "fd00::7", "kubernetes.default.svc"];
  const { certificate, key } = await issueServer(authority, { commonName: "api" }, names);
  const server = read(certificate);
  const ca = read(authority.certificate);
  assert.deepEqual([server.subject, server.issuer], ["CN=api", "CN=ca"]);
  assert.deepEqual(server.names, [
    { type: "dns", value: "edge-1" },
    { type: "ip", value: "10.0.0.7" },
    { type: "ip", value: "fd00::7" },
    { type: "dns", value: "kubernetes.default.svc" },
  ]);
  assert.deepEqual([server.constraints.ca, server.constraints.critical], [false, true]);
  assert.equal(server.usage.usages, x509.KeyUsageFlags.digitalSignature);
  assert.deepEqual([...server.extendedUsage!], [x509.ExtendedKeyUsage.serverAuth]);
  assert.equal(server.authorityKeyId, ca.keyId);
  assert.ok(await server.certificate.verify({ publicKey: ca.certificate, signatureOnly: true }));
  assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)));
});

Deno.test("a client's certificate says who it is, and ends when it should", async () => {
  const authority = await createAuthority("ca");
  const subject = { commonName: "admin", organization: "system:masters" };
  const { certificate } = await issueClient(authority, subject, NOT_AFTER_MS);
  const client = read(certificate);
  assert.equal(client.subject, "O=system:masters, CN=admin");
  assert.equal(client.certificate.notAfter.getTime(), NOT_AFTER_MS);
  assert.equal(client.certificate.notBefore.toISOString(), "1970-01-01T00:00:00.000Z");
  assert.deepEqual([...client.extendedUsage!], [x509.ExtendedKeyUsage.clientAuth]);
});

Deno.test("an authority that another library has made signs as well, by its own names", async () => {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=elsewhere",
    keys: { publicKey, privateKey },
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  const authority = {
    certificate: made.toString("pem"),
    key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
  };
  const { certificate } = await issueServer(authority, { commonName: "api" }, ["api"]);
  const [ca, issued] = [authority.certificate, certificate].map((pem) => new X509Certificate(pem));
  assert.equal(issued!.issuer, ca!.subject);
  assert.ok(issued!.verify(ca!.publicKey));
});

Deno.test("each certificate has a serial number of its own, which is positive and of 16 bytes", async () => {
  const pairs = await Promise.all(Array.from({ length: 20 }, () => createAuthority("ca")));
  const serials = pairs.map(({ certificate }) => new X509Certificate(certificate).serialNumber);
  assert.equal(new Set(serials).size, serials.length);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

Deno.test("an authority's key of another kind is refused in words", async () => {
  const authority = await createAuthority("ca");
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", (pair as CryptoKeyPair).privateKey);
  const key = x509.PemConverter.encode(pkcs8, "PRIVATE KEY");
  await assert.rejects(
    issueServer({ ...authority, key }, { commonName: "api" }, []),
    /not one of P-256/,
  );
});

Deno.test("what is no IP address is a DNS name", () => {
  for (const name of ["127.0.0.1", "::1", "fe80::1"]) assert.ok(isIp(name), name);
  for (const name of ["edge-1", "1.2.3", "999.1.1.1", "a:b"]) assert.ok(!isIp(name), name);
});

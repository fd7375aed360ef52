import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { bits, integer, oid, sequence, written } from "./der_writer.ts";
import { pem } from "./pem.ts";
import { type Subject, subjectName } from "./subject.ts";

/** ecdsa-with-SHA256, RFC 5758 3.2. */
const SIGNATURE_ALGORITHM = sequence(oid("1.2.840.10045.4.3.2"));
const VERSION_1 = integer(Uint8Array.of(0));
const NO_ATTRIBUTES = written(0xa0);

/** A new private key of P-256, as PEM. */
export function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return String(privateKey.export({ type: "pkcs8", format: "pem" }));
}

/** Asks for a certificate of this key, a P-256 one: PKCS #10 in PEM. https://www.rfc-editor.org/rfc/rfc2986 */
export function newCertificateRequest(subject: Subject, key: string): string {
  const body = sequence(VERSION_1, subjectName(subject), publicKeyOf(key), NO_ATTRIBUTES);
  const signature = new Uint8Array(sign("sha256", body, createPrivateKey(key)));
  return pem("CERTIFICATE REQUEST", sequence(body, SIGNATURE_ALGORITHM, bits(signature)));
}

/** The public key of a private one, as SubjectPublicKeyInfo. */
export function publicKeyOf(key: string): Uint8Array {
  const spki = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
  return new Uint8Array(spki);
}

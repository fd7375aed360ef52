import { createHash, createPrivateKey, sign } from "node:crypto";
import type { CertificateRequest } from "../../lib/der/certificate_request.ts";
import { isIpv4, parseIp } from "../../lib/addresses/ip_address.ts";
import { type Certificate, certificateOfPem } from "../../lib/der/certificate.ts";
import { bitStringBytes, derValue, derValues, TAGS } from "../../lib/der/der.ts";
import {
  bits,
  integer,
  octets,
  oid,
  sequence,
  time,
  TRUE,
  written,
} from "../../lib/der/der_writer.ts";
import { pem } from "../../lib/der/pem.ts";
import { type Subject, subjectName } from "../../lib/der/subject.ts";

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/**
 * Long, and from the beginning of time as computers count it: a machine whose clock has never been set, or shows 2040, must
 * be able to check the server's certificate like any other, or it would never learn the right time.
 */
export const NOT_BEFORE_MS = 0;
const NOT_AFTER_MS = Date.parse("2120-01-01T00:00:00Z");
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SERIAL_BYTES = 16;

/** ecdsa-with-SHA256, RFC 5758 3.2. */
const SIGNATURE_ALGORITHM = sequence(oid("1.2.840.10045.4.3.2"));
const VERSION_3 = written(0xa0, integer(Uint8Array.of(2)));
const EXTENSIONS_TAG = 0xa3;
/** https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1 */
const SUBJECT_KEY_ID = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_ID = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
/** Tags in a name of a certificate's owner and in the id of its authority's key. */
const DNS_TAG = 0x82;
const IP_TAG = 0x87;
const KEY_ID_TAG = 0x80;

/** The bits of digitalSignature, keyCertSign and cRLSign; of digitalSignature. */
const AUTHORITY_USAGE = bits(Uint8Array.of(0b1000_0110), { unused: 1 });
const OTHER_USAGE = bits(Uint8Array.of(0b1000_0000), { unused: 7 });

/** Makes a certificate authority. */
export async function createAuthority(commonName: string): Promise<KeyPair> {
  const { publicKey, key } = await createKeys();
  const subject = subjectName({ commonName });
  const certificate = signed(key, {
    subject,
    issuer: subject,
    publicKey,
    notAfterMs: NOT_AFTER_MS,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(TRUE), { isCritical: true }),
      extension(KEY_USAGE, AUTHORITY_USAGE, { isCritical: true }),
      extension(SUBJECT_KEY_ID, octets(keyId(publicKey))),
    ],
  });
  return { certificate, key };
}

/** A certificate for a server that is reached under `names`: DNS names and IP addresses. */
export function issueServer(
  authority: KeyPair,
  subject: Subject,
  names: readonly string[],
): Promise<KeyPair> {
  return issue(authority, subject, [
    extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTH))),
    extension(SUBJECT_ALTERNATIVE_NAME, sequence(...names.map(alternativeName))),
  ]);
}

/**
 * A certificate by which a client says who it is: the common name is the user, each organization a group. It is valid
 * from 1970 on, so that it also is where the clock is behind.
 */
export function issueClient(
  authority: KeyPair,
  subject: Subject,
  notAfterMs: number,
): Promise<KeyPair> {
  const usage = extension(EXTENDED_KEY_USAGE, sequence(oid(CLIENT_AUTH)));
  return issue(authority, subject, [usage], notAfterMs);
}

/**
 * The certificate that was asked for, as PEM; valid from 1970 on, as all of ours. `usages`: Kubernetes' names. `uid`: the
 * subject gets it in place of one that was asked for.
 */
export function signRequest(
  authority: KeyPair,
  { subject, publicKey, alternativeNames, ...names }: CertificateRequest,
  usages: readonly string[],
  notAfterMs: number,
  uid?: string,
): string {
  const issuer = certificateOfPem(authority.certificate);
  const isUsed = (usage: string) => usages.includes(usage);
  const purposes = Object.entries(PURPOSES).filter(([usage]) => isUsed(usage));
  // The bits of digitalSignature and keyEncipherment: the signers allow no other usages of keys.
  const bitsOfUsage = (isUsed("digital signature") ? 0x80 : 0) |
    (isUsed("key encipherment") ? 0x20 : 0);
  const usageBits = bits(Uint8Array.of(bitsOfUsage), {
    unused: isUsed("key encipherment") ? 5 : 7,
  });
  const { commonNames: [commonName = ""], organizations: organization } = names;
  return signed(authority.key, {
    subject: uid === undefined ? subject : subjectName({ commonName, organization, uid }),
    issuer: issuer.subject,
    publicKey,
    notAfterMs,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(), { isCritical: true }),
      ...(bitsOfUsage ? [extension(KEY_USAGE, usageBits, { isCritical: true })] : []),
      ...(purposes.length > 0
        ? [extension(EXTENDED_KEY_USAGE, sequence(...purposes.map(([, name]) => oid(name))))]
        : []),
      extension(AUTHORITY_KEY_ID, sequence(written(KEY_ID_TAG, ownKeyId(issuer)))),
      ...(alternativeNames ? [extension(SUBJECT_ALTERNATIVE_NAME, alternativeNames)] : []),
    ],
  });
}
const PURPOSES = { "client auth": CLIENT_AUTH, "server auth": SERVER_AUTH } as const;

/** Whether a name is an IP address, not a DNS name. */
export function isIp(name: string): boolean {
  return parseIp(name) !== undefined;
}

async function issue(
  authority: KeyPair,
  subject: Subject,
  extensions: readonly Uint8Array[],
  notAfterMs = NOT_AFTER_MS,
): Promise<KeyPair> {
  const issuer = certificateOfPem(authority.certificate);
  const { publicKey, key } = await createKeys();
  const certificate = signed(authority.key, {
    subject: subjectName(subject),
    issuer: issuer.subject,
    publicKey,
    notAfterMs,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(), { isCritical: true }),
      extension(KEY_USAGE, OTHER_USAGE, { isCritical: true }),
      extension(AUTHORITY_KEY_ID, sequence(written(KEY_ID_TAG, ownKeyId(issuer)))),
      ...extensions,
    ],
  });
  return { certificate, key };
}

/** The public key as SubjectPublicKeyInfo, the private one as PEM. */
async function createKeys(): Promise<{ publicKey: Uint8Array; key: string }> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { publicKey, privateKey } = pair as CryptoKeyPair;
  const [spki, pkcs8] = await Promise.all([
    crypto.subtle.exportKey("spki", publicKey),
    crypto.subtle.exportKey("pkcs8", privateKey),
  ]);
  return { publicKey: new Uint8Array(spki), key: pem("PRIVATE KEY", new Uint8Array(pkcs8)) };
}

interface Body {
  subject: Uint8Array;
  issuer: Uint8Array;
  publicKey: Uint8Array;
  notAfterMs: number;
  extensions: readonly Uint8Array[];
}

/** The certificate as PEM. https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function signed(
  key: string,
  { subject, issuer, publicKey, notAfterMs, extensions }: Body,
): string {
  const body = sequence(
    VERSION_3,
    integer(serialNumber()),
    SIGNATURE_ALGORITHM,
    issuer,
    sequence(time(NOT_BEFORE_MS), time(notAfterMs)),
    subject,
    publicKey,
    written(EXTENSIONS_TAG, sequence(...extensions)),
  );
  const signature = new Uint8Array(sign("sha256", body, signingKey(key)));
  return pem("CERTIFICATE", sequence(body, SIGNATURE_ALGORITHM, bits(signature)));
}

/** Throws for a key that cannot sign as the certificates say. */
function signingKey(key: string): ReturnType<typeof createPrivateKey> {
  const read = createPrivateKey(key);
  if (read.asymmetricKeyDetails?.namedCurve === "prime256v1") return read;
  throw new Error("Cannot use the key of the certificate authority: it is not one of P-256");
}

function extension(name: string, value: Uint8Array, { isCritical = false } = {}): Uint8Array {
  return sequence(oid(name), ...(isCritical ? [TRUE] : []), octets(value));
}

function alternativeName(name: string): Uint8Array {
  const address = parseIp(name);
  if (!address) return written(DNS_TAG, new TextEncoder().encode(name));
  return written(IP_TAG, Uint8Array.from(isIpv4(address) ? address.slice(12) : address));
}

/** What the authority calls its own key, else what it would by RFC 5280 4.2.1.2. */
function ownKeyId({ extensions, publicKey }: Certificate): Uint8Array {
  const named = extensions.find(({ oid }) => oid === SUBJECT_KEY_ID);
  return named ? derValue(named.value, TAGS.octetString).content : keyId(publicKey);
}

/** SHA-1 of the key's bits. */
function keyId(publicKey: Uint8Array): Uint8Array {
  const [, key] = derValues(derValue(publicKey, TAGS.sequence).content);
  return new Uint8Array(createHash("sha1").update(bitStringBytes(key!)).digest());
}

/** Random, and positive: the first bit of the first byte is 0, the second 1, so that no byte is dropped. */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { isSameBytes } from "../bytes.ts";
import { USER_UID } from "./subject.ts";
import {
  bitsOf,
  bitStringBytes,
  booleanOf,
  DerError,
  type DerValue,
  derValue,
  derValues,
  oidOf,
  only,
  TAGS,
  timeOf,
} from "./der.ts";

/** What an X.509 certificate says. https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
export interface Certificate {
  /** 3 for all that have extensions. */
  readonly version: number;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** The names as bytes, for comparing. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  /** Of the users that it names: `USER_UID`. */
  readonly uids: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
  /** The bytes that are signed, by which algorithm, and the signature. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
}

export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** Larger ones are refused unread; those of this product have less than 700 bytes. */
const CERTIFICATE_BYTES_MAX = 16 * 1024;
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";

/** ECDSA and RSA with hashes that are considered secure: RFC 5758 and RFC 8017. */
export const HASHES: Readonly<Record<string, string>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};

/** Parses a certificate strictly; does not verify its signature. Throws a {@linkcode DerError}. */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > CERTIFICATE_BYTES_MAX) {
    throw new DerError(`it has more than ${CERTIFICATE_BYTES_MAX} bytes`);
  }
  const [body, algorithm, signature, ...more] = derValues(derValue(der, TAGS.sequence).content);
  if (body?.tag !== TAGS.sequence || !algorithm || !signature || more.length > 0) {
    throw new DerError("a body, an algorithm and a signature expected");
  }
  const parts = bodyOf(body);
  if (!isSameBytes(parts.algorithm, algorithm.whole)) {
    throw new DerError("it names two signature algorithms");
  }
  const { algorithm: _, ...fields } = parts;
  return {
    ...fields,
    signed: body.whole,
    signatureAlgorithm: oidOf(contentOf(algorithm)[0]!),
    signature: bitStringBytes(signature),
  };
}

/** The first certificate in a PEM. Throws a {@linkcode DerError}. */
export function certificateOfPem(pem: string): Certificate {
  const text = /-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE-----/.exec(pem);
  if (!text) throw new DerError("it holds no PEM of a certificate");
  return parseCertificate(Uint8Array.fromBase64(text[1]!));
}

/** The public key of a certificate. */
export function publicKeyOf({ publicKey }: Certificate): KeyObject {
  // Node's own types ask for a Buffer; any bytes will do.
  return createPublicKey({ key: publicKey as Buffer, format: "der", type: "spki" });
}

/** Whether the certificate was signed with the key. */
export function isSignedBy(certificate: Certificate, key: KeyObject): boolean {
  const hash = HASHES[certificate.signatureAlgorithm];
  if (hash === undefined) return false;
  try {
    return verify(hash, certificate.signed, key, certificate.signature);
  } catch {
    return false; // a key of another kind than the signature
  }
}

function bodyOf({ content }: DerValue) {
  const values = derValues(content);
  const hasVersion = values[0]?.tag === VERSION_TAG;
  const version = hasVersion ? versionOf(values.shift()!) : 1;
  const [serial, algorithm, issuer, validity, subject, publicKey, ...optional] = values;
  if (serial?.tag !== TAGS.integer || !algorithm || !issuer || !validity || !subject) {
    throw new DerError("a field is missing");
  }
  if (publicKey?.tag !== TAGS.sequence) throw new DerError("a public key expected");
  const [notBefore, notAfter] = contentOf(validity);
  if (!notBefore || !notAfter) throw new DerError("two dates expected");
  return {
    version,
    serial: serialOf(serial),
    algorithm: algorithm.whole,
    issuer: issuer.whole,
    subject: subject.whole,
    ...namesOf(subject),
    notBeforeMs: timeOf(notBefore),
    notAfterMs: timeOf(notAfter),
    publicKey: publicKey.whole,
    extensions: extensionsOf(optional),
  };
}

/** The values in a SEQUENCE. */
export function contentOf({ tag, content }: DerValue): DerValue[] {
  if (tag !== TAGS.sequence) throw new DerError("a sequence expected");
  return derValues(content);
}

function versionOf({ content }: DerValue): number {
  const [byte, ...more] = derValue(content, TAGS.integer).content;
  if (byte === undefined || more.length > 0) throw new DerError("a version expected");
  return byte + 1;
}

/** Without the leading zero byte that DER adds when the first bit is set. */
function serialOf({ content }: DerValue): string {
  return content.toHex().replace(/^00(?=.)/, "");
}

/** All values of a name in order, also several of one RDN. */
export function namesOf(
  name: DerValue,
): { commonNames: string[]; organizations: string[]; uids: string[] } {
  const commonNames: string[] = [];
  const organizations: string[] = [];
  const uids: string[] = [];
  for (const rdn of contentOf(name)) {
    if (rdn.tag !== TAGS.set) throw new DerError("a set expected");
    for (const pair of derValues(rdn.content)) {
      const [type, value, ...more] = contentOf(pair);
      if (!type || !value || more.length > 0) throw new DerError("a type and a value expected");
      const oid = oidOf(type);
      if (oid === COMMON_NAME) commonNames.push(textOf(value));
      if (oid === ORGANIZATION) organizations.push(textOf(value));
      if (oid === USER_UID) uids.push(textOf(value));
    }
  }
  return { commonNames, organizations, uids };
}

/** Refuses names with characters that terminals, logs or headers could misinterpret. */
function textOf({ tag, content }: DerValue): string {
  const text = decoded(tag, content);
  // deno-lint-ignore no-control-regex -- they are to be found
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/u.test(text)) {
    throw new DerError("a name has control characters");
  }
  return text;
}

function decoded(tag: number, content: Uint8Array): string {
  switch (tag) {
    case TAGS.utf8String:
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    case TAGS.bmpString:
      return new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }).decode(content);
    case TAGS.printableString:
    case TAGS.numericString:
    case TAGS.ia5String:
      if (content.some((byte) => byte > 0x7f)) throw new DerError("a name is not ASCII");
      return String.fromCharCode(...content);
    default:
      throw new DerError(`a name is of type ${tag}`);
  }
}

export function extensionsOf(optional: readonly DerValue[]): Extension[] {
  const wrapped = optional.find(({ tag }) => tag === EXTENSIONS_TAG);
  if (!wrapped) return [];
  const list = contentOf(derValue(wrapped.content, TAGS.sequence)).map(extensionOf);
  const oids = new Set(list.map(({ oid }) => oid));
  if (oids.size !== list.length) throw new DerError("it has an extension twice");
  return list;
}

function extensionOf(value: DerValue): Extension {
  const parts = contentOf(value);
  const oid = parts.shift();
  if (!oid) throw new DerError("an extension without a name");
  const isCritical = parts.length > 1 && booleanOf(parts.shift()!);
  return { oid: oidOf(oid), isCritical, value: only(parts, TAGS.octetString).content };
}

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const DIGITAL_SIGNATURE_BIT = 0;
/** The ones checked below; a certificate with any other critical extension must be refused (RFC 5280 4.2). */
const UNDERSTOOD: readonly string[] = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE];

export function isAuthority({ extensions }: Certificate): boolean {
  const constraints = extensions.find(({ oid }) => oid === BASIC_CONSTRAINTS);
  if (!constraints) return false;
  const [first] = derValues(derValue(constraints.value, TAGS.sequence).content);
  return first?.tag === TAGS.boolean && booleanOf(first);
}

/** Whether its key may sign handshakes of a client. A certificate that does not say so may not. */
export function isForClients({ extensions }: Certificate): boolean {
  const keyUsage = extensions.find(({ oid }) => oid === KEY_USAGE);
  if (keyUsage) {
    const usage = bitsOf(derValue(keyUsage.value, TAGS.bitString));
    if (!usage(DIGITAL_SIGNATURE_BIT)) return false;
  }
  const extended = extensions.find(({ oid }) => oid === EXTENDED_KEY_USAGE);
  if (!extended) return false;
  return derValues(derValue(extended.value, TAGS.sequence).content).map(oidOf)
    .includes(CLIENT_AUTH);
}

/** The first critical extension that is not understood. */
export function unknownExtension({ extensions }: Certificate): string | undefined {
  return extensions.find(({ oid, isCritical }) => isCritical && !UNDERSTOOD.includes(oid))?.oid;
}

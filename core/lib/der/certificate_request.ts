import { createPublicKey, verify } from "node:crypto";
import { contentOf, type Extension, extensionsOf, HASHES, namesOf } from "./certificate.ts";
import {
  bitStringBytes,
  DerError,
  type DerValue,
  derValue,
  derValues,
  oidOf,
  TAGS,
} from "./der.ts";
import { written } from "./der_writer.ts";

/** A request for a certificate, PKCS #10: https://www.rfc-editor.org/rfc/rfc2986 */
export interface CertificateRequest {
  /** As bytes, to be copied. */
  readonly subject: Uint8Array;
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  readonly uids: readonly string[];
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Further names of the subject: how many of each sort, and the extension that holds them. */
  readonly names: Readonly<Record<"dns" | "email" | "ip" | "uri", number>>;
  readonly alternativeNames: Uint8Array | undefined;
}

const BYTES_MAX = 64 * 1024;
const ATTRIBUTES_TAG = 0xa0;
const EXTENSIONS_WANTED = "1.2.840.113549.1.9.14";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const ED25519 = "1.3.101.112";
const PEM =
  /-----BEGIN CERTIFICATE REQUEST-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE REQUEST-----/;
const NAME_TAGS = { dns: 0x82, email: 0x81, ip: 0x87, uri: 0x86 } as const;

/** The request in a PEM, signed with the key that it is for. Throws a {@linkcode DerError}. */
export function certificateRequestOf(pem: string): CertificateRequest {
  const text = pem.length > BYTES_MAX ? null : PEM.exec(pem);
  if (!text) throw new DerError("PEM block type must be CERTIFICATE REQUEST");
  const der = bytesOf(text[1]!);
  const [info, algorithm, signature, ...more] = contentOf(derValue(der, TAGS.sequence));
  if (!info || !algorithm || !signature || more.length > 0) {
    throw new DerError("a body, an algorithm and a signature expected");
  }
  const [version, subject, publicKey, attributes] = contentOf(info);
  if (version?.tag !== TAGS.integer || !subject || publicKey?.tag !== TAGS.sequence) {
    throw new DerError("a field is missing");
  }
  const [algorithmName] = contentOf(algorithm);
  if (!isSigned(info.whole, publicKey.whole, oidOf(algorithmName!), bitStringBytes(signature))) {
    throw new DerError("its signature is not of its key");
  }
  const extension = extensionsIn(attributes).find(({ oid }) => oid === SUBJECT_ALTERNATIVE_NAME);
  return {
    subject: subject.whole,
    ...namesOf(subject),
    publicKey: publicKey.whole,
    names: countsOf(extension),
    alternativeNames: extension?.value,
  };
}

function bytesOf(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new DerError("it is no base64"); // a SyntaxError: the only one it throws
  }
}

function isSigned(
  signed: Uint8Array,
  spki: Uint8Array,
  algorithm: string,
  signature: Uint8Array,
): boolean {
  const hash = algorithm === ED25519 ? null : HASHES[algorithm];
  if (hash === undefined) return false;
  try {
    const key = createPublicKey({ key: spki as Buffer, format: "der", type: "spki" });
    return verify(hash, signed, key, signature);
  } catch {
    return false; // a key of another kind than the signature, or one that is not supported
  }
}

function extensionsIn(attributes: DerValue | undefined): readonly Extension[] {
  if (attributes?.tag !== ATTRIBUTES_TAG) return [];
  for (const attribute of derValues(attributes.content)) {
    const [name, values] = contentOf(attribute);
    if (!name || values?.tag !== TAGS.set || oidOf(name) !== EXTENSIONS_WANTED) continue;
    const { whole } = derValue(values.content, TAGS.sequence);
    return extensionsOf([derValue(written(0xa3, whole), 0xa3)]);
  }
  return [];
}

function countsOf(extension: Extension | undefined): CertificateRequest["names"] {
  const counts = { dns: 0, email: 0, ip: 0, uri: 0 };
  if (!extension) return counts;
  for (const { tag } of contentOf(derValue(extension.value, TAGS.sequence))) {
    for (const name of ["dns", "email", "ip", "uri"] as const) {
      if (NAME_TAGS[name] === tag) counts[name]++;
    }
  }
  return counts;
}

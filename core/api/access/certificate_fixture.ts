import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { KeyPair } from "./pki_certificates.ts";

x509.cryptoProvider.set(crypto);

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;

export interface Wanted {
  /** By default the admin's. */
  name?: ConstructorParameters<typeof x509.Name>[0];
  notBefore?: string;
  notAfter?: string;
  usage?: "client" | "server" | "none";
  isAuthority?: boolean;
  /** `false`: its key is for no signatures. */
  signs?: boolean;
  /** More extensions. */
  extensions?: readonly x509.Extension[];
  serial?: string;
}

/** Any certificate that an attacker could think of, for tests. `authority` absent: it signs itself. */
export async function madeCertificate(authority?: KeyPair, wanted: Wanted = {}): Promise<KeyPair> {
  const { name = [{ O: ["system:masters"] }, { CN: ["admin"] }] } = wanted;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const subject = new x509.Name(name);
  const issuer = authority && new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: wanted.serial ??
      crypto.getRandomValues(new Uint8Array(16)).fill(0x11, 0, 1).toHex(),
    subject,
    issuer: issuer?.subjectName ?? subject,
    notBefore: new Date(wanted.notBefore ?? "2020-01-01T00:00:00Z"),
    notAfter: new Date(wanted.notAfter ?? "2120-01-01T00:00:00Z"),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority ? await signingKey(authority) : keys.privateKey,
    extensions: extensionsOf(wanted),
  });
  const key = x509.PemConverter.encode(
    await crypto.subtle.exportKey("pkcs8", keys.privateKey),
    "PRIVATE KEY",
  );
  return { certificate: certificate.toString("pem"), key };
}

/** The bytes in a PEM. */
export function derOf({ certificate }: { certificate: string }): Uint8Array {
  return new Uint8Array(x509.PemConverter.decode(certificate)[0]!);
}

/** An extension that nobody knows. */
export function unheardOf({ isCritical }: { isCritical: boolean }): x509.Extension {
  return new x509.Extension("1.2.3.4.5", isCritical, new Uint8Array([5, 0]));
}

function extensionsOf(
  { usage = "client", isAuthority = false, signs = true, extensions = [] }: Wanted,
) {
  const { keyCertSign, digitalSignature, keyAgreement } = x509.KeyUsageFlags;
  const flags = isAuthority
    ? keyCertSign | digitalSignature
    : signs
    ? digitalSignature
    : keyAgreement;
  return [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.KeyUsagesExtension(flags, true),
    ...(usage === "none"
      ? []
      : [new x509.ExtendedKeyUsageExtension([usage === "client" ? clientAuth : serverAuth])]),
    ...extensions,
  ];
}

function signingKey({ key }: KeyPair): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(key);
  return crypto.subtle.importKey("pkcs8", der!, ALGORITHM, false, ["sign"]);
}

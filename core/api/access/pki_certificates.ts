import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface Subject {
  commonName: string;
  organization?: string;
}

/** Long, and from long ago: a box must start before its clock is right, and after years in a drawer. */
const NOT_BEFORE = new Date("2020-01-01T00:00:00Z");
const NOT_AFTER = new Date("2120-01-01T00:00:00Z");
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const SERIAL_BYTES = 16;

x509.cryptoProvider.set(crypto);

/** Makes a certificate authority. */
export async function createAuthority(commonName: string): Promise<KeyPair> {
  const keys = await createKeys();
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf({ commonName }),
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/** A certificate for a server that is reached under `names`: DNS names and IP addresses. */
export function issueServer(
  authority: KeyPair,
  subject: Subject,
  names: readonly string[],
): Promise<KeyPair> {
  const alternatives = names.map((value): x509.JsonGeneralName => ({
    type: isIp(value) ? "ip" : "dns",
    value,
  }));
  return issue(authority, subject, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(alternatives),
  ]);
}

/**
 * A certificate by which a client says who it is: the common name is the user, the organization its group. It is valid
 * from 2020 on, so that it also is where the clock is behind.
 */
export function issueClient(
  authority: KeyPair,
  subject: Subject,
  notAfterMs: number,
): Promise<KeyPair> {
  const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
  return issue(authority, subject, [usage], new Date(notAfterMs));
}

/** Whether a name is an IP address, not a DNS name. */
export function isIp(name: string): boolean {
  return name.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

async function issue(
  authority: KeyPair,
  subject: Subject,
  extensions: readonly x509.Extension[],
  notAfter = NOT_AFTER,
): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await createKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: nameOf(subject),
    issuer: issuer.subjectName,
    notBefore: NOT_BEFORE,
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await privateKeyOf(authority),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export()),
      ...extensions,
    ],
  });
  return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

function createKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

function privateKeyOf({ key }: KeyPair): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(key);
  if (!der) throw new Error("Cannot read the key of the certificate authority: it holds no PEM");
  return crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

async function keyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", key);
  return x509.PemConverter.encode(der, "PRIVATE KEY") + "\n";
}

function pemOf(certificate: x509.X509Certificate): string {
  return certificate.toString("pem") + "\n";
}

function nameOf({ commonName, organization }: Subject): x509.Name {
  return new x509.Name([
    ...(organization ? [{ O: [organization] }] : []),
    { CN: [commonName] },
  ]);
}

/** Random, and positive: the first bit of the first byte is 0, the second 1, so that no byte is dropped. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toHex();
}

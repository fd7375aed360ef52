import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { pem } from "../lib/der/pem.ts";
import type { ServedCertificate } from "./certificates.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256" };
const DAY_MS = 86_400_000;

/** A certificate that proves itself, for tests. Without `names` only its common name says whose it is. */
export async function selfSigned(
  names: readonly string[],
  { commonName = "test", key }: { commonName?: string; key?: CryptoKeyPair } = {},
): Promise<ServedCertificate> {
  const keys = key ?? await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys: keys as CryptoKeyPair,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: names.length === 0 ? [] : [
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: "dns" as const, value })),
      ),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", (keys as CryptoKeyPair).privateKey);
  return {
    certificate: `${made.toString("pem")}\n`,
    key: pem("PRIVATE KEY", new Uint8Array(pkcs8)),
    names: names.map((name) => name.toLowerCase()),
  };
}

/** A Secret with a certificate, as kubectl makes one. */
export function tlsSecret(
  name: string,
  { certificate, key }: Pick<ServedCertificate, "certificate" | "key">,
  more: { namespace?: string; type?: string } = {},
): { metadata: { namespace: string; name: string }; type: string; data: Record<string, string> } {
  const encoded = (text: string) => new TextEncoder().encode(text).toBase64();
  const { namespace = "default", type = "kubernetes.io/tls" } = more;
  const data = { "tls.crt": encoded(certificate), "tls.key": encoded(key) };
  return { metadata: { namespace, name }, type, data };
}

import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { ownField } from "../lib/own_field.ts";
import type { View } from "../client/client.ts";
import { type Secret, secrets } from "../resources/core/secrets.ts";
import type { GatewayListener } from "../resources/gateway/gateways.ts";
import { mayRefer, type Referrer } from "./reference_grants.ts";

/** A certificate that clients of listeners are shown, with its key, both in PEM. */
export interface ServedCertificate {
  /** The server's own, then those that prove it. */
  readonly certificate: string;
  readonly key: string;
  /** Host names that it is for, in small letters; `*.` and a name for all names one label below. */
  readonly names: readonly string[];
}

/** Why a certificate cannot be shown, in the words of the condition `ResolvedRefs` of a listener. */
export interface CertificateFault {
  readonly reason: "InvalidCertificateRef" | "RefNotPermitted";
  readonly message: string;
}

/** What is shown, and what is wrong with the first of the others. */
export interface Certificates {
  readonly certificates: readonly ServedCertificate[];
  readonly fault: CertificateFault | undefined;
}

/** A Secret, whether or not there is one. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

const CERTIFICATE_KEY = "tls.crt", PRIVATE_KEY = "tls.key";
/** The type of Secrets with a certificate and its key. */
export const TLS_TYPE = "kubernetes.io/tls";
const BEGIN_CERTIFICATE = "-----BEGIN CERTIFICATE-----";

type Reference = NonNullable<NonNullable<GatewayListener["tls"]>["certificateRefs"]>[number];
type ReadView = Pick<View, "get" | "list">;

/**
 * The certificates that a listener names.
 * https://gateway-api.sigs.k8s.io/reference/spec/#listenertlsconfig
 */
export function certificatesOf(
  references: readonly Reference[],
  from: Referrer,
  view: ReadView,
): Certificates {
  if (references.length === 0) {
    return { certificates: [], fault: invalidReference("The listener names no certificate") };
  }
  return collected(references.map((reference) => {
    const name = secretNamed(reference, from, view);
    return "reason" in name ? name : certificateIn(name, view);
  }));
}

/** The Secret of a reference, if it may be used. */
export function secretNamed(
  { group, kind, namespace = "", name }: Reference,
  from: Referrer,
  view: ReadView,
): SecretName | CertificateFault {
  if (group !== "" || kind !== "Secret") {
    return invalidReference(`Certificate "${name}" is a ${kind} of group "${group}", not a Secret`);
  }
  const to = { group, kind, namespace: namespace || from.namespace, name };
  if (mayRefer(from, to, view)) return { namespace: to.namespace, name };
  const message = `Secret "${namespace}/${name}" is in another namespace, ` +
    "and no ReferenceGrant permits it";
  return { reason: "RefNotPermitted", message };
}

/** The certificate in a Secret of the type kubernetes.io/tls. */
export function certificateIn(
  { namespace, name }: SecretName,
  view: Pick<View, "get">,
): ServedCertificate | CertificateFault {
  const secret = view.get(secrets, { namespace, name });
  if (secret === undefined) return invalidReference(`Secret "${namespace}/${name}" is not there`);
  const read = readBefore.get(secret) ?? readCertificate(secret);
  readBefore.set(secret, read);
  return read;
}

/** What was read of Secrets: they are looked at again and again, and change rarely. */
const readBefore = new WeakMap<Secret, ServedCertificate | CertificateFault>();

function collected(found: readonly (ServedCertificate | CertificateFault)[]): Certificates {
  return {
    certificates: found.flatMap((each) => "reason" in each ? [] : [each]),
    fault: found.find((each) => "reason" in each),
  };
}

function invalidReference(message: string): CertificateFault {
  return { reason: "InvalidCertificateRef", message };
}

function readCertificate(
  { metadata: { namespace, name }, type, data = {} }: Secret,
): ServedCertificate | CertificateFault {
  const fault = (what: string) => invalidReference(`Secret "${namespace}/${name}" ${what}`);
  if (type !== TLS_TYPE) return fault(`has the type "${type}", not "${TLS_TYPE}"`);
  const certificate = textIn(data, CERTIFICATE_KEY), key = textIn(data, PRIVATE_KEY);
  if (!certificate.includes(BEGIN_CERTIFICATE)) {
    return fault(`has no certificate in PEM in "${CERTIFICATE_KEY}"`);
  }
  let own: X509Certificate;
  try {
    own = new X509Certificate(certificate);
  } catch {
    return fault(`has a certificate in "${CERTIFICATE_KEY}" that cannot be read`);
  }
  try {
    if (!createPublicKey(createPrivateKey(key)).equals(own.publicKey)) {
      return fault(`has a key in "${PRIVATE_KEY}" that is not its certificate's`);
    }
  } catch {
    return fault(`has a key in "${PRIVATE_KEY}" that cannot be read`);
  }
  return { certificate, key, names: namesOf(own) };
}

function textIn(data: Readonly<Record<string, string>>, key: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(ownField(data, key) ?? ""));
}

/** The host names of a certificate; the common name counts only where there are none, as RFC 6125 had it. */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? "").matchAll(/DNS:([^\s,"]+)/g)].map(([, name]) => name!);
  const common = /(?:^|\s|,)CN=([^\s,]+)/.exec(subject ?? "")?.[1];
  return (names.length > 0 || common === undefined ? names : [common])
    .map((name) => name.toLowerCase());
}

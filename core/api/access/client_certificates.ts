import { createHash, type KeyObject } from "node:crypto";
import { isSameBytes } from "../../lib/bytes.ts";
import type { Clock } from "../../lib/clock.ts";
import {
  type Certificate,
  certificateOfPem,
  isAuthority,
  isForClients,
  isSignedBy,
  parseCertificate,
  publicKeyOf,
  unknownExtension,
} from "../../lib/der/certificate.ts";

/**
 * The user that a certificate names: the common name is the user, each organization one of the groups, and the uid the one
 * that it has since Kubernetes 1.34.
 */
export interface CertifiedUser {
  readonly name: string;
  readonly groups: readonly string[];
  /** In the certificate, too, if it says one. */
  readonly uid?: string;
  /** Of the certificate, in lower-case hexadecimal. */
  readonly serial: string;
}

/** The user, or why the certificate is not accepted. */
export type Verdict = { user: CertifiedUser } | { refused: string };

/** Which certificates have been revoked. */
export interface Revocations {
  isRevoked(user: CertifiedUser): boolean;
}

export interface ClientCertificatesOptions {
  /** The certificate authority, as PEM. */
  authority: string;
  clock: Clock;
  revocations?: Revocations;
}

/** Cached verdicts; the oldest are dropped first. Beyond that, signatures are verified again, 0.3 ms each. */
export const VERDICTS_MAX = 1024;

/**
 * Decides which user a client certificate names, from its bytes alone. What the runtime says about the connection is
 * ignored: on resumed TLS sessions it calls any certificate authorized. The handshake proves that the client has the key.
 *
 * A certificate is accepted when our authority has issued and signed it, the current time is within its validity, it is
 * not an authority itself, it is meant for clients, it has no unknown critical extension, and it is not revoked. The
 * signature is verified once per certificate, validity and revocation each time.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates,
 * https://www.rfc-editor.org/rfc/rfc5280#section-6.1
 */
export class ClientCertificates {
  readonly #authority: Certificate;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #revocations: Revocations | undefined;
  /** By SHA-256 of the bytes, and by the array that holds them: a connection passes the same array each time. */
  readonly #known = new Map<string, Checked>();
  readonly #seen = new WeakMap<Uint8Array, Checked>();

  constructor({ authority, clock, revocations }: ClientCertificatesOptions) {
    this.#authority = certificateOfPem(authority);
    this.#key = publicKeyOf(this.#authority);
    this.#clock = clock;
    this.#revocations = revocations;
  }

  /** `der` must not change afterwards. Never throws. */
  verdictOn(der: Uint8Array): Verdict {
    const checked = this.#checked(der);
    if ("refused" in checked) return checked;
    const { user, notBeforeMs, notAfterMs } = checked;
    const nowMs = this.#clock.now();
    if (nowMs < notBeforeMs) return { refused: `it is not valid before ${dateOf(notBeforeMs)}` };
    if (nowMs > notAfterMs) return { refused: `it has expired on ${dateOf(notAfterMs)}` };
    if (this.#revocations?.isRevoked(user)) return { refused: "it is revoked" };
    return checked;
  }

  #checked(der: Uint8Array): Checked {
    const seen = this.#seen.get(der);
    if (seen) return seen;
    const hash = createHash("sha256").update(der).digest("hex");
    let checked = this.#known.get(hash);
    if (!checked) {
      checked = this.#check(der);
      this.#known.set(hash, checked);
      if (this.#known.size > VERDICTS_MAX) this.#known.delete(this.#known.keys().next().value!);
    }
    this.#seen.set(der, checked);
    return checked;
  }

  #check(der: Uint8Array): Checked {
    let certificate: Certificate;
    try {
      certificate = parseCertificate(der);
      const refused = this.#faultOf(certificate);
      if (refused !== undefined) return { refused };
    } catch (error) {
      return { refused: `it cannot be read: ${(error as Error).message}` };
    }
    const { commonNames, organizations, uids: [uid], serial, ...life } = certificate;
    const { notBeforeMs, notAfterMs } = life;
    const user = { name: commonNames[0]!, groups: organizations, ...(uid && { uid }), serial };
    return { user, notBeforeMs, notAfterMs };
  }

  /** Cheap checks come first, so that a stranger's certificate costs no signature verification. */
  #faultOf(certificate: Certificate): string | undefined {
    const { version, issuer, commonNames, uids } = certificate;
    if (version !== 3) return `it is of version ${version}, which does not say what it is for`;
    if (!isSameBytes(issuer, this.#authority.subject)) return "another authority has issued it";
    const unknown = unknownExtension(certificate);
    if (unknown !== undefined) return `it has the critical extension ${unknown}, which is unknown`;
    if (isAuthority(certificate)) return "it is an authority's, not a client's";
    if (!isForClients(certificate)) {
      return "it is not made for clients (extendedKeyUsage clientAuth)";
    }
    if (commonNames.length !== 1) return `it has ${commonNames.length} common names`;
    if (commonNames[0] === "") return "its common name is empty";
    if (uids.length > 1) return `it has ${uids.length} uids`;
    if (uids[0] === "") return "its uid is empty";
    if (!isSignedBy(certificate, this.#key)) return "our authority has not signed it";
    return undefined;
  }
}

type Checked = { user: CertifiedUser; notBeforeMs: number; notAfterMs: number } | {
  refused: string;
};

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}

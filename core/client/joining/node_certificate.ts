import { createHash } from "node:crypto";
import { isSameBytes } from "../../lib/bytes.ts";
import { type Backoff, waitMsAfter } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { certificateOfPem } from "../../lib/der/certificate.ts";
import { newCertificateRequest, publicKeyOf } from "../../lib/der/new_certificate_request.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../resources/certificates/certificate_signing_requests.ts";
import { NODE_CLIENT_SIGNER } from "../../resources/certificates/node_joining.ts";
import { apiVersionOf } from "../../resources/resource.ts";
import { isRefusal } from "../api_error.ts";
import { collectionPath, objectPath } from "../object_path.ts";
import type { ServerLink } from "../server_link.ts";
import { JoinError, RequestDenied } from "./join_error.ts";

const { kind } = certificateSigningRequests;
const USAGES = ["digital signature", "client auth"];
/** How often it is asked whether a request has been decided, and how long at most. */
const ASK_AGAIN: Backoff = { firstMs: 50, maxMs: 2_000, factor: 2 };
const WAIT_MS_MAX = 120_000;

export interface WantedCertificate {
  node: string;
  /** The private key that it is for, as PEM. The same key asks for the same request again. */
  key: string;
  /** Of the request: what tells which machine asks. */
  annotations?: Readonly<Record<string, string>>;
}

/**
 * A client certificate of a node, in PEM, asked for as whoever the link authenticates. Asks anew for what was asked for already,
 * so that an answer that was lost is found again. Throws ApiErrors and LinkErrors as they come, and a
 * {@linkcode JoinError} when the request is denied.
 */
export async function requestNodeCertificate(
  link: Pick<ServerLink, "ask">,
  wanted: WantedCertificate,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<string> {
  const name = nameOf(wanted.key);
  await ask(link, name, wanted, signal);
  const startMs = clock.elapsed();
  for (let times = 1;; times++) {
    const path = objectPath(certificateSigningRequests, { name });
    const asked = await link.ask({ method: "GET", path }, signal) as CertificateSigningRequest;
    const pem = certificateIn(asked);
    if (pem !== undefined) return checked(pem, wanted);
    if (clock.elapsed() - startMs > WAIT_MS_MAX) {
      throw new JoinError(
        `Nobody has approved the request "${name}" within ${
          WAIT_MS_MAX / 1_000
        } s; approve it with ` +
          `"kubectl certificate approve ${name}", then try again`,
      );
    }
    await clock.sleep(waitMsAfter(times, ASK_AGAIN), signal);
  }
}

async function ask(
  link: Pick<ServerLink, "ask">,
  name: string,
  { node, key, annotations = {} }: WantedCertificate,
  signal: AbortSignal,
): Promise<void> {
  const subject = { commonName: `system:node:${node}`, organization: "system:nodes" };
  const request = newCertificateRequest(subject, key);
  const body = {
    apiVersion: apiVersionOf(certificateSigningRequests),
    kind,
    metadata: { name, annotations },
    spec: { request: btoa(request), signerName: NODE_CLIENT_SIGNER, usages: USAGES },
  };
  try {
    await link.ask(
      { method: "POST", path: collectionPath(certificateSigningRequests, ""), body },
      signal,
    );
  } catch (error) {
    if (!isRefusal(error, "AlreadyExists")) throw error;
  }
}

/** As the kubelet names its requests: by what makes them different. */
function nameOf(key: string): string {
  const hash = createHash("sha256").update(publicKeyOf(key)).digest("hex");
  return `node-csr-${hash.slice(0, 40)}`;
}

function certificateIn({ status, metadata }: CertificateSigningRequest): string | undefined {
  const refused = status.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
  if (refused) {
    throw new RequestDenied(
      `The server has denied the request "${metadata.name}": ${refused.message || refused.reason}`,
    );
  }
  const { certificate } = status;
  return certificate ? new TextDecoder().decode(Uint8Array.fromBase64(certificate)) : undefined;
}

/** Whoever has issued it, it must be what was asked for. */
function checked(pem: string, { node, key }: WantedCertificate): string {
  const { commonNames, publicKey } = certificateOfPem(pem);
  if (isSameBytes(publicKey, publicKeyOf(key)) && commonNames[0] === `system:node:${node}`) {
    return pem;
  }
  throw new JoinError("The server has issued a certificate that was not asked for");
}

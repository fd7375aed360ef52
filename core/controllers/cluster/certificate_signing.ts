import {
  type CertificateRequest,
  certificateRequestOf,
} from "../../lib/der/certificate_request.ts";
import { DerError } from "../../lib/der/der.ts";
import { msOf } from "../../lib/timestamp.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../resources/certificates/certificate_signing_requests.ts";
import { joiningTokenOf, NODE_CLIENT_SIGNER } from "../../resources/certificates/node_joining.ts";
import type { View } from "../../client/client.ts";
import {
  act,
  type Controller,
  type Plan,
  plan,
  remove,
  type Write,
} from "../runtime/controller.ts";
import { signerFault } from "./certificate_rules.ts";
import { joiningOf } from "./node_joining.ts";

export interface SignedCertificate {
  pem: string;
  /** What has to be stored first, or it does not count. */
  before: readonly Write[];
}

/** Signs with the key of our authority: a certificate that is valid until then. */
export type CertificateSigner = (
  request: CertificateRequest,
  usages: readonly string[],
  notAfterMs: number,
  /** Of a node: as whom its certificates count, from its joining on. */
  uid?: string,
) => SignedCertificate;

/** How long a certificate is valid at most, as in kube-controller-manager. */
const LIFE_MS = 365 * 24 * 60 * 60 * 1_000;
const LIFE_MS_MIN = 10 * 60 * 1_000;
const HOUR_MS = 60 * 60 * 1_000;

/**
 * Signs what has been approved, for Kubernetes' own signers; approves what the agents of nodes ask for themselves; removes
 * what is old.
 *
 * Kubernetes: `pkg/controller/certificates`.
 */
export function certificateSigningController(
  sign: CertificateSigner | undefined,
): Controller<CertificateSigningRequest> {
  return {
    name: "certificate-controller",
    resource: certificateSigningRequests,
    watches: [],
    workers: 1,
    reconcile: (request, view, nowMs) => reconcile(request, view, nowMs, sign),
  };
}

function reconcile(
  asked: CertificateSigningRequest,
  view: View,
  nowMs: number,
  sign: CertificateSigner | undefined,
): Plan {
  const endMs = endOf(asked);
  if (nowMs >= endMs) return plan([remove(certificateSigningRequests, asked)]);
  const waits = plan([], endMs - nowMs);
  const has = (type: string) => asked.status.conditions?.some((one) => one.type === type);
  if (!sign || asked.status.certificate || has("Failed") || has("Denied")) return waits;
  const request = requestOf(asked.spec.request);
  if (!request) return waits;
  if (!has("Approved")) return decided(asked, request, view, nowMs) ?? waits;
  const fault = signerFault(asked.spec, request);
  if (fault === "not ours") return waits;
  if (fault !== undefined) {
    return plan([condition(asked, "status", "Failed", "SignerValidationFailure", fault)]);
  }
  const endsMs = nowMs + lifeMsOf(asked.spec);
  const { pem, before } = sign(request, asked.spec.usages ?? [], endsMs, uidOf(asked, request));
  const certificate = new TextEncoder().encode(pem).toBase64();
  return plan([...before, written(asked, "status", { certificate })]);
}

/** Approves what the agents of nodes ask for themselves, and machines that join by a token. `undefined`: others decide. */
function decided(
  asked: CertificateSigningRequest,
  request: CertificateRequest,
  view: View,
  nowMs: number,
): Plan | undefined {
  const approve = (whose: string) =>
    condition(
      asked,
      "approval",
      "Approved",
      "AutoApproved",
      `Auto approving ${whose}kubelet client certificate after SubjectAccessReview.`,
    );
  if (isOwnNode(asked, request)) return plan([approve("self ")]);
  const joining = joiningOf(asked, request, view, nowMs);
  if (joining === undefined) return undefined;
  if ("refused" in joining) {
    return plan([condition(asked, "approval", "Denied", "JoinRefused", joining.refused)]);
  }
  return plan([...joining.before, approve("")]);
}

function condition(
  asked: CertificateSigningRequest,
  subresource: string,
  type: string,
  reason: string,
  message: string,
): Write {
  const added = { type, status: "True", reason, message };
  return written(asked, subresource, {
    conditions: [...asked.status.conditions ?? [], added],
  });
}

function written(asked: CertificateSigningRequest, subresource: string, status: object): Write {
  const { apiVersion, kind, metadata } = asked;
  const body = { apiVersion, kind, metadata, status: { ...asked.status, ...status } };
  return act(certificateSigningRequests, metadata, subresource, body);
}

/** A machine that joins gets another uid than all before it; a node keeps its own. */
function uidOf(asked: CertificateSigningRequest, request: CertificateRequest): string | undefined {
  if (asked.spec.signerName !== NODE_CLIENT_SIGNER) return undefined;
  if (joiningTokenOf(asked.spec) !== undefined) return asked.metadata.uid;
  return isOwnNode(asked, request) ? asked.spec.uid : undefined;
}

/** Whether a node asks for another certificate for itself. */
function isOwnNode({ spec }: CertificateSigningRequest, request: CertificateRequest): boolean {
  return spec.signerName === NODE_CLIENT_SIGNER && spec.username === request.commonNames[0] &&
    (spec.groups ?? []).includes("system:nodes") && signerFault(spec, request) === undefined;
}

function lifeMsOf({ expirationSeconds }: CertificateSigningRequest["spec"]): number {
  const wantedMs = expirationSeconds === undefined ? LIFE_MS : expirationSeconds * 1_000;
  return Math.max(LIFE_MS_MIN, Math.min(wantedMs, LIFE_MS));
}

/** When a request is removed: an hour after it was decided or signed, a day after it came. */
function endOf({ metadata, status }: CertificateSigningRequest): number {
  const decided = (status.conditions ?? []).filter(({ type }) =>
    type === "Approved" || type === "Denied" || type === "Failed"
  );
  const createdMs = msOf(metadata.creationTimestamp);
  if (decided.length === 0) return createdMs + 24 * HOUR_MS;
  const times = decided.map(({ lastUpdateTime }) => msOf(lastUpdateTime));
  return Math.max(createdMs, ...times) + HOUR_MS;
}

function requestOf(base64: string): CertificateRequest | undefined {
  try {
    return certificateRequestOf(new TextDecoder().decode(Uint8Array.fromBase64(base64)));
  } catch (error) {
    if (error instanceof DerError) return undefined; // of a version that did not check it
    throw error;
  }
}

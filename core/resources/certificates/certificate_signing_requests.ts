import { certificateRequestOf } from "../../lib/der/certificate_request.ts";
import { certificateOfPem } from "../../lib/der/certificate.ts";
import { DerError } from "../../lib/der/der.ts";
import { humanDuration } from "../../schema/durations.ts";
import {
  bytes,
  integer,
  list,
  listMap,
  mapOf,
  object,
  present,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { type Cause, duplicate, invalid, missing, notSupported } from "../../schema/causes.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import type { Subresource } from "../subresource.ts";
import { signingStatusCauses, withConditionTimes } from "./signing_status.ts";

/** What a certificate can be for. Kubernetes: `KeyUsage`. */
export const KEY_USAGES: readonly string[] = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";
const SECONDS_MIN = 600;

const spec = object("What is asked for; it never changes.", {
  request: required(bytes("The request, PKCS #10 in PEM.")),
  signerName: required(string("Who is to sign it, such as kubernetes.io/kube-apiserver-client.")),
  expirationSeconds: integer(
    "Seconds that the certificate is to be valid; the signer may shorten it.",
  ),
  usages: list("What the certificate is to be for.", string("Usage, such as `client auth`.")),
  username: string("Who has asked. Set by the server."),
  uid: string("Uid of who has asked. Set by the server."),
  groups: list("Groups of who has asked. Set by the server.", string("Group.")),
  extra: mapOf(
    "What else is known of who has asked. Set by the server.",
    list("Values.", string("Value.")),
  ),
});

const status = object("What has become of it.", {
  conditions: listMap(
    "Whether it is approved, denied or failed.",
    ["type"],
    object("One of them.", {
      ...conditionFields("`Approved`, `Denied`, `Failed` or another."),
      lastUpdateTime: time("When it was last written."),
    }),
  ),
  certificate: bytes("The certificate, with its chain, in PEM."),
});

const shape = object("A request for a certificate, to be approved and signed.", {
  spec: required(spec),
  status: present(status),
});

type Spec = TypeOf<typeof spec>;
type Status = TypeOf<typeof status>;

/** https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/ */
export const certificateSigningRequests = defineResource({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  namespaced: false,
  nameFaults: () => [],
  schema: shape,
  generation: "none",
  hasStatus: false, // its own subresources write it, each by its own rules
  subresources: [approvalOf("approval"), approvalOf("status")],
  columns: [
    nameColumn,
    ageColumn,
    { name: "SignerName", description: "Who is to sign it.", value: ({ spec }) => spec.signerName },
    { name: "Requestor", description: "Who has asked.", value: ({ spec }) => spec.username ?? "" },
    {
      name: "RequestedDuration",
      description: "How long the certificate is to be valid.",
      value: ({ spec: { expirationSeconds } }) =>
        expirationSeconds === undefined ? "<none>" : humanDuration(expirationSeconds * 1_000),
    },
    {
      name: "Condition",
      description: "What has become of it.",
      value: ({ status }) => wordOf(status),
    },
  ],
  fields: { "spec.signerName": ({ spec }) => spec.signerName },
  // What is asked for stays, and what becomes of it is written by its subresources.
  prepare: (next, previous) => previous ? next : { ...next, status: {} },
  // When one of these writes, the spec is the very one that is stored.
  admit: (next, previous) =>
    previous && next.spec !== previous.spec
      ? { ...next, spec: previous.spec, status: previous.status }
      : next,
  validate: ({ spec }, previous) => previous ? [] : specCauses(spec),
});

export type CertificateSigningRequest = ObjectOf<typeof certificateSigningRequests>;

/** `approval` writes whether it is approved or denied; `status` all else, the certificate above all. */
function approvalOf(name: "approval" | "status"): Subresource<never> {
  return {
    name,
    verbs: ["get", "patch", "update"],
    admittedAs: "status",
    decide: (current: { status: Status }, sent, nowMs) => {
      const next = withConditionTimes(sent, current.status, nowMs);
      const causes = signingStatusCauses(next, current.status, {
        maySetApproval: name === "approval",
        certificateFault,
      });
      return causes.length > 0 ? { causes } : { next };
    },
  } as Subresource<never>;
}

/** In the order of Kubernetes' printer. */
function wordOf({ conditions = [], certificate }: Status): string {
  const has = (type: string) => conditions.some((condition) => condition.type === type);
  const word = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${word}${has("Failed") ? ",Failed" : ""}${certificate ? ",Issued" : ""}`;
}

/** Source: k8s.io/kubernetes/pkg/apis/certificates/validation. */
function specCauses({ request, usages = [], signerName, expirationSeconds }: Spec): Cause[] {
  const fault = requestFault(request);
  return [
    ...(fault === undefined ? [] : [invalid("spec.request", request, fault)]),
    ...(usages.length === 0 ? [missing("spec.usages")] : []),
    ...usages.flatMap((usage, i) => [
      ...(KEY_USAGES.includes(usage) ? [] : [notSupported(`spec.usages[${i}]`, usage, KEY_USAGES)]),
      ...(usages.indexOf(usage) < i ? [duplicate(`spec.usages[${i}]`, usage)] : []),
    ]),
    ...signerCauses(signerName),
    ...(expirationSeconds !== undefined && expirationSeconds < SECONDS_MIN
      ? [invalid(
        "spec.expirationSeconds",
        expirationSeconds,
        "may not specify a duration less than 600 seconds (10 minutes)",
      )]
      : []),
  ];
}

function signerCauses(signerName: string): Cause[] {
  const field = "spec.signerName";
  if (signerName === LEGACY_SIGNER) {
    const why = "the legacy signerName is not allowed via this API version";
    return [invalid(field, signerName, why)];
  }
  if (signerName === "") return [missing(field)];
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]+\/[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(signerName)) {
    return [];
  }
  const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
  return [invalid(field, signerName, why)];
}

function requestFault(base64: string): string | undefined {
  return faultOf(() => certificateRequestOf(textOf(base64)));
}

function certificateFault(base64: string): string | undefined {
  const text = textOf(base64);
  if (!text.includes("-----BEGIN ")) return "must contain at least one CERTIFICATE PEM block";
  return faultOf(() => certificateOfPem(text));
}

function faultOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

/** What is no base64 the schema has named already. */
function textOf(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  } catch {
    return "";
  }
}

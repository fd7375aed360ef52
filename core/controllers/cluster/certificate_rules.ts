import type { CertificateRequest } from "../../lib/der/certificate_request.ts";

interface Asked {
  signerName: string;
  usages?: readonly string[];
}

const NODES = "system:nodes";
const NODE_PREFIX = "system:node:";

/**
 * Why one of Kubernetes' own signers does not sign this, in its words. `undefined`: it does. `not ours`: another signer is
 * meant.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 */
export function signerFault(
  { signerName, usages = [] }: Asked,
  request: CertificateRequest,
): string | undefined {
  switch (signerName) {
    case "kubernetes.io/kube-apiserver-client":
      return clientFault(usages);
    case "kubernetes.io/kube-apiserver-client-kubelet":
      return nodeClientFault(usages, request);
    case "kubernetes.io/kubelet-serving":
      return nodeServerFault(usages, request);
    default:
      return "not ours";
  }
}

function clientFault(usages: readonly string[]): string | undefined {
  const optional = ["digital signature", "key encipherment"];
  const other = usages.find((usage) => usage !== "client auth" && !optional.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth")
    ? undefined
    : "missing required usage for client certificate: client auth";
}

function nodeClientFault(usages: readonly string[], request: CertificateRequest) {
  const { dns, email, ip, uri } = request.names;
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (dns > 0) return "DNS subjectAltNames are not allowed";
  if (email > 0) return "Email subjectAltNames are not allowed";
  if (ip > 0) return "IP subjectAltNames are not allowed";
  if (uri > 0) return "URI subjectAltNames are not allowed";
  return commonNameFault(request) ?? usagesFault(usages, "client auth");
}

function nodeServerFault(usages: readonly string[], request: CertificateRequest) {
  const { dns, email, ip, uri } = request.names;
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (dns === 0 && ip === 0) return "DNS or IP subjectAltName is required";
  if (email > 0) return "Email subjectAltNames are not allowed";
  if (uri > 0) return "URI subjectAltNames are not allowed";
  return usagesFault(usages, "server auth") ?? commonNameFault(request);
}

function isOfNodes({ organizations }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === NODES;
}

function commonNameFault({ commonNames }: CertificateRequest): string | undefined {
  return commonNames[0]?.startsWith(NODE_PREFIX)
    ? undefined
    : "subject common name does not begin with system:node:";
}

function usagesFault(usages: readonly string[], purpose: string): string | undefined {
  const given = new Set(usages);
  given.delete("key encipherment"); // which keys of elliptic curves do not have
  const isRight = given.size === 2 && given.has("digital signature") && given.has(purpose);
  const wanted = ["digital signature", "key encipherment", purpose].toSorted().join(" ");
  return isRight ? undefined : `usages did not match [${wanted}]`;
}

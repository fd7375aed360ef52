import { certificateRequestOf } from "../../lib/der/certificate_request.ts";
import { DerError } from "../../lib/der/der.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../resources/certificates/certificate_signing_requests.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { forbidden } from "../../client/refusals.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
/** The group that may do everything. */
const MASTERS = "system:masters";

/**
 * A request for a certificate says who has asked, whatever it came with; nobody asks to be one of `system:masters`.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
 */
export function requesterOfCertificates(request: AdmissionRequest): KubeObject {
  const { resource, next, previous, options } = request;
  const { group, plural } = certificateSigningRequests;
  if (previous || resource.plural !== plural || resource.group !== group) return next;
  const asked = next as CertificateSigningRequest;
  if (asked.spec.signerName === CLIENT_SIGNER && groupsIn(asked.spec.request).includes(MASTERS)) {
    throw forbidden(
      resource,
      next.metadata.name,
      `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`,
    );
  }
  const { username: _, uid: __, groups: ___, extra: ____, ...spec } = asked.spec;
  const { userInfo: user } = options;
  return {
    ...asked,
    spec: {
      ...spec,
      ...(user && { username: user.name, groups: [...user.groups] }),
      ...(user?.uid && { uid: user.uid }),
      ...(user?.extra && Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
  } as KubeObject;
}

function groupsIn(request: string): readonly string[] {
  try {
    const pem = new TextDecoder().decode(Uint8Array.fromBase64(request));
    return certificateRequestOf(pem).organizations;
  } catch (error) {
    if (error instanceof DerError || error instanceof SyntaxError) return []; // refused for that
    throw error;
  }
}

import { forbidden } from "../../client/refusals.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../resources/certificates/certificate_signing_requests.ts";
import { isEqual } from "../../lib/equality.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { User } from "../http/api_context.ts";
import { isAdmin } from "./admin.ts";
import type { RbacAuthorizer } from "./rbac_authorizer.ts";

/**
 * Who approves or signs a request for a certificate needs the right to do so for its signer. For `WriteOptions.refuse`;
 * `undefined`: the write is about nothing of that.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
 */
export function signerCheck(
  rbac: RbacAuthorizer,
  user: User,
  resource: AnyResource,
  subresource: string,
): ((next: KubeObject, previous: KubeObject | undefined) => void) | undefined {
  const { group, plural } = certificateSigningRequests;
  if (resource.plural !== plural || resource.group !== group || isAdmin(user)) return undefined;
  const verb = subresource === "approval" ? "approve" : "sign";
  return (next, previous) => {
    const asked = next as CertificateSigningRequest;
    if (verb === "sign" && !isSigned(asked, previous as CertificateSigningRequest)) return;
    const { signerName } = asked.spec;
    const names = [signerName, `${signerName.split("/")[0]}/*`];
    if (names.some((name) => mayDo(rbac, user, verb, name))) return;
    throw forbidden(
      resource,
      next.metadata.name,
      `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`,
    );
  };
}

/** Whether the write gives the certificate, or says that there will be none. */
function isSigned(next: CertificateSigningRequest, previous: CertificateSigningRequest): boolean {
  const failure = ({ status }: CertificateSigningRequest) =>
    status.conditions?.find(({ type }) => type === "Failed");
  return next.status.certificate !== previous.status.certificate ||
    !isEqual(failure(next), failure(previous));
}

function mayDo(rbac: RbacAuthorizer, user: User, verb: string, name: string): boolean {
  const { outcome } = rbac.authorize(user, {
    isResource: true,
    verb,
    group: certificateSigningRequests.group,
    resource: "signers",
    subresource: undefined,
    namespace: undefined,
    name,
    fieldSelector: "",
  });
  return outcome === "allow";
}

import { ApiError } from "../../client/api_error.ts";

const IMPERSONATION = /^impersonate-/i;

/**
 * Throws Forbidden for any impersonation header, because the request would be done as the sender. Until impersonation is
 * implemented: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export function refuseImpersonation(headerNames: Iterable<string>): void {
  for (const name of headerNames) {
    if (!IMPERSONATION.test(name)) continue;
    throw new ApiError(
      "Forbidden",
      `forbidden: cannot act as somebody else by the header "${name}": impersonation is not supported yet; ` +
        'ask without it ("--as" of kubectl), with the credentials of that user',
    );
  }
}

import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware } from "../http/api_context.ts";

const IMPERSONATION = /^impersonate-/i;

/**
 * Refuses requests that are to be done as somebody else: they would be done as whoever asks. Until impersonation is
 * built: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export function refuseImpersonation(): ApiMiddleware {
  return async (c, next) => {
    refuseImpersonating(c.req.header());
    await next();
  };
}

/** Throws Forbidden for any header of impersonation. */
export function refuseImpersonating(headers: Record<string, string> | IncomingHttpHeaders): void {
  const header = Object.keys(headers).find((name) => IMPERSONATION.test(name));
  if (header === undefined) return;
  throw new ApiError(
    "Forbidden",
    `forbidden: cannot act as somebody else by the header "${header}": impersonation is not supported yet; ` +
      'ask without it ("--as" of kubectl), with the credentials of that user',
  );
}

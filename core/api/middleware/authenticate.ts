import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError } from "../../client/api_error.ts";
import type { ClientCertificates } from "../access/client_certificates.ts";
import type { ApiMiddleware, User } from "../api_context.ts";
import { peerOf } from "../peer.ts";
import { ADMIN } from "../pki.ts";

/** Who asks without saying who they are. They may ask whether the server is well, and for its version. */
export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const AUTHENTICATED = "system:authenticated";

interface AuthenticatorOptions {
  adminToken: string;
  /** Absent: nobody is known by certificate. */
  certificates?: ClientCertificates;
}

/**
 * Finds out who asks: by bearer token, or by a client certificate. Headers in which a proxy says who asks
 * (`X-Remote-User` and the like) are not looked at: this server has no such proxy.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export class Authenticator {
  readonly #tokenHash: Uint8Array;
  readonly #certificates: ClientCertificates | undefined;

  constructor({ adminToken, certificates }: AuthenticatorOptions) {
    this.#tokenHash = sha256(adminToken);
    this.#certificates = certificates;
  }

  /** Throws Unauthorized for a token that is not known. */
  userOf(authorization: string | undefined, socket: object | undefined): User {
    const token = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (token !== undefined) return this.#userOfToken(token);
    return this.#userOfCertificate(peerOf(socket)?.certificate) ?? ANONYMOUS;
  }

  /** Hashes are compared, so that neither length nor prefix of the token shows in the time it takes. */
  #userOfToken(token: string): User {
    if (!timingSafeEqual(sha256(token), this.#tokenHash)) {
      throw new ApiError("Unauthorized", "Unauthorized");
    }
    return { name: ADMIN.commonName, groups: [ADMIN.organization, AUTHENTICATED] };
  }

  #userOfCertificate(der: Uint8Array | undefined): User | undefined {
    const verdict = der && this.#certificates?.verdictOn(der);
    if (!verdict || "refused" in verdict) return undefined;
    const { name, groups } = verdict.user;
    return { name, groups: [...groups, AUTHENTICATED] };
  }
}

export function authenticate(authenticator: Authenticator): ApiMiddleware {
  return async (c, next) => {
    const socket = (c.env?.incoming as IncomingMessage | undefined)?.socket;
    c.set("user", authenticator.userOf(c.req.header("authorization"), socket));
    await next();
  };
}

/** Of a text so short, hashing at once takes a tenth of what it takes to wait for another thread. */
function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

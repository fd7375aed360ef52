import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware, User } from "../api_context.ts";
import { ADMIN } from "../pki.ts";

/** Who asks without saying who they are. They may ask whether the server is well, and for its version. */
export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const AUTHENTICATED = "system:authenticated";

/**
 * Finds out who asks: by bearer token, or by a client certificate that the server's authority has signed.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export class Authenticator {
  readonly #tokenHash: Uint8Array;

  constructor({ adminToken }: { adminToken: string }) {
    this.#tokenHash = sha256(adminToken);
  }

  /** Throws Unauthorized for a token that is not known. */
  userOf(authorization: string | undefined, socket: unknown): User {
    const token = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (token !== undefined) return this.#userOfToken(token);
    return userOfCertificate(socket as Partial<TLSSocket> | undefined) ?? ANONYMOUS;
  }

  /** Hashes are compared, so that neither length nor prefix of the token shows in the time it takes. */
  #userOfToken(token: string): User {
    if (!timingSafeEqual(sha256(token), this.#tokenHash)) {
      throw new ApiError("Unauthorized", "Unauthorized");
    }
    return { name: ADMIN.commonName, groups: [ADMIN.organization, AUTHENTICATED] };
  }
}

export function authenticate(authenticator: Authenticator): ApiMiddleware {
  return async (c, next) => {
    const socket = (c.env?.incoming as IncomingMessage | undefined)?.socket;
    c.set("user", authenticator.userOf(c.req.header("authorization"), socket));
    await next();
  };
}

/** Only `authorized` says that the certificate is signed by us, in time, and made for clients. */
function userOfCertificate(socket: Partial<TLSSocket> | undefined): User | undefined {
  if (!socket?.authorized) return undefined;
  const subject = socket.getPeerCertificate?.()?.subject as Record<string, unknown> | undefined;
  const name = [subject?.["CN"]].flat()[0];
  if (typeof name !== "string" || name === "") return undefined;
  const groups = [subject?.["O"]].flat().filter((group) => typeof group === "string");
  return { name, groups: [...groups, AUTHENTICATED] };
}

/** Of a text so short, hashing at once takes a tenth of what it takes to wait for another thread. */
function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

import { ApiError } from "../../client/api_error.ts";
import type { Log } from "../../lib/log.ts";
import type { ClientCertificates } from "./client_certificates.ts";
import { tokenId } from "./token_id.ts";
import type { User } from "../http/api_context.ts";
import { peerOf } from "./peer.ts";

/** Who asks without saying who they are. They may ask whether the server is well, and for its version. */
export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
/** Everybody whose identity is known. */
export const AUTHENTICATED = "system:authenticated";

/** Whom a token names, by its SHA-256 in hexadecimal; `undefined` for one that is not known. */
export type TokenCheck = (id: string) => User | undefined;

interface AuthenticatorOptions {
  tokens: TokenCheck;
  /** Absent: nobody is known by certificate. */
  certificates?: ClientCertificates;
  log: Log;
}

/** Who asks, and whether what he has shown still counts, whenever that is asked. */
export interface Identity {
  user: User;
  isCurrent: () => boolean;
}

/**
 * Finds out who asks: by bearer token, or by a client certificate. Headers in which a proxy says who asks
 * (`X-Remote-User` and the like) are not looked at: this server has no such proxy.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Throws Unauthorized for a token that is not known. */
  identify(authorization: string | undefined, socket: object | undefined): Identity {
    const token = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (token !== undefined) return this.#ofToken(token);
    const der = peerOf(socket)?.certificate;
    return der && this.#ofCertificate(der) || NOBODY;
  }

  /** What is looked up is a hash: the time that it takes tells nothing about tokens. */
  #ofToken(token: string): Identity {
    const id = tokenId(token);
    const { tokens } = this.#options;
    const user = tokens(id);
    if (!user) throw new ApiError("Unauthorized", "Unauthorized");
    return { user: authenticated(user), isCurrent: () => tokens(id) !== undefined };
  }

  #ofCertificate(der: Uint8Array): Identity | undefined {
    const { certificates, log } = this.#options;
    if (!certificates) return undefined;
    const verdict = certificates.verdictOn(der);
    if ("refused" in verdict) {
      log.debug("A client certificate names nobody", { reason: verdict.refused });
      return undefined;
    }
    const isCurrent = () => "user" in certificates.verdictOn(der);
    return { user: authenticated(verdict.user), isCurrent };
  }
}

const NOBODY: Identity = { user: ANONYMOUS, isCurrent: () => true };

function authenticated({ name, groups }: User): User {
  return { name, groups: [...groups, AUTHENTICATED] };
}

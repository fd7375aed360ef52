import { ApiError } from "../../client/api_error.ts";
import type { Log } from "../../lib/log.ts";
import type { ClientCertificates } from "./client_certificates.ts";
import type { AccountTokens, TokenVerdict } from "./service_accounts/account_tokens.ts";
import { ISSUER } from "./service_accounts/account_token.ts";
import { tokenId } from "./token_id.ts";
import type { User } from "../http/api_context.ts";
import { peerOf } from "./peer.ts";

/** A user without credentials: Kubernetes' name and group for him. He may see health and version. */
export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
/** The group of all authenticated users. */
export const AUTHENTICATED = "system:authenticated";

/** The user of a token, given its SHA-256 in hexadecimal; `undefined` for an unknown one. */
export type TokenCheck = (id: string) => User | undefined;

interface AuthenticatorOptions {
  tokens: TokenCheck;
  /** Absent: service accounts have no tokens. */
  accounts?: AccountTokens;
  /** Absent: client certificates are not accepted. */
  certificates?: ClientCertificates;
  log: Log;
}

/** An authenticated user, and whether his credential is still valid. */
export interface Identity {
  user: User;
  isCurrent: () => boolean;
}

/**
 * Authenticates users by bearer token or client certificate. Headers in which a proxy names the user (`X-Remote-User`
 * and the like) are ignored: this server has no such proxy.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Throws Unauthorized for an unknown token. */
  identify(authorization: string | undefined, socket: object | undefined): Identity {
    const token = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (token !== undefined) return this.#ofToken(token);
    const der = peerOf(socket)?.certificate;
    return der && this.#ofCertificate(der) || NOBODY;
  }

  /** Whom a token names, for whom it is: `TokenReview`. `undefined`: nobody. `audiences`: whom it should be for. */
  verdictOn(token: string, audiences: readonly string[]): TokenVerdict | undefined {
    const ofAccount = this.#options.accounts?.verdictOn(token, audiences);
    if (ofAccount) {
      return "user" in ofAccount
        ? { ...ofAccount, user: authenticated(ofAccount.user) }
        : ofAccount;
    }
    const user = this.#options.tokens(tokenId(token));
    return user && audiences.includes(ISSUER)
      ? { user: authenticated(user), audiences: [ISSUER] }
      : undefined;
  }

  /** Looks up a hash, so that the time it takes reveals nothing about tokens. */
  #ofToken(token: string): Identity {
    const { accounts, tokens } = this.#options;
    if (accounts && token.includes(".")) {
      const verdict = accounts.verdictOn(token);
      if (verdict && "user" in verdict) {
        const isCurrent = () => "user" in (accounts.verdictOn(token) ?? {});
        return { user: authenticated(verdict.user), isCurrent };
      }
    }
    const id = tokenId(token);
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

function authenticated({ name, groups, uid, extra }: User): User {
  return {
    name,
    groups: [...groups, AUTHENTICATED],
    ...(uid && { uid }),
    ...(extra && { extra }),
  };
}

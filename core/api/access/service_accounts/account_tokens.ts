import { createHash } from "node:crypto";
import type { Clock } from "../../../lib/clock.ts";
import { msOf, timestamp } from "../../../lib/timestamp.ts";
import type { Random } from "../../../lib/random.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { secrets } from "../../../resources/core/secrets.ts";
import { type ServiceAccount, serviceAccounts } from "../../../resources/core/service_accounts.ts";
import { serviceAccountUser } from "../../../resources/rbac/bindings.ts";
import type { KubeObject, Resource } from "../../../resources/resource.ts";
import type { Store } from "../../../store/store.ts";
import type { User } from "../../http/api_context.ts";
import {
  type Claims,
  claimsOf,
  credentialIdOf,
  ISSUER,
  type Reference,
  tokenOf,
} from "./account_token.ts";
import { bootstrapUserOf } from "./bootstrap_tokens.ts";
import { secretClaimsOf, secretTokenFault } from "./secret_token.ts";
import type { SigningKey } from "./signing_key.ts";

/** Tokens whose signatures are known to be good; the oldest are dropped first. A signature takes some 0.2 ms. */
export const KNOWN_MAX = 4_096;
/** How far the clocks of others may differ. Kubernetes: `jwt.DefaultLeeway`. */
const LEEWAY_S = 60;
/** What the kubelet asks for in the volume that pods get by themselves. */
const WARN_ONLY_S = 3_607;
/** How long such a token is really valid, for programs that read it only once. It dies with its pod all the same. */
const EXTENDED_S = 365 * 24 * 60 * 60;

export interface AccountTokensOptions {
  store: Pick<Store, "get">;
  key: SigningKey;
  clock: Pick<Clock, "now">;
  random: Random;
}

/** What a token is to say. */
export interface Wanted {
  account: ServiceAccount;
  audiences: readonly string[];
  expirationSeconds: number;
  pod?: Reference;
  node?: Reference;
  secret?: Reference;
}

/** Whom a token names and for whom it is, or why it is refused, in Kubernetes' words. */
export type TokenVerdict = { user: User; audiences: readonly string[] } | { refused: string };

/**
 * Issues and checks the tokens of service accounts. A token is good while its account, and the pod, Secret or node that it
 * is bound to, are there with the uid that it names.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export class AccountTokens {
  readonly key: SigningKey;
  readonly #options: AccountTokensOptions;
  readonly #known = new Map<string, Claims>();

  constructor(options: AccountTokensOptions) {
    this.#options = options;
    this.key = options.key;
  }

  /** `expiresAt`: when it should be renewed at the latest. */
  issue(
    { account, audiences, expirationSeconds, pod, node, secret }: Wanted,
  ): { token: string; expiresAt: string; id: string } {
    const { clock, random } = this.#options;
    const nowMs = clock.now();
    const nowS = Math.floor(nowMs / 1_000);
    const isForPods = pod !== undefined && expirationSeconds === WARN_ONLY_S &&
      audiences.every((one) => one === ISSUER);
    const { name, namespace, uid } = account.metadata;
    const claims: Claims = {
      aud: audiences,
      exp: nowS + (isForPods ? EXTENDED_S : expirationSeconds),
      iat: nowS,
      iss: ISSUER,
      jti: random.uuid(),
      "kubernetes.io": {
        namespace,
        ...(node && { node }),
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: { name, uid },
        ...(isForPods && { warnafter: nowS + expirationSeconds }),
      },
      nbf: nowS,
      sub: serviceAccountUser(namespace, name),
    };
    const expiresAt = timestamp(nowMs + expirationSeconds * 1_000);
    return { token: tokenOf(claims, this.key), expiresAt, id: credentialIdOf(claims) };
  }

  /** `undefined`: it is none of ours, nor a bootstrap token. Never throws. */
  verdictOn(token: string, audiences: readonly string[] = [ISSUER]): TokenVerdict | undefined {
    const { store, clock } = this.#options;
    const joining = bootstrapUserOf(token, store, clock);
    if (joining) {
      return audiences.includes(ISSUER) ? { user: joining, audiences: [ISSUER] } : undefined;
    }
    const claims = this.#claimsOf(token);
    if (!claims) return this.#verdictOnSecretToken(token, audiences);
    const common = audiences.filter((one) => claims.aud.includes(one));
    if (common.length === 0) {
      const [given, wanted] = [claims.aud, audiences].map(quoted);
      return { refused: `token audiences ${given} is invalid for the target audiences ${wanted}` };
    }
    const refused = this.#faultOfTimes(claims) ?? this.#faultOfObjects(claims);
    return refused === undefined ? { user: userOf(claims), audiences: common } : { refused };
  }

  /** Of a token that a Secret holds: it is for the API server alone. */
  #verdictOnSecretToken(token: string, audiences: readonly string[]): TokenVerdict | undefined {
    const claims = secretClaimsOf(token, this.key);
    if (!claims) return undefined;
    const { namespace, account: name, accountUid: uid } = claims;
    const secret = this.#get(secrets, namespace, claims.secret);
    const account = this.#get(serviceAccounts, namespace, name);
    const refused = secretTokenFault(claims, token, { secret, account });
    if (refused !== undefined) return { refused };
    if (!audiences.includes(ISSUER)) {
      const [given, wanted] = [[ISSUER], audiences].map(quoted);
      return { refused: `token audiences ${given} is invalid for the target audiences ${wanted}` };
    }
    const user = {
      name: serviceAccountUser(namespace, name),
      uid,
      groups: accountGroups(namespace),
    };
    return { user, audiences: [ISSUER] };
  }

  #claimsOf(token: string): Claims | undefined {
    const id = createHash("sha256").update(token).digest("base64url");
    const known = this.#known.get(id);
    if (known) return known;
    const claims = claimsOf(token, this.key);
    if (!claims) return undefined;
    this.#known.set(id, claims);
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    return claims;
  }

  #faultOfTimes({ exp, nbf, iat }: Claims): string | undefined {
    const nowS = this.#options.clock.now() / 1_000;
    if (nowS - LEEWAY_S > exp) return "service account token has expired";
    if (nowS + LEEWAY_S < nbf) return "service account token is not valid yet";
    if (nowS + LEEWAY_S < iat) return "service account token is issued in the future";
    return undefined;
  }

  #faultOfObjects({ "kubernetes.io": { namespace, serviceaccount, ...bound } }: Claims) {
    const account = this.#get(serviceAccounts, namespace, serviceaccount.name);
    if (!account) return `serviceaccounts "${serviceaccount.name}" not found`;
    const { uid } = account.metadata;
    if (uid !== serviceaccount.uid) {
      return `service account UID (${uid}) does not match claim (${serviceaccount.uid})`;
    }
    if (this.#isGoing(account)) {
      return `service account ${namespace}/${serviceaccount.name} has been deleted`;
    }
    return this.#faultOfBound(secrets, "secret", namespace, bound.secret) ??
      this.#faultOfBound(pods, "pod", namespace, bound.pod) ??
      // The node of a pod is only told.
      (bound.pod ? undefined : this.#faultOfBound(nodes, "node", "", bound.node));
  }

  #faultOfBound<T extends KubeObject>(
    resource: Resource<T>,
    word: string,
    namespace: string,
    bound: Reference | undefined,
  ): string | undefined {
    if (!bound) return undefined;
    const object = this.#get(resource, namespace, bound.name);
    if (!object || (object.metadata.uid === bound.uid && this.#isGoing(object))) {
      return "service account token has been invalidated";
    }
    const { uid } = object.metadata;
    return uid === bound.uid
      ? undefined
      : `${word} UID (${uid}) does not match service account ${word} ref claim (${bound.uid})`;
  }

  /** Whether its end was due, as far as the clocks of others tell. */
  #isGoing({ metadata: { deletionTimestamp } }: KubeObject): boolean {
    if (deletionTimestamp === undefined) return false;
    return msOf(deletionTimestamp) < this.#options.clock.now() - LEEWAY_S * 1_000;
  }

  #get<T extends KubeObject>(
    { plural }: Resource<T>,
    namespace: string,
    name: string,
  ): T | undefined {
    return this.#options.store.get([plural, namespace, name])?.object as T | undefined;
  }
}

const EXTRA = "authentication.kubernetes.io/";

/** Kubernetes: apiserver `pkg/authentication/serviceaccount/util.go`. */
function userOf(claims: Claims): User {
  const { namespace, serviceaccount: { name, uid }, pod, node } = claims["kubernetes.io"];
  return {
    name: serviceAccountUser(namespace, name),
    uid,
    groups: accountGroups(namespace),
    extra: {
      [`${EXTRA}credential-id`]: [credentialIdOf(claims)],
      ...(node && {
        [`${EXTRA}node-name`]: [node.name],
        ...(node.uid && { [`${EXTRA}node-uid`]: [node.uid] }),
      }),
      ...(pod && {
        [`${EXTRA}pod-name`]: [pod.name],
        [`${EXTRA}pod-uid`]: [pod.uid],
      }),
    },
  };
}

/** The groups of all accounts of a namespace. */
export function accountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

function quoted(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
}

import { timingSafeEqual } from "node:crypto";
import { isJsonObject } from "../../../lib/json/json_value.ts";
import type { Secret } from "../../../resources/core/secrets.ts";
import type { ServiceAccount } from "../../../resources/core/service_accounts.ts";
import { serviceAccountUser } from "../../../resources/rbac/bindings.ts";
import { signedText, verifiedClaims } from "./account_token.ts";
import type { SigningKey } from "./signing_key.ts";

const ISSUER = "kubernetes/serviceaccount";
const PREFIX = "kubernetes.io/serviceaccount/";
/** Of a Secret whose token was not used for too long. */
const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";

/** What the token in a Secret says. It never expires: it is good while the Secret holds it. */
export interface SecretClaims {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly accountUid: string;
}

/**
 * The token that a Secret of type `kubernetes.io/service-account-token` gets.
 *
 * Kubernetes: `pkg/serviceaccount/legacy.go`.
 */
export function secretTokenOf(
  account: ServiceAccount,
  secret: Pick<Secret, "metadata">,
  key: SigningKey,
): string {
  const { namespace, name, uid } = account.metadata;
  return signedText({
    iss: ISSUER,
    [`${PREFIX}namespace`]: namespace,
    [`${PREFIX}secret.name`]: secret.metadata.name,
    [`${PREFIX}service-account.name`]: name,
    [`${PREFIX}service-account.uid`]: uid,
    sub: serviceAccountUser(namespace, name),
  }, key);
}

/** `undefined`: it is no such token, or none that the key has signed. Never throws. */
export function secretClaimsOf(token: string, key: SigningKey): SecretClaims | undefined {
  const claims = verifiedClaims(token, ISSUER, key);
  if (!isJsonObject(claims)) return undefined;
  const text = (name: string) => String(claims[name] ?? "");
  const found = {
    namespace: text(`${PREFIX}namespace`),
    secret: text(`${PREFIX}secret.name`),
    account: text(`${PREFIX}service-account.name`),
    accountUid: text(`${PREFIX}service-account.uid`),
  };
  const isMeant = claims["sub"] === serviceAccountUser(found.namespace, found.account);
  return isMeant && Object.values(found).every((each) => each !== "") ? found : undefined;
}

/** Why such a token is no longer good, by what is there now, in Kubernetes' words. */
export function secretTokenFault(
  claims: SecretClaims,
  token: string,
  { secret, account }: { secret: Secret | undefined; account: ServiceAccount | undefined },
): string | undefined {
  const { namespace, account: name, accountUid } = claims;
  if (!secret || secret.metadata.deletionTimestamp) return "Token has been invalidated";
  if (!isHeldBy(secret, token)) return "Token does not match server's copy";
  if (!account) return `serviceaccounts "${name}" not found`;
  if (account.metadata.deletionTimestamp) {
    return `ServiceAccount ${namespace}/${name} has been deleted`;
  }
  const { uid } = account.metadata;
  if (uid !== accountUid) return `ServiceAccount UID (${uid}) does not match claim (${accountUid})`;
  if (!secret.metadata.labels?.[INVALID_SINCE]) return undefined;
  return `the token in secret ${secret.metadata.name}/${namespace} for service account ` +
    `${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created ` +
    `secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`;
}

/** In constant time: nobody should learn the token byte by byte. */
function isHeldBy({ data }: Secret, token: string): boolean {
  const [given, held] = [token, atob(data?.["token"] ?? "")]
    .map((text) => new TextEncoder().encode(text));
  return given!.length === held!.length && timingSafeEqual(given!, held!);
}

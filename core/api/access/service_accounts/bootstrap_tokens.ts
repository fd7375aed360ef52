import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../lib/clock.ts";
import {
  dataText,
  TOKEN_NAMESPACE,
  tokenSecretName,
  tokenTermsOf,
  tokenUser,
} from "../../../resources/core/bootstrap_tokens.ts";
import { type Secret, secrets } from "../../../resources/core/secrets.ts";
import type { Store } from "../../../store/store.ts";
import type { User } from "../../http/api_context.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = "system:bootstrappers";
/** Other groups that a token may give. */
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Whom a bootstrap token names, by which machines join: the Secret `bootstrap-token-ID` of kube-system says it.
 * `undefined`: nobody.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export function bootstrapUserOf(
  token: string,
  store: Pick<Store, "get">,
  clock: Pick<Clock, "now">,
): User | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const name = tokenSecretName(id);
  const found = store.get([secrets.plural, TOKEN_NAMESPACE, name])?.object as Secret | undefined;
  const terms = found && tokenTermsOf(found);
  if (!terms) return undefined;
  const say = (name: string) => dataText(found.data, name);
  if (!isSame(say("token-secret"), secret)) return undefined;
  if (say("usage-bootstrap-authentication") !== "true") return undefined;
  if (terms.expiresMs !== undefined && !(terms.expiresMs > clock.now())) return undefined;
  const extra = say("auth-extra-groups").split(",").filter((group) => group !== "");
  if (extra.some((group) => !EXTRA_GROUP.test(group))) return undefined;
  return { name: tokenUser(id), groups: [...new Set([GROUP, ...extra])] };
}

/** In a time that reveals nothing about either. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(one!, other!);
}

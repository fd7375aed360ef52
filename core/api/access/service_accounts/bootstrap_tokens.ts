import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../lib/clock.ts";
import { ownField } from "../../../lib/own_field.ts";
import { type Secret, secrets } from "../../../resources/core/secrets.ts";
import type { Store } from "../../../store/store.ts";
import type { User } from "../../http/api_context.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const NAMESPACE = "kube-system";
const TYPE = "bootstrap.kubernetes.io/token";
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
  const found = store.get([secrets.plural, NAMESPACE, `bootstrap-token-${id}`])?.object;
  const { type, data, metadata } = (found ?? {}) as Partial<Secret>;
  if (type !== TYPE || metadata?.deletionTimestamp !== undefined) return undefined;
  const say = (name: string) => textOf(ownField(data, name));
  if (say("token-id") !== id || !isSame(say("token-secret"), secret)) return undefined;
  if (say("usage-bootstrap-authentication") !== "true") return undefined;
  const expiration = say("expiration");
  if (expiration !== "" && !(Date.parse(expiration) > clock.now())) return undefined;
  const extra = say("auth-extra-groups").split(",").filter((group) => group !== "");
  if (extra.some((group) => !EXTRA_GROUP.test(group))) return undefined;
  return { name: `system:bootstrap:${id}`, groups: [...new Set([GROUP, ...extra])] };
}

/** In a time that reveals nothing about either. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(one!, other!);
}

function textOf(base64 = ""): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64));
}

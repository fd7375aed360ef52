import { ownField } from "../../lib/own_field.ts";
import type { Secret } from "./secrets.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
export const TOKEN_TYPE = "bootstrap.kubernetes.io/token";
export const TOKEN_NAMESPACE = "kube-system";
const NAME_PREFIX = "bootstrap-token-";
/** Whom a token names: `system:bootstrap:ID`. */
const USER_PREFIX = "system:bootstrap:";
/** The group of those that may join machines without anybody's approval. */
export const JOINERS = "system:bootstrappers:coracle:nodes";

/** Annotations of the Secret: the only node that the token joins; how many machines; labels that their nodes get. */
export const TOKEN_NODE = "coracle.dev/join-node";
export const TOKEN_USES = "coracle.dev/join-uses";
export const TOKEN_LABELS = "coracle.dev/join-labels";
/** Uids of the requests for certificates that have used it up so far, with commas between. */
export const TOKEN_USED_BY = "coracle.dev/join-used-by";
/** Each use is written down in the Secret. */
export const TOKEN_USES_MAX = 1_000;

/** What a token is for. */
export interface TokenTerms {
  readonly id: string;
  /** When it ends; absent: never. NaN: nobody can tell. */
  readonly expiresMs?: number;
  /** The only node that may join by it; absent: any. */
  readonly node?: string;
  /** How many machines may join by it; absent: any number. */
  readonly uses?: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Uids of the requests that count as uses. */
  readonly usedBy: readonly string[];
}

export function tokenSecretName(id: string): string {
  return NAME_PREFIX + id;
}

/** The id in the name of a user that a bootstrap token names. */
export function tokenIdOf(user: string): string | undefined {
  return user.startsWith(USER_PREFIX) ? user.slice(USER_PREFIX.length) : undefined;
}

export function tokenUser(id: string): string {
  return USER_PREFIX + id;
}

/** What the Secret of a token says; `undefined`: it is none, or is being deleted. */
export function tokenTermsOf({ type, metadata, data }: Secret): TokenTerms | undefined {
  const { annotations, name, deletionTimestamp } = metadata;
  if (type !== TOKEN_TYPE || deletionTimestamp !== undefined) return undefined;
  const id = dataText(data, "token-id");
  if (name !== tokenSecretName(id)) return undefined;
  const expiration = dataText(data, "expiration");
  const node = ownField(annotations, TOKEN_NODE);
  const uses = ownField(annotations, TOKEN_USES);
  return {
    id,
    ...(expiration !== "" && { expiresMs: Date.parse(expiration) }),
    ...(node !== undefined && { node }),
    ...(uses !== undefined && { uses: usesOf(uses) }),
    labels: labelsOf(ownField(annotations, TOKEN_LABELS) ?? ""),
    usedBy: (ownField(annotations, TOKEN_USED_BY) ?? "").split(",").filter(Boolean),
  };
}

/** The text under a key of a Secret; empty when there is none. */
export function dataText(data: Secret["data"], key: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(ownField(data, key) ?? ""));
}

/** Labels as they stand in the annotation: `a=b,c=d`. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(",");
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").filter(Boolean).map((label) => {
      const [key = "", value = ""] = label.split("=", 2);
      return [key, value];
    }),
  );
}

/** What cannot be read allows no use. */
function usesOf(text: string): number {
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

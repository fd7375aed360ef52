import { isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import { JsonError, parseJson, Utf8Error } from "../../../lib/json/json_text.ts";
import { SigningKey } from "./signing_key.ts";

/** Who issues the tokens, and whom they are for when nobody else is named. */
export const ISSUER = "https://kubernetes.default.svc";
/** Of a token; ours have fewer than 1,500. */
const CHARACTERS_MAX = 16 * 1024;
const LIMITS = { depthMax: 8, valuesMax: 1_000 };
const PARTS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** An object that a token names. */
export interface Reference {
  readonly name: string;
  readonly uid: string;
}

/** What a token says. Times are in seconds since 1970. Kubernetes: `pkg/serviceaccount/claims.go`. */
export interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly node?: Reference;
    readonly pod?: Reference;
    readonly secret?: Reference;
    readonly serviceaccount: Reference;
    readonly warnafter?: number;
  };
  readonly nbf: number;
  readonly sub: string;
}

/** The token of RFC 7519 that says this. */
export function tokenOf(claims: Partial<Claims>, key: SigningKey): string {
  return signedText(claims, key);
}

/** Any claims, signed. */
export function signedText(claims: object, key: SigningKey): string {
  const head = encoded({ alg: SigningKey.algorithm, kid: key.id });
  const signed = `${head}.${encoded(claims)}`;
  return `${signed}.${key.sign(signed)}`;
}

/**
 * What a token says that the key has signed. `undefined` for a token of another issuer or another key, and for what is no
 * token at all. Of the head only what was agreed counts: our own algorithm and our own key. Never throws.
 */
export function claimsOf(token: string, key: SigningKey): Claims | undefined {
  return verifiedClaims(token, ISSUER, key) as unknown as Claims | undefined; // ours: they have this shape
}

/** The same of the tokens of an issuer. */
export function verifiedClaims(
  token: string,
  issuer: string,
  key: SigningKey,
): JsonObject | undefined {
  const parts = token.length > CHARACTERS_MAX ? null : PARTS.exec(token);
  if (!parts) return undefined;
  const [, head = "", body = "", signature = ""] = parts;
  const header = decoded(head);
  if (header?.["alg"] !== SigningKey.algorithm || Object.hasOwn(header, "crit")) return undefined;
  if (Object.hasOwn(header, "kid") && header["kid"] !== key.id) return undefined;
  const claims = decoded(body);
  if (claims?.["iss"] !== issuer) return undefined; // before the signature, which takes long
  if (!isBase64url(signature) || !key.verifies(`${head}.${body}`, signature)) return undefined;
  return claims;
}

/** The id that audit logs and reviews show of a token. */
export function credentialIdOf({ jti }: Pick<Claims, "jti">): string {
  return `JTI=${jti}`;
}

function encoded(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function decoded(text: string): JsonObject | undefined {
  if (!isBase64url(text)) return undefined;
  try {
    const value = parseJson(Uint8Array.fromBase64(text, { alphabet: "base64url" }), LIMITS);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonError || error instanceof Utf8Error) return undefined;
    throw error;
  }
}

/** Whether it can be decoded: one character alone says less than a byte, and unused bits are zero. */
function isBase64url(text: string): boolean {
  try {
    return Uint8Array.fromBase64(text, {
      alphabet: "base64url",
      lastChunkHandling: "loose",
    }).toBase64({ alphabet: "base64url", omitPadding: true }) === text;
  } catch {
    return false; // a SyntaxError: the only one it throws
  }
}

import { timestamp } from "../../core/lib/timestamp.ts";
import type { Draft } from "../../core/client/client.ts";
import {
  JOINERS,
  labelsText,
  TOKEN_LABELS,
  TOKEN_NAMESPACE,
  TOKEN_NODE,
  TOKEN_TYPE,
  TOKEN_USES,
  tokenSecretName,
} from "../../core/resources/core/bootstrap_tokens.ts";
import type { Secret } from "../../core/resources/core/secrets.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
/** Multiples of the alphabet's length: bytes above would make some characters likelier. */
const FAIR_BYTES = 256 - 256 % ALPHABET.length;

/** https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#token-format */
export interface Token {
  /** Six characters, no secret. */
  id: string;
  /** Sixteen. */
  secret: string;
}

export interface NewTokenTerms {
  /** Absent: never. */
  expiresMs: number | undefined;
  node?: string;
  uses?: number;
  labels: Readonly<Record<string, string>>;
}

export function newToken(): Token {
  return { id: randomText(6), secret: randomText(16) };
}

/** The Secret that makes the token known. */
export function tokenSecret(
  { id, secret }: Token,
  { expiresMs, node, uses, labels }: NewTokenTerms,
): Draft<Secret> {
  const annotations = {
    ...(node !== undefined && { [TOKEN_NODE]: node }),
    ...(uses !== undefined && { [TOKEN_USES]: String(uses) }),
    ...(Object.keys(labels).length > 0 && { [TOKEN_LABELS]: labelsText(labels) }),
  };
  const data = {
    "token-id": id,
    "token-secret": secret,
    ...(expiresMs !== undefined && { expiration: timestamp(expiresMs) }),
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": JOINERS,
  };
  const encoded = Object.entries(data).map(([key, text]) => [key, btoa(text)]);
  const metadata = { namespace: TOKEN_NAMESPACE, name: tokenSecretName(id), annotations };
  return { metadata, type: TOKEN_TYPE, data: Object.fromEntries(encoded) };
}

function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte! < FAIR_BYTES) text += ALPHABET[byte! % ALPHABET.length];
  }
  return text;
}

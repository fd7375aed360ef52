import { isJsonObject } from "../../core/lib/json/json_value.ts";
import { ownField } from "../../core/lib/own_field.ts";
import type { Secret } from "../../core/resources/core/secrets.ts";
import type { RegistryCredentials } from "../runtimes/container_runtime.ts";

/** Credentials, and for which images: a host with wildcards, its port, and a prefix of the path. */
export interface RegistryEntry {
  /** E.g. `*.example.com:5000/team`, without a scheme. */
  readonly place: string;
  readonly credentials: RegistryCredentials;
}

/** The key of the data of a Secret that holds credentials, and how they lie in it. */
const TYPES: Readonly<Record<string, { key: string; isWrapped: boolean }>> = {
  "kubernetes.io/dockerconfigjson": { key: ".dockerconfigjson", isWrapped: true },
  "kubernetes.io/dockercfg": { key: ".dockercfg", isWrapped: false },
};

/** A Secret cannot be read as credentials. The message names the Secret and nothing of what it holds. */
export class PullSecretError extends Error {
  override name = "PullSecretError";
}

/**
 * The credentials in a Secret; none in one of another type. Throws a {@linkcode PullSecretError}. Pure.
 * https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
 */
export function entriesOf({ metadata: { name }, type, data }: Secret): RegistryEntry[] {
  const { key = "", isWrapped = false } = ownField(TYPES, type) ?? {};
  const encoded = ownField(data ?? {}, key) ?? "";
  if (encoded === "") return [];
  const fault = (what: string) => new PullSecretError(`the pull secret "${name}" ${what}`);
  const whole = parsed(encoded);
  if (!isJsonObject(whole)) throw fault(`is not valid: its ${key} is no JSON object`);
  const entries = isWrapped ? whole["auths"] ?? {} : whole;
  if (!isJsonObject(entries)) throw fault("is not valid: its auths are no JSON object");
  return Object.entries(entries).flatMap(([place, entry]) => {
    const credentials = credentialsOf(entry);
    if (credentials === undefined) throw fault("has an entry that is not valid");
    const known = placeOf(place);
    return known === undefined ? [] : [{ place: known, credentials }];
  });
}

function parsed(encoded: string): unknown {
  try {
    return JSON.parse(textOf(encoded));
  } catch { // its message would quote the secret
    return undefined;
  }
}

function textOf(encoded: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(encoded));
}

/** `auth`, when there is one, is `user:password` in base64, and counts more than the other fields. */
function credentialsOf(entry: unknown): RegistryCredentials | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { username = "", password = "", auth = "" } = entry;
  if (typeof username !== "string" || typeof password !== "string" || typeof auth !== "string") {
    return undefined;
  }
  if (auth === "") return { username, password };
  try {
    const text = textOf(auth);
    const colon = text.indexOf(":");
    if (colon < 0) return undefined;
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch { // no base64
    return undefined;
  }
}

/** `https://index.docker.io/v1/` is the host: what comes after a version is a path; `undefined`: no place at all. */
function placeOf(text: string): string | undefined {
  const rest = text.replace(/^https?:\/\//, "").replace(/[?#].*$/s, "");
  const slash = rest.indexOf("/");
  const host = slash < 0 ? rest : rest.slice(0, slash);
  if (host === "" || /[\s@]/.test(host)) return undefined;
  const path = slash < 0 ? "" : rest.slice(slash).replace(/^\/v[12]\//, "/");
  return path === "/" ? host : host + path;
}

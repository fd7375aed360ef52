import { ascii, textOf } from "../messages/characters.ts";
import type { Head } from "../messages/head.ts";
import { fieldOf } from "../messages/head_writer.ts";
import type { Cors, HeaderEdit, HeaderValue } from "../table/route_table.ts";

/** The fields of a request that CORS goes by; `undefined`: absent. */
export interface CorsRequest {
  method: string;
  origin: string | undefined;
  /** `Access-Control-Request-Method`, `-Headers` */
  requestMethod: string | undefined;
  requestHeaders: string | undefined;
}

/** The result: an answer of the proxy's own, or changes to the backend's. */
export type CorsOutcome = { preflight: readonly HeaderValue[] } | { edit: HeaderEdit };

const FIELDS = {
  origin: ascii("origin"),
  requestMethod: ascii("access-control-request-method"),
  requestHeaders: ascii("access-control-request-headers"),
};

export function corsRequestOf(bytes: Uint8Array, headEnd: number, head: Head): CorsRequest {
  return {
    method: textOf(bytes, head.start, head.methodEnd),
    origin: fieldOf(bytes, headEnd, head, FIELDS.origin),
    requestMethod: fieldOf(bytes, headEnd, head, FIELDS.requestMethod),
    requestHeaders: fieldOf(bytes, headEnd, head, FIELDS.requestHeaders),
  };
}

/**
 * What a route with a CORS filter does about a request. A preflight request is answered here, without the fields that
 * allow something when its origin may not; other requests go to the backend, for it is the browser that keeps the answer.
 *
 * https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter, https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function corsOutcome(cors: Cors, request: CorsRequest): CorsOutcome {
  const { method, origin, requestMethod } = request;
  const isAllowed = origin !== undefined && allows(cors.allowOrigins, origin);
  const isPreflight = method === "OPTIONS" && origin !== undefined && requestMethod !== undefined;
  if (isPreflight) {
    const allowed = isAllowed
      ? [...originFields(cors, origin), ...preflightFields(cors, request)]
      : [];
    return { preflight: [...allowed, ...varyFields(cors)] };
  }
  const set = isAllowed ? [...originFields(cors, origin), ...exposedFields(cors)] : [];
  return { edit: { set, add: varyFields(cors), remove: [] } };
}

/** The changes that a route makes to answers, with those of its CORS filter after them. */
export function withCors(own: HeaderEdit | undefined, outcome: CorsOutcome): HeaderEdit {
  const { edit } = "edit" in outcome ? outcome : { edit: { set: [], add: [], remove: [] } };
  return {
    set: [...own?.set ?? [], ...edit.set],
    add: [...own?.add ?? [], ...edit.add],
    remove: [...own?.remove ?? [], ...edit.remove],
  };
}

/** Whether every origin gets the same answer. */
function isForAll({ allowOrigins, allowCredentials }: Cors): boolean {
  return allowOrigins.includes("*") && !allowCredentials;
}

function originFields(cors: Cors, origin: string): HeaderValue[] {
  const value = isForAll(cors) ? "*" : origin;
  return [
    { name: "Access-Control-Allow-Origin", value },
    ...(cors.allowCredentials ? [{ name: "Access-Control-Allow-Credentials", value: "true" }] : []),
  ];
}

/** Caches must not give one origin's answer to another. */
function varyFields(cors: Cors): HeaderValue[] {
  return isForAll(cors) ? [] : [{ name: "Vary", value: "Origin" }];
}

function preflightFields(
  cors: Cors,
  { requestMethod, requestHeaders }: CorsRequest,
): HeaderValue[] {
  const methods = listed(cors, cors.allowMethods, requestMethod);
  const headers = listed(cors, cors.allowHeaders, requestHeaders);
  return [
    ...(methods === undefined ? [] : [{ name: "Access-Control-Allow-Methods", value: methods }]),
    ...(headers === undefined ? [] : [{ name: "Access-Control-Allow-Headers", value: headers }]),
    { name: "Access-Control-Max-Age", value: String(cors.maxAgeSeconds) },
  ];
}

function exposedFields(cors: Cors): HeaderValue[] {
  const value = listed(cors, cors.exposeHeaders, undefined);
  return value === undefined ? [] : [{ name: "Access-Control-Expose-Headers", value }];
}

/** The value of a list field; with credentials, `*` becomes what was asked for. */
function listed(
  { allowCredentials }: Cors,
  names: readonly string[],
  asked: string | undefined,
): string | undefined {
  if (names.length === 0) return undefined;
  if (!names.includes("*")) return names.join(", ");
  return allowCredentials ? asked : "*";
}

function allows(allowed: readonly string[], origin: string): boolean {
  const parts = originParts(origin);
  return allowed.some((pattern) => {
    if (pattern === "*") return true;
    const wanted = originParts(pattern);
    return parts !== undefined && wanted !== undefined && wanted.scheme === parts.scheme &&
      wanted.port === parts.port && matchesPattern(wanted.host, parts.host);
  });
}

/** Scheme, host and port of an origin, in small letters, with the default port when there is none. */
function originParts(origin: string): { scheme: string; host: string; port: string } | undefined {
  const [, scheme, host, port] =
    /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]+\]|[^:/?#\[\]]+)(?::(\d{1,5}))?$/.exec(
      origin.toLowerCase(),
    ) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  return { scheme, host, port: port ?? (scheme === "https" ? "443" : "80") };
}

/** Whether the pattern matches the text; `*` matches one or more characters, dots included. */
function matchesPattern(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === text;
  const last = rest.pop()!;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at + 1);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + 1 + last.length <= text.length;
}

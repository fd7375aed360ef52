import { ArrayList, EntryMap, Failure, OpaqueValue, type Value } from "../values/values.ts";
import { goQuoted } from "./go_text.ts";
import type { Declaration } from "./overloads.ts";

/** A URL as Go's `ParseRequestURI` reads it. */
class UrlValue extends OpaqueValue {
  readonly typeName = "kubernetes.URL";
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly text: string;

  constructor(parts: { scheme: string; host: string; path: string; query: string; text: string }) {
    super();
    this.scheme = parts.scheme;
    this.host = parts.host;
    this.path = parts.path;
    this.query = parts.query;
    this.text = parts.text;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }

  /** Host and port, without brackets. */
  get hostAndPort(): [host: string, port: string] {
    const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(this.host);
    return match ? [match[1] ?? match[2] ?? "", match[3] ?? ""] : [this.host, ""];
  }
}

/** URLs: absolute ones, or absolute paths. */
export const URLS: readonly Declaration[] = [
  ["is_url_string", "isURL(string): bool", (text: string) => urlFault(text) === undefined],
  ["string_to_url", "url(string): URL", urlFrom],
  ["url_get_scheme", "URL.getScheme(): string", ({ scheme }: UrlValue) => scheme],
  ["url_get_host", "URL.getHost(): string", ({ host }: UrlValue) => host],
  ["url_get_hostname", "URL.getHostname(): string", (url: UrlValue) => url.hostAndPort[0]],
  ["url_get_port", "URL.getPort(): string", (url: UrlValue) => url.hostAndPort[1]],
  [
    "url_get_escaped_path",
    "URL.getEscapedPath(): string",
    ({ path }: UrlValue) => escapedPath(path),
  ],
  [
    "url_get_query",
    "URL.getQuery(): map(string, list(string))",
    ({ query }: UrlValue) => queryOf(query),
  ],
];

const URL_LENGTH_MAX = 64 * 1024;
const PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s;

function urlFrom(text: string): Value {
  const fault = urlFault(text);
  if (fault !== undefined) {
    return new Failure(
      `URL parse error during conversion from string: parse ${goQuoted(text)}: ${fault}`,
    );
  }
  const [, scheme = "", authority = "", path = "", query = ""] = PARTS.exec(text)!;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return new UrlValue({ scheme: scheme.toLowerCase(), host, path, query, text });
}

/** Why Go would not read it; `undefined` if it would. */
export function urlFault(text: string): string | undefined {
  if (text === "") return "empty url";
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return "net/url: invalid control character in URL";
  const match = text.length <= URL_LENGTH_MAX ? PARTS.exec(text) : null;
  if (!match) return "invalid URI for request";
  const [, scheme, authority, path = ""] = match;
  if (text.startsWith(":")) return "missing protocol scheme";
  if (!scheme && !text.startsWith("/")) return "invalid URI for request";
  if (scheme && authority === undefined && !path.startsWith("/")) return undefined; // opaque: mailto:x
  return authorityFault(authority ?? "") ?? escapeFault(path);
}

function authorityFault(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host.startsWith("[") && !host.includes("]")) return "missing ']' in host";
  const port = host.startsWith("[")
    ? host.slice(host.indexOf("]") + 1)
    : /:.*$/.exec(host)?.[0] ?? "";
  if (port !== "" && !/^:\d*$/.test(port)) return `invalid port ${goQuoted(port)} after host`;
  const invalid = /[ "<>\\^`{|}#]/.exec(host);
  if (invalid) return `invalid character ${goQuoted(invalid[0])} in host name`;
  return escapeFault(host);
}

function escapeFault(text: string): string | undefined {
  const invalid = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text);
  return invalid ? `invalid URL escape ${goQuoted(invalid[0])}` : undefined;
}

const UNSAFE = /[^A-Za-z0-9\-._~$&+,/:;=@!'()*%[\]]/gu;

function escapedPath(path: string): string {
  return path.replace(UNSAFE, (character) => {
    const bytes = new TextEncoder().encode(character);
    return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
      "",
    );
  });
}

const QUERY_PARTS_MAX = 10_000;

function queryOf(query: string): Value {
  const values = new Map<string, Value[]>();
  for (const part of query.split("&", QUERY_PARTS_MAX)) {
    if (part === "" || part.includes(";")) continue;
    const [name, ...rest] = part.split("=");
    const [key, value] = [unescaped(name!), unescaped(rest.join("="))];
    if (key === undefined || value === undefined) continue;
    const of = values.get(key) ?? [];
    values.set(key, of);
    of.push(value);
  }
  return new EntryMap([...values].map(([key, list]) => [key, new ArrayList(list)] as const));
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // Go leaves out what it cannot read
  }
}

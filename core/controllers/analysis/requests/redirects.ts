import { Buffer } from "node:buffer";
import { normalName } from "./target_policy.ts";

/** Names and values; of equal names the last counts. */
export type OutgoingHeaders = readonly (readonly [name: string, value: string])[];

interface Sent {
  method: string;
  url: URL;
  headers?: OutgoingHeaders;
  body?: string;
}

/** What a request may not say of itself: it follows from URL and body. */
const OWN_HEADERS: ReadonlySet<string> = new Set(
  ["host", "content-length", "transfer-encoding", "connection", "upgrade", "trailer", "te"],
);

/** The headers of a request, with those that every request has. Throws for what is no header. */
export function headersToSend(
  { url, headers = [] }: Sent,
  bodyBytes: number | undefined,
): Record<string, string> {
  const sent = new Map([["user-agent", "coracle"], ["accept", "*/*"]]);
  if (url.username !== "" || url.password !== "") {
    sent.set("authorization", basic(decodedPart(url.username), decodedPart(url.password)));
  }
  for (const [name, value] of headers) {
    refuseBadHeader(name, value);
    if (!OWN_HEADERS.has(name.toLowerCase())) sent.set(name.toLowerCase(), value);
  }
  sent.set("host", url.host);
  sent.set("connection", "close");
  if (bodyBytes !== undefined) sent.set("content-length", String(bodyBytes));
  return Object.fromEntries(sent);
}

/** The value of `Authorization` for a name and a password (RFC 7617). */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function decodedPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a URIError: it was not encoded
  }
}

function refuseBadHeader(name: string, value: string): void {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new TypeError(`net/http: invalid header field name ${JSON.stringify(name)}`);
  }
  // deno-lint-ignore no-control-regex -- what a header may not have are control characters
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new TypeError(`net/http: invalid header field value for ${JSON.stringify(name)}`);
  }
}

/** Headers that are for one host, and not for where it sends us. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(
  ["authorization", "www-authenticate", "cookie", "cookie2"],
);

/**
 * The request that follows an answer which says where to go on; `undefined` when the answer is the last one. As Go's
 * client: after 301, 302 and 303 what was no GET becomes one without a body; another host is not told secrets.
 */
export function redirected<T extends Sent>(
  request: T,
  status: number,
  location: string,
): T | undefined {
  const isSame = status === 307 || status === 308;
  if (!isSame && status !== 301 && status !== 302 && status !== 303) return undefined;
  if (!URL.canParse(location, request.url.href)) {
    throw new RangeError(`failed to parse Location header ${JSON.stringify(location)}`);
  }
  const url = new URL(location, request.url);
  const { body, headers = [], ...rest } = request;
  const keeps = isSame || request.method === "GET";
  const kept = headers.filter(([name]) => {
    const header = name.toLowerCase();
    return !(SECRET_HEADERS.has(header) && !isWithinHost(url, request.url)) &&
      !(header === "content-type" && !keeps);
  });
  const method = keeps ? request.method : "GET";
  const next = {
    ...rest,
    url,
    method,
    headers: kept,
    ...(isSame && body !== undefined && { body }),
  };
  return next as unknown as T; // all of it but what was replaced
}

/** Whether a host is the other one or lies in its domain. */
function isWithinHost(next: URL, first: URL): boolean {
  const [to, from] = [normalName(next.hostname), normalName(first.hostname)];
  return to === from || to.endsWith(`.${from}`);
}

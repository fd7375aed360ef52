/** Headers by name in lower case, as Node has them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Of one connection, not of the message: RFC 9110, section 7.6.1; the list is that of Go's `httputil.ReverseProxy`. */
const HOP_BY_HOP = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Who asks: kube-apiserver takes them out once it has read them. */
const CREDENTIALS = /^(authorization|x-remote-.*|impersonate-.*)$/;
/** A backend must not open the API's origin to other sites: apimachinery `pkg/util/proxy`. */
const CORS = /^access-control-allow-(credentials|headers|methods|origin)$/;

export interface Forwarding {
  /** Address of the client. */
  from: string | undefined;
  /** Path of the request as the client sent it. */
  uri: string;
}

/** What the backend gets to see. */
export function requestHeaders(
  sent: Headers,
  { from, uri }: Forwarding,
): Record<string, string | string[]> {
  const headers = kept(sent, (name) => !CREDENTIALS.test(name));
  const before = headers["x-forwarded-for"];
  if (from !== undefined) {
    headers["x-forwarded-for"] = before === undefined
      ? from
      : `${[before].flat().join(", ")}, ${from}`;
  }
  headers["x-forwarded-uri"] = uri;
  return headers;
}

/** What the client gets to see of the backend's answer. */
export function answerHeaders(sent: Headers): Record<string, string | string[]> {
  return kept(sent, (name) => !CORS.test(name));
}

function kept(
  headers: Headers,
  isWanted: (name: string) => boolean,
): Record<string, string | string[]> {
  const named = [headers["connection"] ?? ""].flat().join(",").split(",");
  const dropped = new Set(named.map((each) => each.trim().toLowerCase()));
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined || HOP_BY_HOP.has(name) || dropped.has(name)) return [];
    return isWanted(name) ? [[name, typeof value === "string" ? value : [...value]] as const] : [];
  });
  return Object.fromEntries(entries);
}

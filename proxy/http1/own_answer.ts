import { ascii } from "../messages/characters.ts";

/** What the proxy itself says, and why: RFC 9209 has the words for `error`. */
export interface OwnAnswer {
  status: number;
  error:
    | "connection_limit_reached"
    | "connection_refused"
    | "connection_terminated"
    | "connection_timeout"
    | "destination_not_found"
    | "destination_unavailable"
    | "http_protocol_error"
    | "http_request_error"
    | "http_response_timeout"
    | "proxy_configuration_error";
  /** A sentence for people: the body. */
  message: string;
}

const TEXT: Readonly<Record<number, string>> = {
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  404: "Not Found",
  408: "Request Timeout",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** How an answer is given. */
export interface Manner {
  /** The request was HEAD: no body. */
  answersHead: boolean;
  /** The connection ends after it. */
  closes: boolean;
}

/**
 * The bytes of an answer of the proxy's own, with its reason in the body and in `Proxy-Status` (RFC 9209).
 */
export function ownAnswer({ status, error, message }: OwnAnswer, manner: Manner): Uint8Array {
  return answerOf(status, `Proxy-Status: coracle; error=${error}\r\n`, `${message}\n`, manner);
}

export function redirectAnswer(status: number, location: string, manner: Manner): Uint8Array {
  const safe = location.replace(/[^\x21-\x7e]/g, (c) => encodeURIComponent(c));
  return answerOf(status, `Location: ${safe}\r\n`, "", manner);
}

/** An answer to a preflight request, which is all in its fields. */
export function preflightAnswer(
  fields: readonly { name: string; value: string }[],
  manner: Manner,
): Uint8Array {
  const lines = fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return ascii(
    `HTTP/1.1 204 ${TEXT[204]}\r\n${lines}${manner.closes ? "Connection: close\r\n" : ""}\r\n`,
  );
}

function answerOf(status: number, fields: string, body: string, manner: Manner): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  const head = `HTTP/1.1 ${status} ${TEXT[status] ?? "Error"}\r\n${fields}` +
    `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${bytes.length}\r\n` +
    (manner.closes ? "Connection: close\r\n\r\n" : "\r\n");
  const answer = new Uint8Array(head.length + (manner.answersHead ? 0 : bytes.length));
  answer.set(ascii(head));
  if (!manner.answersHead) answer.set(bytes, head.length);
  return answer;
}

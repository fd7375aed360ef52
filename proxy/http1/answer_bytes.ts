import { ascii } from "../messages/characters.ts";
import type { OwnAnswer } from "../protocol/own_answer.ts";

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
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

/** An answer of the proxy's own as a message of HTTP/1.1. `isHeadRequest`: the request was HEAD, so it has no body. */
export function answerBytes(
  { status, fields, body, contentType = "text/plain; charset=utf-8" }: OwnAnswer,
  { isHeadRequest, closes }: { isHeadRequest: boolean; closes: boolean },
): Uint8Array {
  const content = new TextEncoder().encode(body ?? "");
  const lines = fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  const framing = body === undefined
    ? ""
    : `Content-Type: ${contentType}\r\nContent-Length: ${content.length}\r\n`;
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}\r\n${lines}${framing}` +
    (closes ? "Connection: close\r\n\r\n" : "\r\n");
  const answer = new Uint8Array(head.length + (isHeadRequest ? 0 : content.length));
  answer.set(ascii(head));
  if (!isHeadRequest) answer.set(content, head.length);
  return answer;
}

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { yamlText } from "../../manifest/yaml_text.ts";
import { prefersYaml, YAML_TYPE } from "./accept.ts";
import type { ApiContext } from "./api_context.ts";
import { timedOut } from "./request_timeout.ts";
import { PIECE_BYTES } from "./parts_writer.ts";
import { warningHeaders } from "./warning_headers.ts";
import { type ByteStream, ResponseStream, SocketStream } from "./byte_stream.ts";

const encoder = new TextEncoder();

/** Answers with JSON that is already encoded. */
export function sendJsonBytes(c: ApiContext, code: number, bytes: Uint8Array): Response {
  return sendBytes(c, code, "application/json", bytes);
}

export function sendJson(
  c: ApiContext,
  code: number,
  value: unknown,
  contentType = "application/json",
  more: Headers = {},
): Response {
  return sendBytes(c, code, contentType, encoder.encode(JSON.stringify(value) + "\n"), more);
}

/** Answers with JSON, or with YAML if the client prefers it. */
export function sendAsAccepted(
  c: ApiContext,
  code: number,
  value: unknown,
  more: Headers = {},
): Response {
  if (!prefersYaml(c.req.header("accept"))) {
    return sendJson(c, code, value, "application/json", more);
  }
  return sendBytes(c, code, YAML_TYPE, encoder.encode(yamlText(value)), more);
}

export function sendText(
  c: ApiContext,
  code: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): Response {
  return sendBytes(c, code, contentType, encoder.encode(text));
}

/** Writes the whole answer, directly to the socket if there is one. */
export function sendBytes(
  c: ApiContext,
  code: number,
  contentType: string,
  bytes: Uint8Array,
  more: Headers = {},
): Response {
  const headers = { ...headersOf(c, contentType), "content-length": String(bytes.length), ...more };
  const outgoing = c.env?.outgoing;
  if (!outgoing) {
    return new Response(bytes as BodyInit, { status: code, headers: webHeaders(headers) });
  }
  if (outgoing.headersSent) return RESPONSE_ALREADY_SENT; // it took too long, and was answered for that
  outgoing.writeHead(code, headers);
  outgoing.end(bytes);
  return RESPONSE_ALREADY_SENT;
}

/** Begins a streamed answer. Its head is sent at once. */
export function openStream(
  c: ApiContext,
  contentType: string,
  options: { contentLength?: number } = {},
): { stream: ByteStream; response: Response } {
  const headers = headersOf(c, contentType);
  if (options.contentLength !== undefined) {
    headers["content-length"] = String(options.contentLength);
  }
  const outgoing = c.env?.outgoing;
  if (outgoing) {
    if (outgoing.headersSent) throw timedOut();
    outgoing.writeHead(200, headers);
    outgoing.flushHeaders();
    const hasLength = options.contentLength !== undefined;
    const stream = new SocketStream(outgoing, { hasLength });
    return { stream, response: RESPONSE_ALREADY_SENT };
  }
  const stream = new ResponseStream(PIECE_BYTES);
  const response = new Response(stream.body as BodyInit, { headers: webHeaders(headers) });
  return { stream, response };
}

type Headers = Record<string, string | string[]>;

function headersOf(c: ApiContext, contentType: string): Headers {
  const warnings = c.get("warnings");
  return {
    "audit-id": c.get("requestId") ?? "",
    "cache-control": "no-cache, private",
    "content-type": contentType,
    ...c.get("flowHeaders"),
    ...(warnings?.length ? { warning: warningHeaders(warnings) } : {}),
  };
}

function webHeaders(headers: Headers): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one])
  );
}

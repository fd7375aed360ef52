import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { yamlText } from "../../manifest/yaml_text.ts";
import { prefersYaml, YAML_TYPE } from "./accept.ts";
import type { ApiContext } from "./api_context.ts";
import { timedOut } from "./request_timeout.ts";
import { warningHeaders } from "./warning_headers.ts";
import { type ByteStream, ResponseStream, SocketStream } from "./byte_stream.ts";

/** Size of the pieces in which lists are written: large enough to fill TLS records, small enough to keep memory flat. */
export const PIECE_BYTES = 64 * 1024;
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
    return { stream: new SocketStream(outgoing), response: RESPONSE_ALREADY_SENT };
  }
  const stream = new ResponseStream(PIECE_BYTES);
  const response = new Response(stream.body as BodyInit, { headers: webHeaders(headers) });
  return { stream, response };
}

/** Writes all parts, joined into pieces, at the pace of the peer. Stops quietly when the peer leaves. */
export async function writeParts(stream: ByteStream, parts: Iterable<Uint8Array>): Promise<void> {
  let piece = new Uint8Array(PIECE_BYTES);
  let used = 0;
  for (const part of parts) {
    if (part.length < PIECE_BYTES - used) { // most of them, and there are thousands
      if (part.length === 1) piece[used] = part[0]!;
      else piece.set(part, used);
      used += part.length;
      continue;
    }
    for (let offset = 0; offset < part.length;) {
      const taken = Math.min(part.length - offset, PIECE_BYTES - used);
      piece.set(part.subarray(offset, offset + taken), used);
      offset += taken;
      used += taken;
      if (used < PIECE_BYTES) continue;
      const waits = !stream.write(piece);
      if (waits) await stream.drained();
      if (stream.gone.aborted) return;
      if (!waits || stream.keepsBytes) piece = new Uint8Array(PIECE_BYTES);
      used = 0;
    }
  }
  if (used > 0 && !stream.write(piece.subarray(0, used))) await stream.drained();
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

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import type { ApiContext } from "../http/api_context.ts";
import { methodNotAllowed, type ObjectRequest } from "../verbs/request.ts";
import { askBackend } from "../../client/http_exchange.ts";
import type { LinkContext } from "./proxy/links.ts";
import { rewrittenLink } from "./proxy/links.ts";
import { isPage, pageWithLinks } from "./proxy/page.ts";
import { answerHeaders, type Headers, requestHeaders } from "./proxy/proxy_headers.ts";
import { type Passed, passedOf, reached, targetOf, unreachable } from "./proxied_request.ts";
import { upgradeProxied } from "./proxied_upgrade.ts";
import type { ProxyTarget } from "./proxy_targets.ts";
import type { Stream, StreamParts } from "./stream.ts";

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);

/**
 * OBJECT/proxy/PATH of pods, Services and nodes: what is asked there is asked of them.
 * Source: apimachinery `pkg/util/proxy`. Never goes to an address that is not a pod's. `ofNodes` answers for nodes.
 */
export function proxy(
  parts: StreamParts,
  ofNodes: Required<Pick<Stream, "answer" | "upgrade">>,
): Stream {
  return {
    subresource: "proxy",
    takesPath: true,
    answer: (request) => {
      if (!METHODS.has(request.c.req.method)) throw methodNotAllowed();
      return request.path.resource === "nodes" ? ofNodes.answer(request) : answer(request, parts);
    },
    upgrade: (request) =>
      request.info.resource === "nodes" ? ofNodes.upgrade(request) : upgradeProxied(request, parts),
  };
}

async function answer(request: ObjectRequest, parts: StreamParts): Promise<Response> {
  const { c, path, objects } = request;
  const passed = passedOf(new URL(c.req.url), path);
  const target = targetOf(path, objects, parts);
  if (passed.rest === "" && (c.req.method === "GET" || c.req.method === "HEAD")) {
    const location = `${passed.url.pathname}/${passed.url.search}`;
    return new Response(null, { status: 301, headers: { location } });
  }
  const end = parts.open.open(c.get("isCurrent"));
  const close = () => parts.open.close(end);
  try {
    const connection = await reached(target);
    end.signal.addEventListener("abort", () => connection.destroy(), { once: true });
    connection.once("close", close);
    const incoming = c.env?.incoming;
    const answered = await askBackend({
      connection,
      method: c.req.method,
      path: (passed.rest || "/") + passed.url.search,
      headers: {
        host: target.host,
        ...requestHeaders(incoming?.headers ?? Object.fromEntries(c.req.raw.headers), {
          from: incoming?.socket.remoteAddress,
          uri: passed.url.pathname,
        }),
      },
      ...bodyOf(request.c),
    }).catch((error) => {
      throw unreachable(error);
    });
    const links = linksOf(passed, target, c.req.header("host"));
    return await passBack(answered.message, links, c.env?.outgoing);
  } catch (error) {
    close();
    throw error;
  }
}

/** The body of the request as it comes; nothing when there is none. */
export function bodyOf(c: ApiContext): { body?: Readable } {
  const incoming = c.env?.incoming as IncomingMessage | undefined;
  if (!incoming) {
    const { body } = c.req.raw;
    return body ? { body: Readable.fromWeb(body as unknown as NodeStream) } : {};
  }
  const { "content-length": length = "0", "transfer-encoding": coding } = incoming.headers;
  return length !== "0" || coding !== undefined ? { body: incoming } : {};
}

function linksOf(
  { prefix }: Passed,
  { host }: ProxyTarget,
  asked: string | undefined,
): LinkContext {
  return { prefix, hosts: asked === undefined ? [host] : [host, asked] };
}

/** Passes the answer on as it comes; pages with their links rewritten. */
async function passBack(
  message: IncomingMessage,
  links: LinkContext,
  outgoing: ServerResponse | undefined,
): Promise<Response> {
  const status = message.statusCode ?? 502;
  const headers = answerHeaders(message.headers as Headers);
  const { location } = headers;
  if (typeof location === "string" && location !== "") {
    headers["location"] = rewrittenLink(location, links);
  }
  let body: Readable = message;
  if (location === undefined && isPage(message.headers)) {
    body = await pageWithLinks(message, links);
    if (body !== message) delete headers["content-length"];
  }
  outgoing?.once("close", () => message.destroy());
  message.once("aborted", () => outgoing?.destroy()); // the client sees that it is not whole
  return passOn(status, headers, body, outgoing);
}

/** Sends an answer as its body comes; one that breaks off breaks off. `outgoing`: absent in tests without a socket. */
export function passOn(
  status: number,
  sent: Headers,
  body: Readable,
  outgoing: ServerResponse | undefined,
): Response {
  const headers = answerHeaders(sent);
  if (!outgoing) return webAnswer(status, headers, body);
  outgoing.writeHead(status, headers);
  outgoing.flushHeaders();
  outgoing.once("close", () => body.destroy());
  body.once("aborted", () => outgoing.destroy()); // the client sees that it is not whole
  body.on("error", () => outgoing.destroy());
  body.pipe(outgoing);
  return RESPONSE_ALREADY_SENT;
}

function webAnswer(
  status: number,
  headers: Record<string, string | string[]>,
  body: Readable,
): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one])
  );
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) body.resume();
  const stream = isEmpty ? null : Readable.toWeb(body) as unknown as ReadableStream;
  return new Response(stream, { status, headers: pairs });
}

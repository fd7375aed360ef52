import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { ServerAccess } from "../https_transport.ts";
import { agentOn } from "../http_exchange.ts";
import { DialError } from "./dial_error.ts";
import { TUNNEL_HEADERS, TUNNEL_PROTOCOL, tunnelPath } from "./handshake.ts";
import { proxyFor, type ProxySettings } from "./uplink_proxy.ts";

/** RFC 6455, section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** What servers without tunnels answer, and gateways that pass no WebSockets on: unknown path, no upgrade, no right to it. */
const UNSUPPORTED: readonly (number | undefined)[] = [400, 403, 404, 405, 426, 501];
const PROXY_ANSWER_BYTES_MAX = 16 * 1024;
const REFUSAL_BYTES_MAX = 4 * 1024;

export interface DialOptions {
  access: ServerAccess;
  node: string;
  /** How long this end may be silent before the server considers the tunnel lost. */
  deadMs: number;
  proxies: ProxySettings;
  signal: AbortSignal;
}

export interface Dialled {
  socket: Duplex;
  /** What has been read already. */
  head: Uint8Array;
  /** Over how many ms the server wants agents to spread their return. */
  spreadMs: number;
  /** The server's `date`. */
  date: string | undefined;
}

/** Opens the WebSocket of a node's tunnel. Rejects with a {@linkcode DialError}, or the signal's reason. */
export async function dial(options: DialOptions): Promise<Dialled> {
  const { signal } = options;
  const open: { socket?: Duplex } = {};
  const cut = () => open.socket?.destroy();
  signal.addEventListener("abort", cut, { once: true });
  try {
    const url = new URL(options.access.server);
    open.socket = await tcpTo(url, options, (socket) => open.socket = socket);
    const secure = await secured(open.socket, url, options.access);
    open.socket = secure;
    return await upgraded(secure, url, options);
  } catch (error) {
    open.socket?.destroy();
    signal.throwIfAborted();
    throw error instanceof DialError ? error : new DialError((error as Error).message);
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

/** A connection to the server, through a proxy where the environment names one. */
export async function tcpTo(
  url: URL,
  { proxies }: Pick<DialOptions, "proxies">,
  opened: (socket: Duplex) => void,
): Promise<Duplex> {
  const proxy = proxyFor(url, proxies);
  const host = unbracketed(url.hostname);
  const port = Number(url.port || 443);
  const socket = connectTcp({ host: proxy?.host ?? host, port: proxy?.port ?? port });
  opened(socket);
  socket.setNoDelay(true);
  await event(socket, "connect");
  if (!proxy) return socket;
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization && `proxy-authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorization ?? ""}\r\n`);
  await connected(socket, `${proxy.host}:${proxy.port}`);
  return socket;
}

/** The proxy has answered, and nothing but the answer has been read. */
async function connected(socket: Duplex, proxy: string): Promise<void> {
  let text = "";
  while (!text.endsWith("\r\n\r\n")) {
    const byte: Uint8Array | null = socket.read(1);
    if (byte) text += String.fromCharCode(byte[0]!);
    else if (socket.readableEnded || socket.destroyed) {
      throw new DialError(`the proxy ${proxy} has hung up`);
    } else await Promise.race([event(socket, "readable"), event(socket, "end")]);
    if (text.length > PROXY_ANSWER_BYTES_MAX) {
      throw new DialError(`the proxy ${proxy} does not answer CONNECT`);
    }
  }
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
  if (status === "200") return;
  const [line = ""] = text.split("\r\n");
  throw new DialError(`the proxy ${proxy} refuses to connect: ${line.slice(0, 200)}`);
}

async function secured(
  socket: Duplex,
  url: URL,
  { caPem, pair }: ServerAccess,
): Promise<Duplex> {
  const host = unbracketed(url.hostname);
  const secure = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ["http/1.1"],
    ...(caPem !== undefined && { ca: caPem }),
    ...(pair && { cert: pair.certificate, key: pair.key }),
  });
  await event(secure, "secureConnect");
  return secure;
}

/** Rejects with a {@linkcode DialError} when the server refuses. */
function upgraded(
  socket: Duplex,
  url: URL,
  { access: { token, userAgent }, node, deadMs }: DialOptions,
): Promise<Dialled> {
  const key = randomBytes(16).toString("base64");
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const outgoing = request({
    agent: agentOn(socket),
    path: tunnelPath(node),
    headers: {
      "host": url.host,
      "user-agent": userAgent,
      "connection": "Upgrade",
      "upgrade": "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
      "sec-websocket-protocol": TUNNEL_PROTOCOL,
      [TUNNEL_HEADERS.dead]: `${deadMs}`,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
  outgoing.on("error", reject);
  outgoing.on("response", (message) => void refusalOf(message).then(reject, reject));
  outgoing.on("upgrade", ({ headers }, upgradedSocket, head) => {
    const wanted = createHash("sha1").update(key + GUID).digest("base64");
    const isRight = headers["sec-websocket-accept"] === wanted &&
      headers["sec-websocket-protocol"] === TUNNEL_PROTOCOL;
    if (!isRight) return reject(new DialError("the server does not speak WebSocket"));
    const spreadMs = Number(headers[TUNNEL_HEADERS.spread]) || 0;
    resolve({ socket: upgradedSocket, head, spreadMs, date: headers.date });
  });
  outgoing.end();
  return promise;
}

async function refusalOf(message: IncomingMessage): Promise<DialError> {
  const { statusCode, headers } = message;
  let text = "";
  for await (const part of message.setEncoding("utf8")) {
    text += part;
    if (text.length > REFUSAL_BYTES_MAX) break;
  }
  const words = `the server refuses the tunnel: ${statusCode} ${messageIn(text)}`;
  const afterSeconds = Number(headers["retry-after"]);
  if (afterSeconds > 0) return new DialError(words, "later", afterSeconds * 1000);
  return new DialError(words, UNSUPPORTED.includes(statusCode) ? "unsupported" : "failed");
}

/** The message of a Status, or the text itself. */
function messageIn(text: string): string {
  try {
    return `${JSON.parse(text).message}`;
  } catch {
    return text.slice(0, 200).trim();
  }
}

function event(socket: Duplex, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      socket.off(name, done);
      socket.off("error", settle);
      socket.off("close", closed);
      if (error) reject(error);
      else resolve();
    };
    const done = () => settle();
    const closed = () => settle(new DialError("the connection was closed"));
    socket.once(name, done);
    socket.once("error", settle);
    socket.once("close", closed);
  });
}

function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

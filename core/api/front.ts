import { getRequestListener } from "@hono/node-server";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Api } from "./app.ts";
import { introduce, type Peer } from "./peer.ts";
import type { KeyPair } from "./pki_certificates.ts";
import type { Status } from "./status.ts";

/** Sockets at once. An idle one costs about 40 KB. */
export const CONNECTIONS_MAX = 4096;
/** Room for a Table's Accept header, tokens and traces; kube-apiserver takes 1 MiB. */
const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_MS = 10_000;
/** A whole request, its body included. */
const REQUEST_MS = 60_000;
const KEEP_ALIVE_MS = 75_000;
const HANDSHAKE_MS = 10_000;
/** How often Node looks for requests that take too long. */
const CHECK_MS = 10_000;
/** What requests under way are given to end when the server stops. */
export const STOP_GRACE_MS = 5_000;

export interface ServeOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  tls: KeyPair & { authority: string };
  clock: Clock;
  log: Log;
  /** Milliseconds without a TLS handshake after which a connection is closed. */
  handshakeMs?: number;
}

/** A server that listens. */
export interface Served {
  /** Where it does, with the port that was picked. */
  readonly address: { host: string; port: number };
  /** Shows another certificate to those who connect from now on. */
  useCertificate(pair: KeyPair): void;
  /** Stops accepting, ends watches, lets requests under way end for {@linkcode STOP_GRACE_MS} or until the signal, then closes. */
  stop(signal?: AbortSignal): Promise<void>;
}

/** Why the server cannot listen, in words for whoever started it. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Serves the API over HTTPS (HTTP/1.1). Throws {@linkcode ListenError} when the address cannot be had. */
export async function serve(api: Api, options: ServeOptions): Promise<Served> {
  const { tls } = options;
  const server = createServer({
    cert: tls.certificate,
    key: tls.key,
    ca: tls.authority,
    requestCert: true,
    rejectUnauthorized: false,
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  const front = new Front(server, api, options);
  await listen(server, options);
  server.on("error", (error) => options.log.error("The API server has a problem", { error }));
  return front;
}

class Front implements Served {
  readonly #server: Server;
  readonly #api: Api;
  readonly #options: ServeOptions;
  readonly #handshakes = new Map<string, { socket: Socket; cancel: () => void }>();
  readonly #underWay = new Set<ServerResponse>();
  #isStopping = false;

  constructor(server: Server, api: Api, options: ServeOptions) {
    this.#server = server;
    this.#api = api;
    this.#options = options;
    const answer = getRequestListener(api.app.fetch, { overrideGlobalObjects: false });
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#begin(outgoing);
      void answer(incoming, outgoing);
    });
    server.on("upgrade", (incoming: IncomingMessage, socket: Duplex) => {
      this.#refuseUpgrade(incoming, socket);
    });
    server.on("connection", (socket: Socket) => this.#awaitHandshake(socket));
    server.on("secureConnection", (socket: TLSSocket) => {
      this.#endHandshake(nameOf(socket));
      introduce(socket, peerOf(socket));
    });
    server.on(
      "tlsClientError",
      (error: Error) => options.log.debug("TLS handshake failed", { error }),
    );
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  useCertificate({ certificate, key }: KeyPair): void {
    const ca = this.#options.tls.authority;
    this.#server.setSecureContext({ cert: certificate, key, ca });
  }

  async stop(signal?: AbortSignal): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#api.endStreams();
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    for (const outgoing of this.#underWay) {
      if (!outgoing.headersSent) outgoing.setHeader("connection", "close");
    }
    this.#server.closeIdleConnections();
    const closeAll = () => this.#server.closeAllConnections();
    const cancel = this.#options.clock.after(STOP_GRACE_MS, closeAll);
    signal?.addEventListener("abort", closeAll, { once: true });
    if (signal?.aborted) closeAll();
    await closed;
    cancel();
    signal?.removeEventListener("abort", closeAll);
  }

  #begin(outgoing: ServerResponse): void {
    this.#underWay.add(outgoing);
    outgoing.once("close", () => {
      this.#underWay.delete(outgoing);
      if (this.#isStopping) this.#server.closeIdleConnections();
    });
  }

  /** Node's own handshake time-out has no effect under Deno, and such a connection would hold up the stop. */
  #awaitHandshake(socket: Socket): void {
    const name = nameOf(socket);
    const { clock, handshakeMs = HANDSHAKE_MS } = this.#options;
    const cancel = clock.after(handshakeMs, () => socket.destroy());
    this.#handshakes.set(name, { socket, cancel });
    socket.once("close", () => this.#endHandshake(name));
    socket.on("error", () => {}); // A peer that resets is gone, which is all there is to know.
  }

  #endHandshake(name: string): void {
    this.#handshakes.get(name)?.cancel();
    this.#handshakes.delete(name);
  }

  /** By hand: there is no answer object for an upgrade. An empty body would make kubectl print an empty error. */
  #refuseUpgrade(incoming: IncomingMessage, socket: Duplex): void {
    socket.on("error", () => socket.destroy());
    socket.end(rawAnswer(this.#api.refuseUpgrade(incoming)));
  }
}

function rawAnswer(status: Status): string {
  const body = JSON.stringify(status) + "\n";
  return [
    `HTTP/1.1 ${status.code} ${status.reason ?? "Refused"}`,
    "content-type: application/json",
    `content-length: ${new TextEncoder().encode(body).length}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

function peerOf(socket: TLSSocket): Peer {
  const certificate = socket.getPeerCertificate()?.raw as Uint8Array | undefined;
  const { remoteAddress: address = "", remotePort: port = 0 } = socket;
  return { address, port, ...(certificate && { certificate }) };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const where = `Cannot listen on ${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new ListenError(
        `${where}: the address is in use; stop what listens there, or choose another with "--listen"`,
      );
    case "EACCES":
      return new ListenError(`${where}: not permitted; choose a port above 1023 with "--listen"`);
    case "EADDRNOTAVAIL":
      return new ListenError(
        `${where}: this machine does not have the address; choose another with "--listen"`,
      );
    default:
      return new ListenError(`${where}: ${error.message}`);
  }
}

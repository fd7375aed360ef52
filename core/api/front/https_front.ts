import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Api } from "../app.ts";
import { type Peer, setPeer } from "../access/peer.ts";
import type { KeyPair } from "../access/pki_certificates.ts";
import type { Connection } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Exchanges } from "./exchanges.ts";
import { InnerConnections } from "./inner_connections.ts";
import { PLACE_LIMITS } from "./places.ts";
import {
  CHECK_MS,
  HEAD_BYTES_MAX,
  HEAD_MS,
  KEEP_ALIVE_MS,
  REQUEST_MS,
  STOP_GRACE_MS,
} from "./limits.ts";
import { listenError, type Served, type ServeOptions } from "./served.ts";

/** `node:https` under Deno keeps reading while paused, so paused connections are watched. */
const BUSY_CHECK_MS = 100;

/** Serves the API by `node:https`. Throws a `ListenError` when the address cannot be had. */
export async function serveByHttps(api: Api, options: ServeOptions): Promise<Served> {
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
  const front = new HttpsFront(server, api, options);
  await listen(server, options);
  server.on("error", (error) => options.log.error("The API server has a problem", { error }));
  return front;
}

class HttpsFront implements Served {
  readonly #server: Server;
  readonly #api: Api;
  readonly #options: ServeOptions;
  readonly #connections: Connections;
  readonly #exchanges: Exchanges;
  readonly #inner: InnerConnections;
  /** By the peer's address and port: a TLS socket does not expose the TCP socket under it. */
  readonly #handshakes = new Map<string, Connection>();
  #isStopping = false;

  constructor(server: Server, api: Api, options: ServeOptions) {
    this.#server = server;
    this.#api = api;
    this.#options = options;
    const { clock, log, handshakeMs } = options;
    this.#connections = new Connections({ clock, log, handshakeMs, busyCheckMs: BUSY_CHECK_MS });
    this.#exchanges = new Exchanges(api, this.#connections, clock);
    this.#inner = new InnerConnections(this.#connections, this.#exchanges, PLACE_LIMITS);
    this.#exchanges.listenTo(server);
    server.on("connection", (socket: Socket) => this.#accept(socket));
    server.on("secureConnection", (socket: TLSSocket) => this.#secure(socket));
    server.on("tlsClientError", (error: Error) => log.debug("TLS handshake failed", { error }));
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
    this.#exchanges.stop();
    this.#connections.destroyIdle();
    const closeAll = () => {
      this.#connections.destroyAll();
      this.#server.closeAllConnections();
    };
    const cancel = this.#options.clock.after(STOP_GRACE_MS, closeAll);
    signal?.addEventListener("abort", closeAll, { once: true });
    if (signal?.aborted) closeAll();
    await closed;
    cancel();
    signal?.removeEventListener("abort", closeAll);
  }

  #accept(socket: Socket): void {
    if (this.#isStopping) return void socket.destroy();
    const name = nameOf(socket);
    this.#handshakes.set(
      name,
      this.#connections.add(socket, socket.remoteAddress ?? "", "handshake"),
    );
    socket.once("close", () => this.#handshakes.delete(name));
  }

  #secure(socket: TLSSocket): void {
    const name = nameOf(socket);
    const connection = this.#handshakes.get(name);
    this.#handshakes.delete(name);
    if (!connection) return void socket.destroy();
    this.#connections.attach(connection, socket);
    connection.enter("head", this.#options.clock.elapsed());
    const peer = peerOf(socket);
    setPeer(socket, { ...peer, front: this.#inner.frontOf(socket, peer) });
  }
}

/** Never `socket.authorized`: under Deno it is true for any certificate on a resumed session. */
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
    const refuse = (error: NodeJS.ErrnoException) => reject(listenError(error, { host, port }));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:http";
import { isIP, Socket } from "node:net";
import { raiseDescriptorLimit } from "../../lib/linux/descriptor_limit.ts";
import { Openssl } from "../../lib/linux/openssl.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { TlsContext } from "../../lib/linux/tls_context.ts";
import type { Api } from "../app.ts";
import { enroll, type FanOut } from "../http/fan_out.ts";
import { setPeer } from "../access/peer.ts";
import type { KeyPair } from "../access/pki_certificates.ts";
import { Connections } from "./connections.ts";
import { Exchanges } from "./exchanges.ts";
import { InnerConnections } from "./inner_connections.ts";
import {
  HANDSHAKE_MS,
  HANDSHAKES_MAX,
  HEAD_BYTES_MAX,
  KEEP_ALIVE_MS,
  STOP_GRACE_MS,
} from "./limits.ts";
import { Trunk } from "./trunk.ts";
import { type FrontLimits, PLACE_LIMITS } from "./places.ts";
import { listenError, type Served, type ServeOptions } from "./served.ts";
import { type Arrival, TlsThread, type TlsThreadOptions } from "./tls_thread.ts";

/** The peer's socket, and both ends of the stream between the threads. */
const DESCRIPTORS_PER_CONNECTION = 3;
/** Reserved for everything else that the process opens. */
const DESCRIPTORS_SPARE = 1024;
/** Time for a peer to read the end of its answer after the grace period of the stop. */
const LAST_WRITES_MS = 250;

/** The native libraries. Whoever opens them passes them to {@linkcode serveByThread}, or closes them. */
export interface ThreadLibraries {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
}

/** Opens the native libraries, or says which one is missing. */
export function openThreadLibraries(): ThreadLibraries | { missing: string } {
  const sockets = Sockets.open();
  if (!sockets) {
    return { missing: "the C library cannot be called (it takes Linux, glibc and --allow-ffi)" };
  }
  const openssl = Openssl.open();
  if (!("missing" in openssl)) return { sockets, openssl };
  sockets.closeLibrary();
  return openssl;
}

/** Why the thread is not available on this machine; `undefined`: it is. */
export function threadObstacle(): string | undefined {
  const libraries = openThreadLibraries();
  if ("missing" in libraries) return libraries.missing;
  libraries.sockets.closeLibrary();
  libraries.openssl.close();
  return undefined;
}

/**
 * Serves the API by a thread that speaks TLS and a plain `node:http` server here. Throws a `ListenError` when the address
 * is not available.
 */
export async function serveByThread(
  api: Api,
  options: ServeOptions,
  { sockets, openssl }: ThreadLibraries,
): Promise<Served> {
  checkFiles(options, openssl);
  const limits = affordableLimits(sockets, options);
  const front = new ThreadFront(api, options, limits);
  const { tls, clock, log, port, handshakeMs = HANDSHAKE_MS } = options;
  const host = await resolvedHost(options);
  front.start({
    ...{ sockets, host, port, tls, clock, log, handshakeMs },
    relaysMax: limits.authenticatedMax + limits.unauthenticatedMax + HANDSHAKES_MAX +
      limits.tunnelsMax,
  });
  return front;
}

class ThreadFront implements Served {
  readonly #server: Server;
  readonly #api: Api;
  readonly #options: ServeOptions;
  readonly #connections: Connections;
  readonly #exchanges: Exchanges;
  readonly #inner: InnerConnections;
  /** By the id that the thread has given them. */
  readonly #sockets = new Map<number, Socket>();
  #thread: TlsThread | undefined;
  #isStopping = false;

  constructor(api: Api, options: ServeOptions, limits: FrontLimits) {
    const { clock, log } = options;
    this.#api = api;
    this.#options = options;
    this.#connections = new Connections({ clock, log, limits, lingers: true });
    this.#exchanges = new Exchanges(api, this.#connections, clock);
    this.#inner = new InnerConnections(this.#connections, this.#exchanges, limits);
    this.#server = createServer({ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS });
    // It does not listen itself, and would close each connection after its first answer if that showed.
    Object.defineProperty(this.#server, "listening", { get: () => !this.#isStopping });
    this.#exchanges.listenTo(this.#server);
  }

  start(options: Omit<TlsThreadOptions, "onArrival" | "onLost" | "openTrunk">): void {
    this.#thread = TlsThread.start({
      ...options,
      openTrunk: (descriptor) => new Trunk(socketOn(descriptor)),
      onArrival: (arrival, fanOut, trunk) => this.#take(arrival, fanOut, trunk),
      onLost: (connections) => {
        for (const connection of connections) this.#sockets.get(connection)?.destroy();
      },
    });
  }

  get address(): { host: string; port: number } {
    return this.#thread!.address;
  }

  useCertificate(pair: KeyPair): void {
    this.#thread!.useCertificate({ ...pair, authority: this.#options.tls.authority });
  }

  async stop(signal?: AbortSignal): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { clock } = this.#options;
    const thread = this.#thread!;
    const stopped = thread.stop();
    this.#api.endStreams();
    this.#exchanges.stop();
    this.#connections.destroyIdle();
    const cut = () => {
      this.#connections.destroyAll();
      thread.cut();
    };
    const cancelClose = clock.after(STOP_GRACE_MS, () => this.#connections.destroyAll());
    const cancelCut = clock.after(STOP_GRACE_MS + LAST_WRITES_MS, cut);
    signal?.addEventListener("abort", cut, { once: true });
    if (signal?.aborted) cut();
    await stopped;
    cancelClose();
    cancelCut();
    signal?.removeEventListener("abort", cut);
  }

  #take(
    { id, descriptor, address, port, certificate }: Arrival,
    fanOut: FanOut,
    trunk: Trunk | undefined,
  ): void {
    const socket = socketOn(descriptor);
    if (this.#isStopping) return void socket.destroy();
    this.#sockets.set(id, socket);
    socket.once("close", () => {
      if (this.#sockets.get(id) === socket) this.#sockets.delete(id);
    });
    enroll(socket, { fanOut, connection: id });
    this.#connections.add(socket, address, "head");
    const adopt = trunk && (() => trunk.adopt(id, () => socket.destroy()));
    const peer = { address, port, ...(certificate && { certificate }) };
    setPeer(socket, { ...peer, front: this.#inner.frontOf(socket, peer, adopt) });
    this.#server.emit("connection", socket);
  }
}

/** A socket that owns a stream's descriptor. It stays writable after its peer has ended (half-open). */
export function socketOn(descriptor: number): Socket {
  // Node's types do not allow `fd` together with `allowHalfOpen`; the runtime does.
  const options = { fd: descriptor, readable: true, writable: true, allowHalfOpen: true };
  return new Socket(options as ConstructorParameters<typeof Socket>[0]);
}

/** Throws an `Error` when certificate and key are invalid or do not match, which would end the thread. Closes the library. */
function checkFiles(
  { tls: { certificate, key, authority } }: ServeOptions,
  openssl: Openssl,
): void {
  const options = { certificate, key, clientAuthorities: authority, protocols: [] };
  try {
    new TlsContext(openssl, { ...options, sessionContext: "check" }).close();
  } finally {
    openssl.close();
  }
}

/** The limits, reduced to what the limit of open files allows. */
function affordableLimits(sockets: Sockets, { log }: ServeOptions): FrontLimits {
  const { unauthenticatedMax, authenticatedMax, authenticatedPerUserMax, tunnelsMax } =
    PLACE_LIMITS;
  const connections = unauthenticatedMax + authenticatedMax + HANDSHAKES_MAX;
  const wanted = connections * DESCRIPTORS_PER_CONNECTION + tunnelsMax + DESCRIPTORS_SPARE;
  const allowed = raiseDescriptorLimit(sockets, wanted);
  if (allowed >= wanted) return PLACE_LIMITS;
  const share = Math.max(0, allowed - DESCRIPTORS_SPARE) / (wanted - DESCRIPTORS_SPARE);
  const part = (count: number) => Math.max(16, Math.floor(count * share));
  const limits = {
    ...PLACE_LIMITS,
    ...{ unauthenticatedMax: part(unauthenticatedMax), authenticatedMax: part(authenticatedMax) },
    authenticatedPerUserMax: part(authenticatedPerUserMax),
    tunnelsMax: part(tunnelsMax),
  };
  log.warn(
    `The API serves fewer connections at once, ${limits.authenticatedMax} instead of ${authenticatedMax}, and fewer nodes, ` +
      `${limits.tunnelsMax} instead of ${tunnelsMax}; raise the limit of open ` +
      `files from ${allowed} to ${wanted} (ulimit -Hn, or LimitNOFILE= of systemd)`,
  );
  return limits;
}

async function resolvedHost({ host, port }: ServeOptions): Promise<string> {
  if (isIP(host.split("%")[0]!) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, { host, port });
  }
}

import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:http";
import { isIP, Socket } from "node:net";
import { raiseDescriptorLimit } from "../../lib/linux/descriptor_limit.ts";
import { Openssl } from "../../lib/linux/openssl.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { TlsContext } from "../../lib/linux/tls_context.ts";
import type { Api } from "../app.ts";
import { enroll, type FanOut } from "../http/fan_out.ts";
import { introduce } from "../access/peer.ts";
import type { KeyPair } from "../access/pki_certificates.ts";
import { Connections } from "./connections.ts";
import { Exchanges } from "./exchanges.ts";
import {
  HANDSHAKE_MS,
  HANDSHAKES_MAX,
  HEAD_BYTES_MAX,
  KEEP_ALIVE_MS,
  STOP_GRACE_MS,
} from "./limits.ts";
import { PLACE_LIMITS, type PlaceLimits } from "./places.ts";
import { listenError, type Served, type ServeOptions } from "./served.ts";
import { type Arrival, TlsThread, type TlsThreadOptions } from "./tls_thread.ts";

/** The peer's socket, and the two ends of the stream between the threads. */
const DESCRIPTORS_PER_CONNECTION = 3;
/** For all else that the process has open. */
const DESCRIPTORS_SPARE = 1024;
/** What a peer is given to take the end of its answer once the grace of the stop is over. */
const FAREWELL_MS = 250;

/** What the thread and its front call. Whoever opens them hands them to {@linkcode serveByThread}, or closes them. */
export interface ThreadLibraries {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
}

/** Opens what the thread needs of this machine; or says why it cannot be had. */
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

/** Why the thread cannot be had on this machine; `undefined`: it can. */
export function threadObstacle(): string | undefined {
  const libraries = openThreadLibraries();
  if ("missing" in libraries) return libraries.missing;
  libraries.sockets.closeLibrary();
  libraries.openssl.close();
  return undefined;
}

/**
 * Serves the API by a thread that speaks TLS and a plain `node:http` server here. Throws a `ListenError` when the address
 * cannot be had.
 */
export async function serveByThread(
  api: Api,
  options: ServeOptions,
  { sockets, openssl }: ThreadLibraries,
): Promise<Served> {
  checkFiles(options, openssl);
  const limits = affordable(sockets, options);
  const front = new ThreadFront(api, options, limits);
  const { tls, clock, log, port, handshakeMs = HANDSHAKE_MS } = options;
  const host = await digitsOf(options);
  front.start({
    ...{ sockets, host, port, tls, clock, log, handshakeMs },
    relaysMax: limits.knownMax + limits.strangersMax + HANDSHAKES_MAX,
  });
  return front;
}

class ThreadFront implements Served {
  readonly #server: Server;
  readonly #api: Api;
  readonly #options: ServeOptions;
  readonly #connections: Connections;
  readonly #exchanges: Exchanges;
  /** By the name that the thread has given them. */
  readonly #sockets = new Map<number, Socket>();
  #thread: TlsThread | undefined;
  #isStopping = false;

  constructor(api: Api, options: ServeOptions, limits: PlaceLimits) {
    const { clock, log } = options;
    this.#api = api;
    this.#options = options;
    this.#connections = new Connections({ clock, log, limits, lingers: true });
    this.#exchanges = new Exchanges(api, this.#connections, clock);
    this.#server = createServer({ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS });
    // It never listens itself, and would close each connection after its first answer if it knew.
    Object.defineProperty(this.#server, "listening", { get: () => !this.#isStopping });
    this.#exchanges.listenTo(this.#server);
  }

  start(options: Omit<TlsThreadOptions, "onArrival" | "onLost">): void {
    this.#thread = TlsThread.start({
      ...options,
      onArrival: (arrival, fanOut) => this.#take(arrival, fanOut),
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
    const cancelCut = clock.after(STOP_GRACE_MS + FAREWELL_MS, cut);
    signal?.addEventListener("abort", cut, { once: true });
    if (signal?.aborted) cut();
    await stopped;
    cancelClose();
    cancelCut();
    signal?.removeEventListener("abort", cut);
  }

  #take({ id, descriptor, address, port, certificate }: Arrival, fanOut: FanOut): void {
    const socket = socketOn(descriptor);
    if (this.#isStopping) return void socket.destroy();
    this.#sockets.set(id, socket);
    socket.once("close", () => {
      if (this.#sockets.get(id) === socket) this.#sockets.delete(id);
    });
    enroll(socket, { fanOut, connection: id });
    this.#connections.add(socket, address, "head");
    introduce(socket, { address, port, ...(certificate && { certificate }) });
    this.#server.emit("connection", socket);
  }
}

/** A socket that owns the descriptor of a stream. Its peer's end does not end it: whoever reads may still answer. */
export function socketOn(descriptor: number): Socket {
  // The types of Node do not know `fd` together with `allowHalfOpen`; the runtime does.
  const options = { fd: descriptor, readable: true, writable: true, allowHalfOpen: true };
  return new Socket(options as ConstructorParameters<typeof Socket>[0]);
}

/** Throws an `Error` when certificate and key are none, or do not fit: a thread could only die of it. Closes the library. */
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

/** As many connections as there may be descriptors for. */
function affordable(sockets: Sockets, { log }: ServeOptions): PlaceLimits {
  const { strangersMax, knownMax, knownPerUserMax } = PLACE_LIMITS;
  const connections = strangersMax + knownMax + HANDSHAKES_MAX;
  const wanted = connections * DESCRIPTORS_PER_CONNECTION + DESCRIPTORS_SPARE;
  const allowed = raiseDescriptorLimit(sockets, wanted);
  if (allowed >= wanted) return PLACE_LIMITS;
  const share = Math.max(0, allowed - DESCRIPTORS_SPARE) / (wanted - DESCRIPTORS_SPARE);
  const part = (count: number) => Math.max(16, Math.floor(count * share));
  const limits = {
    ...PLACE_LIMITS,
    ...{ strangersMax: part(strangersMax), knownMax: part(knownMax) },
    knownPerUserMax: part(knownPerUserMax),
  };
  log.warn(
    `The API serves fewer connections at once: ${limits.knownMax} instead of ${knownMax}; raise the limit of open ` +
      `files from ${allowed} to ${wanted} (ulimit -Hn, or LimitNOFILE= of systemd)`,
  );
  return limits;
}

async function digitsOf({ host, port }: ServeOptions): Promise<string> {
  if (isIP(host.split("%")[0]!) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, { host, port });
  }
}

import type { Socket } from "node:net";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { onAuthenticated } from "../access/peer.ts";
import { Connection, type Exchange } from "./connection.ts";
import { answerIfLate } from "./late_answer.ts";
import {
  CLOSE_MS,
  HANDSHAKE_MS,
  REQUESTS_PER_CONNECTION_MAX,
  UNAUTHENTICATED_REQUESTS_MAX,
} from "./limits.ts";
import {
  authenticatedToEvict,
  heaviestToEvict,
  PLACE_LIMITS,
  type PlaceLimits,
  unauthenticatedToEvict,
} from "./places.ts";

/** How often the connections are checked while none of them can take memory. */
const CHECK_EVERY_MS = 1_000;

export interface ConnectionsOptions {
  clock: Clock;
  log: Log;
  /** How often they are checked while requests are in flight. */
  busyCheckMs?: number;
  handshakeMs?: number | undefined;
  /** Whether a peer still receives what was written before its connection was closed here. */
  lingers?: boolean;
  limits?: PlaceLimits;
}

/**
 * All connections of a front, with their limits. Guarantees: a connection has a deadline in every phase; unauthenticated
 * clients never evict authenticated ones; `destroyAll` leaves none.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #unauthenticated = new Set<Connection>();
  readonly #authenticated = new Set<Connection>();
  /** Those that carry others, and have bounds of their own. */
  readonly #carriers = new Set<Connection>();
  readonly #bySocket = new WeakMap<object, Connection>();
  /** One timer for all connections. */
  #check: { atMs: number; cancel: () => void } | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#unauthenticated.size + this.#authenticated.size;
  }

  get unauthenticated(): number {
    return this.#unauthenticated.size;
  }

  of(socket: object | undefined): Connection | undefined {
    return socket === undefined ? undefined : this.#bySocket.get(socket);
  }

  /** Adds a connection, evicting another one when the limit is reached. */
  add(socket: Socket, address: string, phase: "handshake" | "head"): Connection {
    const { limits = PLACE_LIMITS } = this.#options;
    const evicted = unauthenticatedToEvict(this.#unauthenticated, address, limits);
    if (evicted) this.#close(evicted, "made room for another");
    const connection = new Connection(socket, address, phase, this.#now());
    this.#unauthenticated.add(connection);
    this.attach(connection, socket);
    this.#arm(Math.min(CHECK_EVERY_MS, this.#options.handshakeMs ?? CHECK_EVERY_MS));
    return connection;
  }

  /** Continues the connection on this socket: its TLS handshake is done. */
  attach(connection: Connection, socket: Socket): void {
    connection.socket = socket;
    this.#bySocket.set(socket, connection);
    onAuthenticated(socket, (user) => this.#markAuthenticated(connection, user));
    socket.once("close", () => {
      if (connection.socket === socket) this.#remove(connection);
    });
    socket.on("error", () => socket.destroy()); // The peer has reset the connection.
  }

  /** From now on it counts as authenticated, and unauthenticated connections cannot evict it. */
  #markAuthenticated(connection: Connection, user: string | undefined): void {
    if (!this.#unauthenticated.has(connection)) return;
    connection.user = user;
    const evicted = authenticatedToEvict(this.#authenticated, connection, this.#options.limits);
    if (evicted) this.#close(evicted, "made room for another");
    if (evicted === connection) return;
    this.#unauthenticated.delete(connection);
    this.#authenticated.add(connection);
  }

  /** The connection carries others from now on: it has no place and no deadline of its own here. */
  leave(socket: object): void {
    const connection = this.of(socket);
    if (!connection) return;
    this.#unauthenticated.delete(connection);
    this.#authenticated.delete(connection);
    this.#carriers.add(connection);
    connection.hasLeft = true;
  }

  /** A request begins. Returns false when the connection is closed, also because it has too many requests in flight. */
  begin(connection: Connection, exchange: Exchange): boolean {
    const isUnauthenticated = this.#unauthenticated.has(connection);
    const requestsMax = isUnauthenticated
      ? UNAUTHENTICATED_REQUESTS_MAX
      : REQUESTS_PER_CONNECTION_MAX;
    if (connection.exchanges.size >= requestsMax) {
      connection.takeNoMoreRequests();
      this.#close(connection, "too many requests at once");
    }
    if (connection.socket.destroyed) return false;
    connection.exchanges.add(exchange);
    if (connection.phase !== "request") connection.enter("request", exchange.sinceMs);
    this.#arm(this.#options.busyCheckMs ?? CHECK_EVERY_MS);
    return true;
  }

  /** The request has been answered. It ends once the rest of its body has been received. */
  end(connection: Connection, exchange: Exchange): void {
    const { incoming } = exchange;
    if (incoming.complete || incoming.destroyed) return this.#finish(connection, exchange);
    exchange.answeredMs = this.#now();
    if (this.#options.lingers && this.#unauthenticated.has(connection)) {
      return this.#close(
        connection,
        "an unauthenticated request was answered before its body ended",
      );
    }
    incoming.once("close", () => this.#finish(connection, exchange));
    incoming.resume();
  }

  #finish(connection: Connection, exchange: Exchange): void {
    connection.exchanges.delete(exchange);
    if (connection.exchanges.size === 0) connection.enter("idle", this.#now());
  }

  /** Closes the connection once the peer has had time to read the last answer. */
  closeSoon(connection: Connection): void {
    connection.enter("closing", this.#now());
    this.#arm(Math.min(CLOSE_MS, this.#options.busyCheckMs ?? CHECK_EVERY_MS));
  }

  /** Closes all connections without a request in flight. */
  destroyIdle(): void {
    for (const connection of this.#all()) {
      if (!isBusy(connection)) this.#close(connection, "the server stops");
    }
  }

  destroyAll(): void {
    for (const connection of [...this.#all(), ...this.#carriers]) {
      this.#close(connection, "the server stops");
    }
  }

  /** All requests in flight. */
  *exchanges(): Iterable<Exchange> {
    for (const { exchanges } of this.#all()) yield* exchanges;
  }

  *#all(): Iterable<Connection> {
    yield* this.#unauthenticated;
    yield* this.#authenticated;
  }

  /** Checks all connections `delayMs` from now, or sooner. */
  #arm(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = this.#now() + delayMs;
    if (this.#check && this.#check.atMs <= atMs) return;
    this.#check?.cancel();
    this.#check = { atMs, cancel: clock.after(delayMs, () => this.#checkAll()) };
  }

  #checkAll(): void {
    this.#check = undefined;
    const { handshakeMs = HANDSHAKE_MS, busyCheckMs = CHECK_EVERY_MS } = this.#options;
    const nowMs = this.#now();
    let nextMs = Math.min(CHECK_EVERY_MS, handshakeMs);
    for (const connection of this.#all()) {
      const fault = connection.reasonToCloseAt(nowMs, handshakeMs);
      if (fault !== undefined) this.#close(connection, fault);
      else if (connection.phase === "request") {
        for (const exchange of connection.exchanges) answerIfLate(exchange, nowMs);
        nextMs = Math.min(nextMs, busyCheckMs);
      }
    }
    for (const connection of heaviestToEvict(this.#unauthenticated)) {
      this.#close(connection, "unauthenticated clients have too many bytes buffered");
    }
    if (this.size > 0) this.#arm(nextMs);
  }

  #close(connection: Connection, why: string): void {
    if (connection.socket.destroyed) return this.#remove(connection);
    const { address, phase } = connection;
    this.#options.log.debug("Closed a connection of the API", { address, phase, why });
    this.#remove(connection);
    connection.socket.destroy();
  }

  #remove(connection: Connection): void {
    this.#unauthenticated.delete(connection);
    this.#authenticated.delete(connection);
    this.#carriers.delete(connection);
    if (this.size > 0) return;
    this.#check?.cancel();
    this.#check = undefined;
  }

  #now(): number {
    return this.#options.clock.elapsed();
  }
}

function isBusy({ phase }: Connection): boolean {
  return phase === "request" || phase === "stream";
}

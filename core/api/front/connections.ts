import type { Socket } from "node:net";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { onRecognition } from "../access/peer.ts";
import { Connection, type Exchange } from "./connection.ts";
import {
  CLOSE_MS,
  HANDSHAKE_MS,
  REQUESTS_PER_CONNECTION_MAX,
  STRANGER_REQUESTS_MAX,
} from "./limits.ts";
import {
  greediest,
  knownToClose,
  PLACE_LIMITS,
  type PlaceLimits,
  strangerToClose,
} from "./places.ts";

/** How often connections are looked at, of which none does anything that could cost memory. */
const LOOK_MS = 1_000;

export interface ConnectionsOptions {
  clock: Clock;
  log: Log;
  /** How often those are looked at that are in the midst of something. */
  busyLookMs?: number;
  handshakeMs?: number | undefined;
  /** Whether a peer is still given what was written to it when its connection is closed here. */
  lingers?: boolean;
  limits?: PlaceLimits;
}

/**
 * All connections of a front: who has a place, and until when. Guarantees: in every phase a connection has a deadline;
 * strangers never take the place of those who have shown who they are; `destroyAll` leaves none.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #strangers = new Set<Connection>();
  readonly #known = new Set<Connection>();
  readonly #bySocket = new WeakMap<object, Connection>();
  /** One timer for all: when it fires, and how to cancel it. */
  #look: { atMs: number; cancel: () => void } | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#strangers.size + this.#known.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  of(socket: object | undefined): Connection | undefined {
    return socket === undefined ? undefined : this.#bySocket.get(socket);
  }

  /** Gives a new connection a place: that of another one when there is none left. */
  add(socket: Socket, address: string, phase: "handshake" | "head"): Connection {
    const { limits = PLACE_LIMITS } = this.#options;
    const tooMany = strangerToClose(this.#strangers, address, limits);
    if (tooMany) this.#close(tooMany, "made room for another");
    const connection = new Connection(socket, address, phase, this.#now());
    this.#strangers.add(connection);
    this.attach(connection, socket);
    this.#arm(Math.min(LOOK_MS, this.#options.handshakeMs ?? LOOK_MS));
    return connection;
  }

  /** The connection goes on with this socket: its TLS handshake is done. */
  attach(connection: Connection, socket: Socket): void {
    connection.socket = socket;
    this.#bySocket.set(socket, connection);
    onRecognition(socket, (user) => this.#recognize(connection, user));
    socket.once("close", () => {
      if (connection.socket === socket) this.#remove(connection);
    });
    socket.on("error", () => socket.destroy()); // A peer that resets is gone, which is all there is to know.
  }

  /** Whoever asks on it has shown who he is: from now on it has a place that no stranger can take. */
  #recognize(connection: Connection, user: string | undefined): void {
    if (!this.#strangers.has(connection)) return;
    connection.user = user;
    const tooMany = knownToClose(this.#known, connection, this.#options.limits);
    if (tooMany) this.#close(tooMany, "made room for another");
    if (tooMany === connection) return;
    this.#strangers.delete(connection);
    this.#known.add(connection);
  }

  /** A request begins. False: the connection has been closed, if only because too many are under way there. */
  begin(connection: Connection, exchange: Exchange): boolean {
    const isStranger = this.#strangers.has(connection);
    const requestsMax = isStranger ? STRANGER_REQUESTS_MAX : REQUESTS_PER_CONNECTION_MAX;
    if (connection.exchanges.size >= requestsMax) {
      connection.takeNoMoreRequests();
      this.#close(connection, "too many requests at once");
    }
    if (connection.socket.destroyed) return false;
    connection.exchanges.add(exchange);
    if (connection.phase !== "request") connection.enter("request", exchange.sinceMs);
    this.#arm(this.#options.busyLookMs ?? LOOK_MS);
    return true;
  }

  /** It has been answered. It is over when the rest of its body has come in, too. */
  end(connection: Connection, exchange: Exchange): void {
    const { incoming } = exchange;
    if (incoming.complete || incoming.destroyed) return this.#finish(connection, exchange);
    exchange.answeredMs = this.#now();
    if (this.#options.lingers && this.#strangers.has(connection)) {
      return this.#close(connection, "the body of a stranger that has been answered");
    }
    incoming.once("close", () => this.#finish(connection, exchange));
    incoming.resume();
  }

  #finish(connection: Connection, exchange: Exchange): void {
    connection.exchanges.delete(exchange);
    if (connection.exchanges.size === 0) connection.enter("idle", this.#now());
  }

  /** It has been given its last answer: it is closed when the peer had time to read it. */
  closeSoon(connection: Connection): void {
    connection.enter("closing", this.#now());
    this.#arm(Math.min(CLOSE_MS, this.#options.busyLookMs ?? LOOK_MS));
  }

  /** Closes all that are not in the midst of a request. */
  destroyIdle(): void {
    for (const connection of this.#all()) {
      if (connection.phase !== "request") this.#close(connection, "the server stops");
    }
  }

  destroyAll(): void {
    for (const connection of this.#all()) this.#close(connection, "the server stops");
  }

  /** All requests under way. */
  *exchanges(): Iterable<Exchange> {
    for (const { exchanges } of this.#all()) yield* exchanges;
  }

  *#all(): Iterable<Connection> {
    yield* this.#strangers;
    yield* this.#known;
  }

  /** Looks at all connections `delayMs` from now, or sooner. */
  #arm(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = this.#now() + delayMs;
    if (this.#look && this.#look.atMs <= atMs) return;
    this.#look?.cancel();
    this.#look = { atMs, cancel: clock.after(delayMs, () => this.#lookAtAll()) };
  }

  #lookAtAll(): void {
    this.#look = undefined;
    const { handshakeMs = HANDSHAKE_MS, busyLookMs = LOOK_MS } = this.#options;
    const nowMs = this.#now();
    let nextMs = Math.min(LOOK_MS, handshakeMs);
    for (const connection of this.#all()) {
      const fault = connection.faultAt(nowMs, handshakeMs);
      if (fault !== undefined) this.#close(connection, fault);
      else if (connection.phase === "request") nextMs = Math.min(nextMs, busyLookMs);
    }
    for (const connection of greediest(this.#strangers)) {
      this.#close(connection, "strangers let too much wait");
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
    this.#strangers.delete(connection);
    this.#known.delete(connection);
    if (this.size > 0) return;
    this.#look?.cancel();
    this.#look = undefined;
  }

  #now(): number {
    return this.#options.clock.elapsed();
  }
}

import { type Endpoint, endpointKey } from "../../core/traffic/backends.ts";
import type { ConnectionPool, Upstream } from "../protocol/upstream.ts";

/** Idle connections kept per endpoint and thread. */
const IDLE_CONNECTIONS_MAX = 64;
/** An endpoint that refused a connection is passed over this long, while others can answer. */
const SUSPECT_MS = 1_000;

/** A connection of a TCP listener to an endpoint. */
export interface Forwarded {
  close(): void;
}

/**
 * An endpoint with its connections: the idle one that was used last is used first. One object per endpoint and thread, shared by
 * all backends that name it; it lives until it has left the table and its last connection is closed.
 */
export class LiveEndpoint implements ConnectionPool {
  readonly key: string;
  /** Claims that were not released. */
  inFlight = 0;
  state: "active" | "draining" = "active";
  /** How often it has left the table. */
  drains = 0;
  suspectUntilMs = 0;
  readonly #idle: Upstream[] = [];
  /** The fewest that were idle at once since `closeUnused`: so many of the first were not used. */
  #unused = 0;
  readonly #open = new Set<Forwarded>();
  #onDrained: (() => void) | undefined;

  #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.key = endpointKey(endpoint);
  }

  /** As the table that is in use has it. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** The same endpoint in another table: it may be reached by another way from now on. */
  use(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
  }

  /** Marks the endpoint as used by one more request or connection. Pairs with `release`. */
  claim(): void {
    this.inFlight++;
  }

  release(): void {
    this.inFlight--;
    if (this.inFlight === 0 && this.state === "draining") this.#onDrained?.();
  }

  /** The idle connection that was used last. */
  takeIdle(): Upstream | undefined {
    const connection = this.#idle.pop();
    this.#unused = Math.min(this.#unused, this.#idle.length);
    return connection;
  }

  /** Closes the idle connections that were not used since this was called last. */
  closeUnused(): void {
    for (const connection of this.#idle.splice(0, this.#unused)) connection.close();
    this.#unused = this.#idle.length;
  }

  /** Keeps an idle connection for the next request. False: the caller closes it. */
  keep(connection: Upstream): boolean {
    if (this.state === "draining" || this.#idle.length >= IDLE_CONNECTIONS_MAX) return false;
    this.#idle.push(connection);
    return true;
  }

  opened(connection: Forwarded): void {
    this.#open.add(connection);
  }

  /** The connection has been closed, by either side. */
  closed(connection: Forwarded): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection as Upstream); // idle ones are a subset
    if (index >= 0) this.#idle.splice(index, 1);
    this.#unused = Math.min(this.#unused, this.#idle.length);
  }

  suspect(nowMs: number): void {
    this.suspectUntilMs = nowMs + SUSPECT_MS;
  }

  /** Gets no new requests from now on. Idle connections are closed; calls back, at once perhaps, when none is in flight. */
  drain(onDrained: () => void): void {
    this.state = "draining";
    this.drains++;
    this.#onDrained = onDrained;
    for (const connection of this.#idle.splice(0)) connection.close();
    if (this.inFlight === 0) onDrained();
  }

  /** Back in the table before it was drained. */
  revive(): void {
    this.state = "active";
    this.#onDrained = undefined;
  }

  /** Closes what is still open. */
  closeAll(): void {
    for (const connection of [...this.#open]) connection.close();
  }
}

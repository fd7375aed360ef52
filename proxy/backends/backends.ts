import { type BackendCounts, noCounts } from "./backend_stats.ts";
import type { ConnectionPool, Upstream } from "../protocol/upstream.ts";
import { type Backend, type Endpoint, endpointKey } from "../../core/traffic/backends.ts";

/** Idle connections kept per endpoint and thread. */
const IDLE_CONNECTIONS_MAX = 64;
/** An endpoint that refused a connection is passed over this long, while others can answer. */
const SUSPECT_MS = 1_000;

/** A connection of a TCP listener to an endpoint. */
export interface Forwarded {
  close(): void;
}

/**
 * An endpoint with its connections: the last used idle one is used first. One object per endpoint and thread, shared by
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

  constructor(readonly endpoint: Endpoint) {
    this.key = endpointKey(endpoint);
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

  /** The connection is closed, whoever did it. */
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

/** A backend with its endpoints as they are now, and its counts since the start. */
export class LiveBackend {
  #next = 0;

  constructor(
    readonly definition: Backend,
    readonly endpoints: readonly LiveEndpoint[],
    readonly counts: BackendCounts,
  ) {}

  /**
   * The endpoint with the fewest in flight, taking turns among equals; suspects and the one that has just failed
   * (`except`) only when there is no other, `except` never. `undefined`: nobody can answer. Claims it.
   */
  claim(nowMs: number, except?: LiveEndpoint): LiveEndpoint | undefined {
    const { endpoints } = this;
    let best: LiveEndpoint | undefined, bestLoad = Infinity;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(this.#next + i) % endpoints.length]!;
      if (endpoint === except || endpoint.state === "draining") continue;
      const load = endpoint.inFlight + (endpoint.suspectUntilMs > nowMs ? 1e9 : 0);
      if (load >= bestLoad) continue;
      best = endpoint;
      bestLoad = load;
    }
    this.#next = (this.#next + 1) % Math.max(1, endpoints.length);
    best?.claim();
    return best;
  }
}

/** The endpoints and backends of one thread, across tables. */
export class Backends {
  readonly #endpoints = new Map<string, LiveEndpoint>();
  readonly #counts = new Map<string, BackendCounts>();
  readonly #onDrained: (endpoint: LiveEndpoint) => void;

  /** `onDrained`: called when an endpoint that left the table has nothing in flight any more. */
  constructor(onDrained: (endpoint: LiveEndpoint) => void) {
    this.#onDrained = onDrained;
  }

  /**
   * The live form of the backends of the next table. Endpoints that are in it stay as they are. The others are returned as
   * `removed`: the caller drains them by {@linkcode drain} once the new table is in use.
   */
  build(backends: readonly Backend[]): { live: LiveBackend[]; removed: LiveEndpoint[] } {
    const kept = new Set<string>();
    const live = backends.map((backend) => {
      const endpoints = backend.endpoints.map((endpoint) => this.#liveEndpoint(endpoint));
      for (const { key } of endpoints) kept.add(key);
      return new LiveBackend(backend, endpoints, this.#countsOf(backend.name));
    });
    const removed = [...this.#endpoints.values()].filter(({ key, state }) =>
      state === "active" && !kept.has(key)
    );
    this.#forgetCounts(backends);
    return { live, removed };
  }

  drain(endpoint: LiveEndpoint): void {
    endpoint.drain(() => {
      this.#endpoints.delete(endpoint.key);
      endpoint.closeAll();
      this.#onDrained(endpoint);
    });
  }

  /** Closes connections to endpoints that were not used since this was called last. */
  closeUnused(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeUnused();
  }

  /** Uids of the pods that have left the table and have requests in flight, one for each endpoint. */
  draining(): string[] {
    return [...this.#endpoints.values()].filter(({ state }) => state === "draining")
      .map(({ endpoint }) => endpoint.podUid);
  }

  /** Counts by backend name, of all backends of the table and of those that still have requests in flight. */
  counts(): Record<string, BackendCounts> {
    return Object.fromEntries(this.#counts);
  }

  #liveEndpoint(endpoint: Endpoint): LiveEndpoint {
    const key = endpointKey(endpoint);
    const known = this.#endpoints.get(key);
    if (known) {
      known.revive();
      return known;
    }
    const live = new LiveEndpoint(endpoint);
    this.#endpoints.set(key, live);
    return live;
  }

  #countsOf(name: string): BackendCounts {
    const known = this.#counts.get(name);
    if (known) return known;
    const counts = noCounts();
    this.#counts.set(name, counts);
    return counts;
  }

  #forgetCounts(backends: readonly Backend[]): void {
    const names = new Set(backends.map(({ name }) => name));
    for (const [name, { inFlight }] of this.#counts) {
      if (!names.has(name) && inFlight === 0) this.#counts.delete(name);
    }
  }
}

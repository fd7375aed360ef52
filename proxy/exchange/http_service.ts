import type { LiveBackend } from "../backends/backends.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import type { Deadlines } from "../connections/deadlines.ts";
import type { Head } from "../messages/head.ts";
import type { Upstream } from "../protocol/upstream.ts";
import type { RouteMatcher } from "../routing/route_matcher.ts";
import type { NormalPath } from "../routing/normal_path.ts";

/** A client's connection, as its listener sees it. */
export interface ServedConnection {
  drain(): void;
  close(): void;
}

/** What all HTTP listeners of a thread share. */
export interface HttpThread {
  readonly deadlines: Deadlines;
  readonly requestHead: Head;
  readonly responseHead: Head;
  /** Of the request that is being routed. */
  readonly path: NormalPath;
  readonly counts: { refused: number };
  /** Copies of requests that are under way. */
  readonly mirrors: { inFlight: number };
  /** By the clock of the machine: sessions outlive the process. */
  wallMs(): number;
  /** A new connection at once; one that cannot be made fails the exchange that it is asked for. */
  connect(endpoint: LiveEndpoint): Upstream;
  /** The backend of that name in the table that is in use now. */
  current(backend: LiveBackend): LiveBackend;
}

/** A listener: its routes change with each table, and its connections end when it is closed. */
export class HttpService {
  isDraining = false;
  matcher: RouteMatcher;
  readonly connections = new Set<ServedConnection>();
  readonly #thread: HttpThread;

  constructor(thread: HttpThread, matcher: RouteMatcher, readonly port: number) {
    this.#thread = thread;
    this.matcher = matcher;
  }

  get deadlines(): Deadlines {
    return this.#thread.deadlines;
  }
  get requestHead(): Head {
    return this.#thread.requestHead;
  }
  get path(): NormalPath {
    return this.#thread.path;
  }
  get counts(): { refused: number } {
    return this.#thread.counts;
  }

  get mirrors(): { inFlight: number } {
    return this.#thread.mirrors;
  }

  wallMs(): number {
    return this.#thread.wallMs();
  }

  current(backend: LiveBackend): LiveBackend {
    return this.#thread.current(backend);
  }

  connect(endpoint: LiveEndpoint): Upstream {
    return this.#thread.connect(endpoint);
  }

  opened(connection: ServedConnection): void {
    this.connections.add(connection);
  }

  closed(connection: ServedConnection): void {
    this.connections.delete(connection);
  }

  /** No new requests: idle connections close, the others after their answer. */
  drain(): void {
    this.isDraining = true;
    for (const connection of [...this.connections]) connection.drain();
  }

  close(): void {
    for (const connection of [...this.connections]) connection.close();
  }
}

import type { LiveBackend, LiveEndpoint } from "./backends.ts";
import type { Deadlines } from "./deadlines.ts";
import { Head } from "../http1/head.ts";
import type { Socket, UpstreamOwner } from "../http1/socket.ts";
import { UpstreamConnection } from "../http1/upstream_connection.ts";
import type { RouteMatcher } from "../table/route_matcher.ts";
import type { Endpoint } from "../../core/traffic/backends.ts";
import type { NormalPath } from "../routing/normal_path.ts";

/** A client's connection, as those see it who end it. */
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
  /** The socket at once; a connection that cannot be made becomes `onConnectFailed`. */
  connect(endpoint: Endpoint, owner: UpstreamOwner): Socket;
  /** The backend of that name in the table that is in use now. */
  current(backend: LiveBackend): LiveBackend;
}

/** What a listener serves: changed under its connections when a new table comes, ended with them when it goes. */
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

  current(backend: LiveBackend): LiveBackend {
    return this.#thread.current(backend);
  }

  /** A new connection to an endpoint, which becomes its own home. */
  connect(endpoint: LiveEndpoint): UpstreamConnection {
    const upstream = new UpstreamConnection(endpoint, this.#thread.responseHead);
    upstream.socket = this.#thread.connect(endpoint.endpoint, upstream);
    return upstream;
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

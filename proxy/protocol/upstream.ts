import type { Socket } from "../engine/engine.ts";
import type { Downstream } from "./downstream.ts";

/** A connection to an endpoint. One exchange at a time. */
export interface Upstream {
  readonly socket: Socket;
  /** Begins an exchange. The request is sent on `socket` afterwards. */
  ask(downstream: Downstream): void;
  /** Closes it for a client that has gone or will be answered otherwise. */
  abandon(): void;
  close(): void;
}

/** Where the connections to an endpoint are kept while nobody uses them. */
export interface ConnectionPool {
  opened(connection: Upstream): void;
  /** False: there is no room; the caller closes it. */
  keep(connection: Upstream): boolean;
  closed(connection: Upstream): void;
}

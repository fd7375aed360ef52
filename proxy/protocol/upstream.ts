import type { ConnectFailure, Socket } from "../engine/engine.ts";
import type { HeaderEdit } from "../table/route_table.ts";

/** A connection to an endpoint. One exchange at a time. */
export interface Upstream {
  readonly socket: Socket;
  /** Whether it has answered before: then it may be stale. */
  readonly isReused: boolean;
  /** Begins an exchange. The request is sent on `socket` afterwards. */
  ask(downstream: Downstream): void;
  /** Lets go of whoever asked, who has gone or will be answered otherwise, and closes. */
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

/** Why an exchange with an endpoint ended without a whole answer. */
export type UpstreamFailure =
  | { kind: "connect"; failure: ConnectFailure }
  /** It closed before the first byte of an answer. */
  | { kind: "no answer" }
  /** What it sent is not an answer. */
  | { kind: "bad answer"; problem: string }
  /** It closed in the middle of an answer that the client has begun to get. */
  | { kind: "truncated" };

/** Who asked, and gets the answer. */
export interface Downstream {
  readonly socket: Socket;
  readonly answersHead: boolean;
  readonly wantsUpgrade: boolean;
  readonly minorVersion: number;
  /** Whether it wants the trailers of the answer. */
  readonly takesTrailers: boolean;
  /** The longest head of an answer. */
  readonly headBytesMax: number;
  /** Whether the request has been read to its end. */
  hasAsked(): boolean;
  /**
   * An answer begins. `untilClose`: only the end of the connection will end it. Returns whether the client's connection
   * ends with it, which the head must then say.
   */
  onAnswer(status: number, untilClose: boolean): boolean;
  /** Changes to make to the fields of the answer. */
  readonly answerEdit: HeaderEdit | undefined;
  /** More of the answer came. */
  onProgress(): void;
  /** The answer has been sent whole. The upstream connection is free, or closed. */
  onAnswered(): void;
  /** Bytes now pass both ways as they are. */
  onTunnel(): void;
  onTunnelEnded(how: "ended" | "broken"): void;
  onFailed(upstream: Upstream, failure: UpstreamFailure): void;
}

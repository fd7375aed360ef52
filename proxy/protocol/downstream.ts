import type { ConnectFailure, Socket } from "../engine/engine.ts";
import type { HeaderEdit, HeaderValue } from "../table/route_table.ts";

/** Who has sent a request and gets the answer: in the bytes of HTTP/1.1, or in any other protocol. */
export type Downstream = AnswerSink | RawSink;

/** What is known of a request while its answer comes, and what becomes of it. */
interface Asking {
  /** What answers are sent on. */
  readonly socket: Socket;
  /** The request was HEAD: its answer has no body. */
  readonly isHeadRequest: boolean;
  /** Whether it wants the trailers of the answer. */
  readonly takesTrailers: boolean;
  /** The longest head of an answer. */
  readonly headBytesMax: number;
  /** Changes to make to the fields of the answer. */
  readonly answerEdit: HeaderEdit | undefined;
  /** Whether the request has been read to its end. */
  isRequestComplete(): boolean;
  /** More of the answer came. */
  onProgress(): void;
  /** The answer has been handed over whole. The connection to the endpoint is free, or closed. */
  onAnswered(): void;
  onFailed(failure: UpstreamFailure): void;
}

/** Gets what an answer says, whatever protocol the endpoint speaks. */
export interface AnswerSink extends Asking {
  readonly isRaw: false;
  /** Interim answers (1xx) come before the final one. Hop-by-hop fields and the framing are left out. */
  onHead(status: number, fields: readonly HeaderValue[]): void;
  /** A part of the body; the bytes may not change until they are sent. False: no more until `resume` of the endpoint's socket. */
  onBody(bytes: Uint8Array, start: number, end: number): boolean;
  /** After the body, when there are some. */
  onTrailers(fields: readonly HeaderValue[]): void;
}

/** Speaks HTTP/1.1: an endpoint's connection sends the bytes of messages, as they came, to its socket. */
export interface RawSink extends Asking {
  readonly isRaw: true;
  readonly minorVersion: number;
  readonly wantsUpgrade: boolean;
  /**
   * A final answer begins. `untilClose`: only the end of the connection will end it. Returns whether the client's
   * connection ends with it, which the head must then say.
   */
  onAnswer(status: number, untilClose: boolean): boolean;
  /** Bytes now pass both ways as they are. */
  onTunnel(): void;
  onTunnelEnded(how: "ended" | "broken"): void;
}

/** Why an exchange with an endpoint ended without a whole answer. */
export type UpstreamFailure =
  | { kind: "connect"; failure: ConnectFailure }
  /** It closed before the first byte of an answer. `isReused`: it had answered before, so it may have been stale. */
  | { kind: "no answer"; isReused: boolean }
  /** What it sent is not an answer. */
  | { kind: "bad answer"; problem: string }
  /** It closed in the middle of an answer that the client has begun to get. */
  | { kind: "truncated" };

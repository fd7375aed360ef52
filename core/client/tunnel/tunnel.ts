import type { MuxStream } from "../../lib/mux/mux_stream.ts";

/** What a stream is for; sent as JSON. */
export interface StreamHead {
  /** Which {@linkcode StreamKind} of the other end answers it. */
  readonly kind: string;
  readonly [member: string]: unknown;
}

/** One end of the connection between a node and the server. */
export interface Tunnel {
  /** Opens a stream to the other end. Never throws: what cannot be opened is lost from its beginning. */
  open(head: StreamHead): MuxStream;
  /** The last measured round trip. */
  readonly rttMs: number | undefined;
  /** Resolves with the reason when the tunnel is over. */
  readonly ended: Promise<string>;
  /** Ends the tunnel and all its streams; the reason reaches the other end where that is still possible. */
  close(reason: string): void;
}

/** Streams of one kind that an end answers. */
export interface StreamKind {
  readonly kind: string;
  /**
   * Answers a stream that the other end has opened, and resolves when it is done: then the stream is ended, and what still
   * comes is dropped. Rejects with why it could not be done, which resets the stream. The signal aborts when the stream
   * was reset or the tunnel is lost.
   */
  answer(stream: MuxStream, head: StreamHead, signal: AbortSignal): Promise<void>;
}

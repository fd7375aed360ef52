/** A stream of bytes in both directions, one of many in a tunnel. */
export interface MuxStream {
  /** What the opener asks for: UTF-8, at most `HEAD_BYTES_MAX`. */
  readonly head: string;
  /**
   * Takes the bytes, which must not be changed afterwards; resolves when there is room for more. Rejects with a `MuxError`
   * once the stream is over.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more follows from this end. Repeating it does nothing. */
  end(): void;
  /** Ends both directions at once; the reason (at most `REASON_BYTES_MAX`) reaches the other end. */
  reset(reason: string): void;
  /**
   * At the pace of the reader; ends with the other's end; throws a `MuxError` with the reason after a reset or the loss of
   * the tunnel. One reader; leaving its loop early resets the stream.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Aborts, with a `MuxError`, when the stream was reset or the tunnel is lost; not after an orderly end. */
  readonly lost: AbortSignal;
}

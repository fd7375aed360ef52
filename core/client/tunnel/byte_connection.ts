/** The bytes of a connection, at the pace of their one reader and one writer. */
export interface ByteConnection {
  /** The next bytes; `undefined`: no more come. Rejects with why the connection broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Takes the bytes, which must not be changed afterwards; resolves when more may be written. Rejects when it is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends what waits, and ends. Repeating it does nothing. */
  end(): void;
}

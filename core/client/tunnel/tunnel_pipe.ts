/** Carries the bytes of a tunnel: a WebSocket over TLS, or memory. */
export interface TunnelPipe {
  /** How many bytes in front of what is sent belong to the pipe. */
  readonly reserve: number;
  /** Sends the bytes behind the reserve, all of which are the pipe's then. One call at a time; resolves when more may be sent. */
  send(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The next bytes; `undefined` when no more come. One call at a time. Rejects with why the connection broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Says good-bye with the reason where that is possible, and ends the connection. Repeating it does nothing. */
  close(reason: string): void;
}

/**
 * One side of a connection, as the state machine sees it: the seam between what is decided and the engine that does the
 * I/O. No call throws or waits: what goes wrong comes back as `onClose` of the owner. Calls after `close` do nothing.
 */
export interface Socket {
  /**
   * Sends `[start, end)` after all that was sent before. The bytes may not change until they are out: they belong to the
   * buffer of the other side, which is read again only then, or to the message that is being forwarded.
   * False: read no more from the other side until `onDrain`.
   */
  send(bytes: Uint8Array, start: number, end: number): boolean;
  /** Whether something that was sent is not out yet. An engine that copies what the kernel refused says no. */
  isSending(): boolean;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends our end once all is out; reading goes on. */
  endSending(): void;
  close(): void;
  /** What was asked has been answered: the engine may let another one go ahead. */
  exchangeEnded(): void;
}

/** Whom a socket tells what happens. */
export interface SocketOwner {
  /** Bytes came. They are the owner's until it returns. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /** The other side has sent its end, or the connection is broken. Comes at most once. */
  onClose(how: "ended" | "broken"): void;
  /** All is out, after `send` returned false. */
  onDrain(): void;
}

/** Why a connection could not be made. Nothing was sent. */
export type ConnectFailure = "refused" | "timeout" | "unreachable";

/** Owner of a socket that is being connected. */
export interface UpstreamOwner extends SocketOwner {
  /** The side that gets what comes here, while there is one. */
  peer(): Socket | undefined;
  onConnectFailed(failure: ConnectFailure): void;
  /** The last answer is out, after a finished exchange while `isSending`. */
  onSent(): void;
}

import type { Clock } from "../../core/lib/clock.ts";

/**
 * What does the I/O of one thread: the seam between what is decided and the system that carries it out. Everything runs in
 * one thread, and no callback comes while another one runs. TLS is a layer above it (`proxy/tls`). `engine_contract.ts` is
 * what every engine has to pass.
 */
export interface Engine {
  /** Time and timers of the thread. */
  readonly clock: Clock;
  /**
   * Opens a port. Each connection that comes is handed to `accept`, which says who owns it; `undefined`: it is closed at
   * once. Throws when the port cannot be opened, with a message that tells people why.
   */
  listen(at: ListenAddress, accept: Accept): OpenListener;
  /** A connection that is being made. What is sent on it meanwhile goes out as soon as it is there. */
  connect(to: PeerAddress, owner: UpstreamOwner): Socket;
  /**
   * Opens a port for datagrams; each that comes is handed to `onDatagram`, to which its bytes belong until it returns. Throws
   * as `listen` does. Absent: the engine has none.
   */
  bind?(
    at: PeerAddress,
    onDatagram: (bytes: Uint8Array, from: PeerAddress) => void,
  ): OpenDatagrams;
}

/** A port for datagrams. */
export interface OpenDatagrams extends OpenListener {
  /** Sends one. The bytes may change when it returns; a datagram may get lost. */
  send(bytes: Uint8Array, to: PeerAddress): void;
}

export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

export interface ListenAddress extends PeerAddress {
  /** Whether other threads listen on the same port and share its connections. */
  readonly isShared: boolean;
}

export type Accept = (socket: ClientSocket) => ClientOwner | undefined;

export interface OpenListener {
  /** The port that it is, also when 0 was asked for. */
  readonly port: number;
  /** Accepts nothing more; connections that are open stay open. Resolves when the port is free, also the second time. */
  close(): Promise<void>;
}

/**
 * A connection, as its owner sees it. No call throws or waits: what goes wrong comes back as `onClose` of the owner. Calls
 * after `close` do nothing.
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
  /** Has the kernel find out whether the other side is still there: for connections that may be silent for days. */
  keepAlive(): void;
  /** The request has been answered: the engine may let another one go ahead. */
  exchangeEnded(): void;
  /** The socket of the engine that carries what is sent here, where something stands between. */
  readonly carrier?: Socket;
}

/** A connection that a client has made. */
export interface ClientSocket extends Socket {
  readonly clientAddress: string;
  /** The address and the port that the client has dialled. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Whether the client speaks TLS. */
  readonly isEncrypted: boolean;
  /** Whom the client has asked for by TLS, in small letters; `""`: nobody. Absent: it does not speak TLS. */
  readonly serverName?: string;
}

/** Whom a socket tells what happens. */
export interface SocketOwner {
  /** Bytes came. They are the owner's until it returns. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /**
   * The other side has sent its end, or the connection is broken. After its end a connection may still break: when
   * something that is sent finds no way out. Not called after `close`.
   */
  onClose(how: "ended" | "broken"): void;
  /** All is out, after `send` returned false. */
  onDrain(): void;
  /** The side that gets what comes here, while there is one. Nothing more is read until that is out. */
  peer(): Socket | undefined;
}

/** Owner of a client's connection. */
export interface ClientOwner extends SocketOwner {
  /** Whether what comes next is a new request, which an engine may keep waiting for its turn. */
  isBetweenRequests(): boolean;
}

/** Why a connection could not be made. Nothing was sent. */
export type ConnectFailure = "refused" | "timeout" | "unreachable";

/** Owner of a connection that is being made. */
export interface UpstreamOwner extends SocketOwner {
  onConnected(): void;
  onConnectFailed(failure: ConnectFailure): void;
  /** The last answer is out, after a finished exchange while `isSending`. */
  onSent(): void;
}

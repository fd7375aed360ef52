import type { Duplex } from "node:stream";
import type { ByteConnection } from "../../client/tunnel/byte_connection.ts";

/** The client of a connection, as seen by the front that accepted it. */
export interface Peer {
  /** Address of the client. */
  readonly address: string;
  readonly port: number;
  /**
   * The client's certificate as DER. The handshake has proven that it has the key; the issuer is not checked yet: see
   * `client_certificates.ts`.
   */
  readonly certificate?: Uint8Array;
  /** The front that has accepted the connection. Absent: it lies inside another one. */
  readonly front?: PeerFront;
}

/** What a connection that carries others asks of its front. */
export interface PeerFront {
  /** How many tunnels the front can have at once. */
  readonly tunnelsMax: number;
  /** Serves a connection inside this one, as another connection of the same peer. */
  serve(inner: Duplex): void;
  /** From now on whoever has this connection bounds it: it takes no other's place, and no deadline of the front ends it. */
  leave(): void;
  /** Takes the bytes from the socket, which is destroyed, and costs less. Absent: the front cannot. */
  adopt?(): ByteConnection;
}

const peers = new WeakMap<object, Peer>();

/** Sets the peer of a socket. The front calls it before it passes requests on. */
export function setPeer(socket: object, peer: Peer): void {
  peers.set(socket, peer);
}

/** The peer of a socket; `undefined` when none was set, as in tests without sockets. */
export function peerOf(socket: object | undefined): Peer | undefined {
  return socket === undefined ? undefined : peers.get(socket);
}

type OnAuthenticated = (user: string | undefined) => void;
const callbacks = new WeakMap<object, OnAuthenticated>();

/** Calls `act` when a user has authenticated on this socket: with his name, or `undefined` for the admin. For the front. */
export function onAuthenticated(socket: object, act: OnAuthenticated): void {
  callbacks.set(socket, act);
}

/**
 * Tells the front that a user has authenticated on this socket; `user`: `undefined` for the admin. Only the first call per
 * socket has an effect.
 */
export function markAuthenticated(socket: object | undefined, user: string | undefined): void {
  if (socket === undefined) return;
  const act = callbacks.get(socket);
  if (!act) return;
  callbacks.delete(socket);
  act(user);
}

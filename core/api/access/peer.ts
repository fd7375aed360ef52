/** Who is at the other end of a connection of the API, as the front that accepted it has seen. */
export interface Peer {
  /** Address of the client. */
  readonly address: string;
  readonly port: number;
  /**
   * The certificate that the client showed, as DER, its key proven by the handshake. Nobody has checked who signed
   * it: see `client_certificates.ts`.
   */
  readonly certificate?: Uint8Array;
}

const peers = new WeakMap<object, Peer>();

/** Says who is at the other end of a socket. The front calls it before it hands a request on. */
export function setPeer(socket: object, peer: Peer): void {
  peers.set(socket, peer);
}

/** Who is at the other end; `undefined` where nobody was introduced, as in tests without sockets. */
export function peerOf(socket: object | undefined): Peer | undefined {
  return socket === undefined ? undefined : peers.get(socket);
}

type OnAuthenticated = (user: string | undefined) => void;
const callbacks = new WeakMap<object, OnAuthenticated>();

/** Has `act` called when somebody on this socket has shown who he is: with his name, unless he is the admin. For the front. */
export function onAuthenticated(socket: object, act: OnAuthenticated): void {
  callbacks.set(socket, act);
}

/**
 * Says that whoever asks on this socket has shown who he is; `user`: `undefined` for the admin. Says it once, however often
 * it is called.
 */
export function markAuthenticated(socket: object | undefined, user: string | undefined): void {
  if (socket === undefined) return;
  const act = callbacks.get(socket);
  if (!act) return;
  callbacks.delete(socket);
  act(user);
}

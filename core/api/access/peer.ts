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
export function introduce(socket: object, peer: Peer): void {
  peers.set(socket, peer);
}

/** Who is at the other end; `undefined` where nobody was introduced, as in tests without sockets. */
export function peerOf(socket: object | undefined): Peer | undefined {
  return socket === undefined ? undefined : peers.get(socket);
}

type Recognition = (user: string | undefined) => void;
const recognitions = new WeakMap<object, Recognition>();

/** Has `act` called when somebody on this socket has shown who he is: with his name, unless he is the admin. For the front. */
export function onRecognition(socket: object, act: Recognition): void {
  recognitions.set(socket, act);
}

/**
 * Says that whoever asks on this socket has shown who he is; `user`: `undefined` for the admin. Says it once, however often
 * it is called.
 */
export function recognize(socket: object | undefined, user: string | undefined): void {
  if (socket === undefined) return;
  const act = recognitions.get(socket);
  if (!act) return;
  recognitions.delete(socket);
  act(user);
}

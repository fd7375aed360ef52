/**
 * Writes one chunk to the answers of many connections at once, past their sockets: what takes bytes to the peers has
 * them once, not once for each. Who does not read is cut off there.
 */
export interface FanOut {
  /**
   * From now on the connection's answer is written by `write` alone, but for its end. What its socket was given before
   * goes first: all `socketBytes` of them have left the socket.
   */
  enter(connection: number, socketBytes: number): void;
  /** Writes bytes, which are copied at once. */
  write(connections: readonly number[], parts: readonly Uint8Array[]): void;
  /**
   * Calls `act` once, when all that was written before is ahead of whatever a socket is given from then on: mostly at
   * once, else when there is room for what waits.
   */
  afterWrites(act: () => void): void;
}

/** A connection that takes part. */
export interface Member {
  readonly fanOut: FanOut;
  readonly connection: number;
}

const members = new WeakMap<object, Member>();

/** Lets the answers of a socket take part. For the front. */
export function enroll(socket: object, member: Member): void {
  members.set(socket, member);
}

export function memberOf(socket: object): Member | undefined {
  return members.get(socket);
}

/** An answer that is written to alone, or with others: see `ByteStream`. */
interface Listener {
  write(bytes: Uint8Array): boolean;
  member?(): Member | undefined;
}

/** Writes a chunk to all streams: at once to those that can be reached so. */
export function writeToAll(streams: Iterable<Listener>, chunk: Uint8Array): void {
  const audiences = new Map<FanOut, number[]>();
  for (const stream of streams) {
    const member = stream.member?.();
    if (!member) {
      stream.write(chunk);
      continue;
    }
    const audience = audiences.get(member.fanOut);
    if (audience) audience.push(member.connection);
    else audiences.set(member.fanOut, [member.connection]);
  }
  if (audiences.size === 0) return;
  const parts = httpChunk(chunk);
  for (const [fanOut, audience] of audiences) fanOut.write(audience, parts);
}

/** As `Transfer-Encoding: chunked` has it: RFC 9112 section 7.1. */
export function httpChunk(chunk: Uint8Array): readonly Uint8Array[] {
  return chunk.length === 0
    ? []
    : [encoder.encode(`${chunk.length.toString(16)}\r\n`), chunk, CRLF];
}

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

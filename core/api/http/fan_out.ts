/**
 * Writes one chunk to the answers of many connections at once, bypassing their sockets, so that the chunk is handed over
 * once and not once per connection. The receiver cuts off peers that do not read.
 */
export interface FanOut {
  /**
   * From now on the connection's answer is written by `write`, except for its end. What was written to its socket before
   * goes first: all of its `socketBytes` have left the socket.
   */
  enter(connection: number, socketBytes: number): void;
  /** Writes bytes; they are copied before it returns. */
  write(connections: readonly number[], parts: readonly Uint8Array[]): void;
  /**
   * Writes bytes to one connection without copying them: they must not change until the promise resolves, which it does
   * when the receiver has taken them, at the pace of the peer, or the connection is closed.
   */
  lend(connection: number, bytes: Uint8Array): Promise<void>;
  /** Whether another answer may lend: what is lent to all of them is bounded. */
  readonly hasRoomToLend: boolean;
  /**
   * Calls `act` once, when all that was written before is ahead of whatever a socket is given from then on: mostly at
   * once, else when there is room for what waits.
   */
  afterWrites(act: () => void): void;
}

/** A connection of a fan-out. */
export interface Member {
  readonly fanOut: FanOut;
  readonly connection: number;
}

const members = new WeakMap<object, Member>();

/** Lets the answers of a socket join a fan-out. For the front. */
export function enroll(socket: object, member: Member): void {
  members.set(socket, member);
}

export function memberOf(socket: object): Member | undefined {
  return members.get(socket);
}

/** See `ByteStream`. */
interface Listener {
  write(bytes: Uint8Array): boolean;
  member?(): Member | undefined;
}

/** Writes a chunk to all streams: through their fan-outs where they have one. */
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

/** In `Transfer-Encoding: chunked`: RFC 9112 section 7.1. */
export function httpChunk(chunk: Uint8Array): readonly Uint8Array[] {
  if (chunk.length === 0) return [];
  const [size, end] = chunkFrame(chunk.length);
  return [size, chunk, end];
}

/** What comes before and after a chunk of that many bytes, at least one. */
export function chunkFrame(bytes: number): readonly [Uint8Array, Uint8Array] {
  return [encoder.encode(`${bytes.toString(16)}\r\n`), CRLF];
}

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

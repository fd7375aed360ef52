import type { Epoll } from "../../lib/linux/epoll.ts";
import { Memory } from "../../lib/linux/memory.ts";
import type { Openssl } from "../../lib/linux/openssl.ts";
import type { Sockets } from "../../lib/linux/sockets.ts";
import { type Piece, Pieces } from "./pieces.ts";

/** Of one read from the server's end. */
export const READ_BYTES = 64 * 1024;
/** Of one read from a peer: the server's end accepts little at once. */
export const PEER_READ_BYTES = 16 * 1024;
/** Of a TLS record: RFC 8446 section 5.1. */
export const RECORD_BYTES_MAX = 16 * 1024;

/** The event loop that relays run in: what they share, and what they report to it. */
export interface RelayLoop<Relay> {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
  readonly epoll: Epoll<object>;
  readonly plain: Memory;
  readonly sealed: Memory;
  readonly pieces: Pieces;
  now(): number;
  /** The handshake is done; `descriptor` is the server's end of the plain stream. */
  opened(relay: Relay, descriptor: number, certificate: Uint8Array<ArrayBuffer> | undefined): void;
  /** Whether the ring holds unread broadcasts; reading them may write to any relay. */
  readonly hasBroadcasts: boolean;
  readBroadcasts(): void;
  /** The peer accepts no more bytes; accepts bytes again. */
  blocked(relay: Relay): void;
  unblocked(relay: Relay): void;
  /** The relay has more to read: it gets another turn. */
  again(relay: Relay): void;
  /** The server has closed its end of the relay. */
  lingers(relay: Relay): void;
  closed(relay: Relay): void;
  /** There is no more use for the bytes of a loan. */
  returned(loan: number): void;
}

/** Buffers for {@linkcode RelayLoop}; twice as many plain bytes, so that another TLS record fits behind a read. */
export function relayMemory(): { plain: Memory; sealed: Memory; pieces: Pieces } {
  return {
    plain: new Memory(2 * READ_BYTES),
    sealed: new Memory(READ_BYTES + RECORD_BYTES_MAX),
    pieces: new Pieces(),
  };
}

/** One end of a relay: the peer's TCP connection, or the stream to the server. */
export class End<Relay = unknown> {
  /** Bytes the kernel has not accepted; while there are any, the other end is not read. */
  queue: Piece[] | undefined;
  isReadable = false;
  /** Whether a close was signalled, so that a short read does not mean that nothing is left to read. */
  isEnding = false;
  /** It has sent everything. */
  hasEnded = false;
  /** We send nothing more once the queue is empty. */
  isFinished = false;

  constructor(readonly relay: Relay, readonly descriptor: number) {}

  /** We send nothing more than what is queued. */
  finish(sockets: Sockets): void {
    if (this.isFinished) return;
    this.isFinished = true;
    if (this.queue === undefined) sockets.endSending(this.descriptor);
  }

  /** Drops what is queued. */
  clear(pieces: Pieces): void {
    pieces.give(this.queue ?? []);
    this.queue = undefined;
  }
}

import type { Epoll } from "../../lib/linux/epoll.ts";
import { Memory } from "../../lib/linux/memory.ts";
import type { Openssl } from "../../lib/linux/openssl.ts";
import type { Sockets } from "../../lib/linux/sockets.ts";
import { type Piece, Pieces } from "./pieces.ts";

/** Of one read of the server's end. */
export const READ_BYTES = 64 * 1024;
/** Of one read of a peer: the server takes little at once. */
export const PEER_READ_BYTES = 16 * 1024;
/** Of TLS: RFC 8446 section 5.1. */
export const RECORD_BYTES_MAX = 16 * 1024;

/** What all relays of a thread share, and what they tell. */
export interface RelayGround<Relay> {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
  readonly epoll: Epoll<object>;
  readonly plain: Memory;
  readonly sealed: Memory;
  readonly pieces: Pieces;
  now(): number;
  /** The handshake is done: the server's end of the stream is `descriptor`. */
  opened(relay: Relay, descriptor: number, certificate: Uint8Array<ArrayBuffer> | undefined): void;
  /** Whether the ring holds broadcasts that nobody has read; and reads them, which may write to any relay. */
  readonly hasBroadcasts: boolean;
  readBroadcasts(): void;
  /** The peer takes nothing at the moment; and takes something again. */
  blocked(relay: Relay): void;
  unblocked(relay: Relay): void;
  /** It has more to do in the next turn. */
  again(relay: Relay): void;
  /** The server has closed its end. */
  lingers(relay: Relay): void;
  closed(relay: Relay): void;
}

/** Memory for {@linkcode RelayGround}: of plain bytes twice as much, so that a record still fits behind a read. */
export function relayMemory(): { plain: Memory; sealed: Memory; pieces: Pieces } {
  return {
    plain: new Memory(2 * READ_BYTES),
    sealed: new Memory(READ_BYTES + RECORD_BYTES_MAX),
    pieces: new Pieces(),
  };
}

/** One side of a relay: the peer's TCP connection, or the stream to the server. */
export class End<Relay = unknown> {
  /** What the kernel has not taken; while there is any, the other side is not read. */
  queue: Piece[] | undefined;
  isReadable = false;
  /** Whether an end has been noticed, so that a short read does not mean that nothing is left to read. */
  isEnding = false;
  /** It sends nothing more. */
  hasEnded = false;
  /** We send nothing more there, once the queue is empty. */
  isFinished = false;

  constructor(readonly relay: Relay, readonly descriptor: number) {}
}

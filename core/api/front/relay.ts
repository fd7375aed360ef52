import { EPOLL, type Epoll } from "../../lib/linux/epoll.ts";
import { Memory, pointerTo } from "../../lib/linux/memory.ts";
import type { Openssl } from "../../lib/linux/openssl.ts";
import { ERRNO, type Sockets } from "../../lib/linux/sockets.ts";
import type { TlsContext } from "../../lib/linux/tls_context.ts";
import { BROKEN, CLOSED_BY_PEER, TlsSession } from "../../lib/linux/tls_session.ts";
import type { Phase } from "./deadlines.ts";
import type { Place } from "./places.ts";

const READ_BYTES = 64 * 1024;
const RECORD_BYTES_MAX = 16 * 1024;
/** Reads of one end in a row, before the others have their turn. */
const READS_PER_TURN = 4;
/**
 * What the kernel keeps of what the server has not read: what bounds requests that are sent without reading the
 * answers. With the default of 208 KiB they take eight times as much memory.
 */
const PIPE_BYTES = 16 * 1024;
/** What is read and dropped of a peer that goes on sending to a server that has closed. */
const FAREWELL_BYTES_MAX = 1024 * 1024;
const WATCHED = EPOLL.in | EPOLL.out | EPOLL.peerEnded | EPOLL.edge;

/** What all relays of a thread share. */
export interface RelayGround {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
  readonly epoll: Epoll<object>;
  readonly plain: Memory;
  readonly sealed: Memory;
  now(): number;
  /** The handshake is done: the server's end of the stream is `descriptor`. */
  opened(relay: Relay, descriptor: number, certificate: Uint8Array<ArrayBuffer> | undefined): void;
  /** It has more to do in the next turn. */
  again(relay: Relay): void;
  /** The server has closed its end. */
  lingers(relay: Relay): void;
  closed(relay: Relay): void;
}

/** Buffers for {@linkcode RelayGround}: of plain bytes twice as much, so that a record still fits behind a read. */
export function relayMemory(): { plain: Memory; sealed: Memory } {
  return { plain: new Memory(2 * READ_BYTES), sealed: new Memory(READ_BYTES + RECORD_BYTES_MAX) };
}

/** One side of a relay: the peer's TCP connection, or the stream to the server. */
export class End {
  /** What the kernel has not taken; while there is any, the other side is not read. */
  queue: Uint8Array<ArrayBuffer>[] | undefined;
  isReadable = false;
  /** Whether an end has been noticed, so that a short read does not mean that nothing is left to read. */
  isEnding = false;
  /** It sends nothing more. */
  hasEnded = false;
  /** We send nothing more there, once the queue is empty. */
  isFinished = false;

  constructor(readonly relay: Relay, readonly descriptor: number) {}
}

/**
 * One connection: TLS on the peer's side, the same bytes plain on the server's. Reads a side only while the other one
 * takes what it is given, so that it never holds more than about 128 KB. Passes on half-closes in both directions.
 */
export class Relay implements Place {
  state: "handshake" | "open" | "lingering" | "closed" = "handshake";
  /** When it was accepted; while it lingers: when the peer last took something. */
  sinceMs: number;
  isQueued = false;
  readonly #ground: RelayGround;
  readonly #session: TlsSession;
  readonly #peer: End;
  #pipe: End | undefined;
  #farewellBytes = 0;

  constructor(
    ground: RelayGround,
    context: TlsContext,
    descriptor: number,
    readonly address: string,
    readonly port: number,
  ) {
    this.#ground = ground;
    this.sinceMs = ground.now();
    this.#session = new TlsSession(ground.openssl, context);
    this.#peer = new End(this, descriptor);
    ground.epoll.add(descriptor, this.#peer, WATCHED);
  }

  get phase(): Phase {
    return this.state === "handshake" ? "handshake" : "closing";
  }

  get phaseSinceMs(): number {
    return this.sinceMs;
  }

  /** Something happened to one of its ends. */
  happened(end: End, mask: number): void {
    if (this.state === "closed") return;
    if ((mask & EPOLL.out) !== 0 && end.queue !== undefined) this.#flush(end);
    if ((mask & ~EPOLL.out) === 0 || this.#isClosed) return;
    this.notice(end, mask);
    const isCut = (mask & (EPOLL.error | EPOLL.hangUp)) !== 0;
    if (end === this.#peer) {
      if ((mask & EPOLL.error) !== 0) return this.close();
      this.#readPeer();
    } else {
      if (isCut) this.#linger();
      this.#readPipe();
    }
  }

  /** Remembers that there is something to read at an end. */
  notice(end: End, mask: number): void {
    end.isReadable = true;
    if ((mask & ~(EPOLL.out | EPOLL.in)) !== 0) end.isEnding = true;
  }

  /** Goes on where it left off. */
  goOn(): void {
    this.#readPeer();
    this.#readPipe();
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    const { sockets, epoll } = this.#ground;
    for (const end of [this.#peer, this.#pipe]) {
      if (end === undefined) continue;
      epoll.forget(end.descriptor);
      sockets.close(end.descriptor);
    }
    this.#session.free();
    this.#ground.closed(this);
  }

  /** Asked anew after each call that may close. */
  get #isClosed(): boolean {
    return this.state === "closed";
  }

  #mayReadPeer(): boolean {
    if (this.state === "closed" || !this.#peer.isReadable || this.#peer.hasEnded) return false;
    return this.#pipe === undefined
      ? this.#peer.queue === undefined
      : this.#pipe.queue === undefined;
  }

  #readPeer(): void {
    const { sockets, sealed } = this.#ground;
    const peer = this.#peer;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (!this.#mayReadPeer()) return;
      const read = sockets.receive(peer.descriptor, sealed.pointer, READ_BYTES);
      if (read < 0) {
        if (sockets.errno === ERRNO.EINTR) continue;
        if (sockets.errno !== ERRNO.EAGAIN) return this.close();
        peer.isReadable = false;
        return;
      }
      if (read === 0) return this.#peerEnded();
      if (this.state === "lingering") this.#drop(read);
      else {
        this.#session.feed(sealed.pointer, read);
        this.#open();
      }
      if (this.#isClosed) return;
      if (read < READ_BYTES && !peer.isEnding) {
        peer.isReadable = false;
        return;
      }
    }
    this.#ground.again(this);
  }

  /** Opens all that was fed, and hands it to the server. */
  #open(): void {
    const { plain } = this.#ground;
    const session = this.#session;
    let used = 0;
    let read: number;
    for (;;) {
      read = session.read(plain.at(used), plain.size - used);
      if (this.state === "handshake" && session.isReady && !this.#establish()) return;
      if (read <= 0) break;
      used += read;
      if (used > plain.size - RECORD_BYTES_MAX) {
        this.#put(this.#pipe!, plain, used);
        used = 0;
      }
      if (!session.hasMore) break;
    }
    if (used > 0) this.#put(this.#pipe!, plain, used);
    if (read > 0 || this.#isClosed) return;
    this.#seal(); // what the handshake, an alert or a new key has to say
    if (read === CLOSED_BY_PEER) this.#peerEnded();
    else if (read === BROKEN) this.close();
  }

  /** False: it has been closed. */
  #establish(): boolean {
    this.#seal();
    if (this.#isClosed) return false;
    const { sockets, epoll } = this.#ground;
    const pair = sockets.pair();
    if (pair === undefined) {
      this.close();
      return false;
    }
    const [ours, theirs] = pair;
    sockets.setSendBuffer(ours, PIPE_BYTES);
    sockets.keepAlive(this.#peer.descriptor);
    this.#pipe = new End(this, ours);
    epoll.add(ours, this.#pipe, WATCHED);
    this.state = "open";
    this.#ground.opened(this, theirs, this.#session.peerCertificate);
    return true;
  }

  #readPipe(): void {
    const { sockets, plain } = this.#ground;
    const pipe = this.#pipe;
    if (pipe === undefined) return;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (this.#isClosed || !pipe.isReadable || pipe.hasEnded) return;
      if (this.#peer.queue !== undefined) return;
      const read = sockets.receive(pipe.descriptor, plain.pointer, READ_BYTES);
      if (read < 0 && sockets.errno === ERRNO.EINTR) continue;
      if (read < 0 && sockets.errno === ERRNO.EAGAIN) {
        pipe.isReadable = false;
        return;
      }
      if (read <= 0) return this.#serverEnded();
      if (!this.#session.write(plain.pointer, read)) return this.close();
      this.#seal();
      if (read < READ_BYTES && !pipe.isEnding) {
        pipe.isReadable = false;
        return;
      }
    }
    this.#ground.again(this);
  }

  #peerEnded(): void {
    this.#peer.hasEnded = true;
    if (this.#pipe === undefined || this.state === "lingering") return this.#closeIfDone();
    this.#finish(this.#pipe);
    this.#closeIfDone();
  }

  #serverEnded(): void {
    this.#pipe!.hasEnded = true;
    this.#session.end();
    this.#seal();
    if (this.#isClosed) return;
    this.#finish(this.#peer);
    this.#closeIfDone();
  }

  /** The server has closed: the peer is given what was written, and a while to close as well. */
  #linger(): void {
    if (this.state !== "open") return;
    this.state = "lingering";
    this.sinceMs = this.#ground.now();
    this.#pipe!.queue = undefined;
    this.#ground.lingers(this);
  }

  #drop(bytes: number): void {
    this.#farewellBytes += bytes;
    if (this.#farewellBytes > FAREWELL_BYTES_MAX) this.close();
  }

  #closeIfDone(): void {
    if (this.#isClosed || !this.#peer.hasEnded || this.#peer.queue !== undefined) return;
    if (this.#pipe === undefined || this.#pipe.hasEnded) this.close();
  }

  #seal(): void {
    const { sealed } = this.#ground;
    for (;;) {
      const bytes = this.#session.out(sealed.pointer, sealed.size);
      if (bytes > 0) this.#put(this.#peer, sealed, bytes);
      if (bytes < sealed.size || this.#isClosed) return;
    }
  }

  #put(end: End, from: Memory, bytes: number): void {
    if (this.#isClosed) return;
    if (end.queue !== undefined) return void end.queue.push(from.bytes.slice(0, bytes));
    const sent = this.#ground.sockets.send(end.descriptor, from.pointer, bytes);
    if (sent === bytes) return;
    if (sent < 0 && !this.#isOnlyFull()) return this.#broken(end);
    end.queue = [from.bytes.slice(Math.max(0, sent), bytes)];
  }

  #flush(end: End): void {
    while (end.queue !== undefined) {
      const first = end.queue[0]!;
      const sent = this.#ground.sockets.send(end.descriptor, pointerTo(first), first.length);
      if (sent < 0 && !this.#isOnlyFull()) return this.#broken(end);
      if (sent > 0 && this.state === "lingering") this.sinceMs = this.#ground.now();
      if (sent !== first.length) {
        if (sent > 0) end.queue[0] = first.subarray(sent);
        return;
      }
      end.queue.shift();
      if (end.queue.length === 0) end.queue = undefined;
    }
    if (end.isFinished) this.#ground.sockets.endSending(end.descriptor);
    this.#closeIfDone();
    if (!this.#isClosed) this.#ground.again(this);
  }

  #isOnlyFull(): boolean {
    const { errno } = this.#ground.sockets;
    return errno === ERRNO.EAGAIN || errno === ERRNO.EINTR;
  }

  #broken(end: End): void {
    if (end === this.#peer) this.close();
    else this.#linger();
  }

  #finish(end: End): void {
    if (end.isFinished) return;
    end.isFinished = true;
    if (end.queue === undefined) this.#ground.sockets.endSending(end.descriptor);
  }
}

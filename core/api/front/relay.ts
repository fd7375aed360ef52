import { EPOLL } from "../../lib/linux/epoll.ts";
import { type Memory, type Pointer, pointerTo } from "../../lib/linux/memory.ts";
import { ERRNO } from "../../lib/linux/sockets.ts";
import type { TlsContext } from "../../lib/linux/tls_context.ts";
import { BROKEN, CLOSED_BY_PEER, TlsSession } from "../../lib/linux/tls_session.ts";
import { WATCH_QUEUE_BYTES_MAX } from "../watch/watch_limits.ts";
import type { Phase } from "./deadlines.ts";
import { FAREWELL_BYTES_MAX, PIPE_BYTES, SILENT_BYTES_MAX } from "./limits.ts";
import type { Place } from "./places.ts";
import {
  End,
  PEER_READ_BYTES,
  READ_BYTES,
  RECORD_BYTES_MAX,
  type RelayGround,
} from "./relay_ground.ts";

/** Reads of one end in a row, before the others have their turn. */
const READS_PER_TURN = 4;
/** What may lie between the threads when a relay enters the ring: more is a fault of ours. */
const RING_ENTRY_BYTES_MAX = 16 * 1024 * 1024;
const WATCHED = EPOLL.in | EPOLL.out | EPOLL.peerEnded | EPOLL.edge;

/**
 * One connection: TLS on the peer's side, the same bytes plain on the server's. Reads a side only while the other one
 * takes what it is given, so that it never holds more than about 128 KB. Passes on half-closes in both directions.
 */
export class Relay implements Place {
  state: "handshake" | "open" | "lingering" | "closed" = "handshake";
  /** When it was accepted; while it lingers: when the peer last took something. */
  phaseSinceMs: number;
  isQueued = false;
  /** When the peer last took something of what waits for it. */
  blockedSinceMs = 0;
  readonly #ground: RelayGround<Relay>;
  readonly #session: TlsSession;
  readonly #peer: End<Relay>;
  #pipe: End<Relay> | undefined;
  #farewellBytes = 0;
  /** Broadcasts that it could not pass on yet: plain, and shared with other relays. */
  #broadcasts: Uint8Array<ArrayBuffer>[] = [];
  #broadcastsBytes = 0;
  /** What the server has written to its end and we have read, modulo 2^32. */
  #pipeBytes = 0;
  /** Some of it, while the broadcasts are read that come before. */
  #held: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    ground: RelayGround<Relay>,
    context: TlsContext,
    descriptor: number,
    readonly id: number,
    readonly address: string,
    readonly port: number,
  ) {
    this.#ground = ground;
    this.phaseSinceMs = ground.now();
    this.#session = new TlsSession(ground.openssl, context);
    this.#peer = new End(this, descriptor);
    ground.epoll.add(descriptor, this.#peer, WATCHED);
  }

  get phase(): Phase {
    return this.state === "handshake" ? "handshake" : "closing";
  }

  /** Something happened to one of its ends. */
  happened(end: End<Relay>, mask: number): void {
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
  notice(end: End<Relay>, mask: number): void {
    end.isReadable = true;
    if ((mask & ~(EPOLL.out | EPOLL.in)) !== 0) end.isEnding = true;
  }

  /** Goes on where it left off. */
  goOn(): void {
    this.#readPeer();
    this.#readPipe();
  }

  /**
   * From now on it is written to by broadcasts. Of what the server writes to its end, what it had written by now goes first:
   * `serverBytes` in all, modulo 2^32.
   */
  enterRing(serverBytes: number): void {
    const pipe = this.#pipe;
    if (pipe === undefined || this.#isClosed) return;
    const { sockets, plain } = this.#ground;
    const held = this.#held;
    const later = (this.#pipeBytes - serverBytes) >>> 0;
    if (held !== undefined && later > 0 && later <= held.length) {
      this.#held = held.slice(0, -later);
      this.#passHeld();
      this.#held = held.slice(-later); // the end of an answer, read together with its head
      return;
    }
    this.#passHeld();
    for (;;) {
      const rest = (serverBytes - this.#pipeBytes) >>> 0;
      if (rest > RING_ENTRY_BYTES_MAX) throw new Error(`the server wrote ${rest} bytes fewer`);
      if (rest === 0 || this.#isClosed) return;
      const read = sockets.receive(pipe.descriptor, plain.pointer, Math.min(rest, READ_BYTES));
      if (read <= 0) throw new Error(`${rest} bytes of the server are missing`);
      this.#pipeBytes = (this.#pipeBytes + read) >>> 0;
      this.#passInOrder(plain.pointer, read, () => plain.bytes.slice(0, read));
    }
  }

  /** Passes on the bytes of a broadcast. `copy`: of them, for as long as it likes. */
  deliver(from: Pointer, bytes: number, copy: () => Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    if (this.#peer.queue === undefined) return this.#passInOrder(from, bytes, copy);
    this.#keep(copy());
    if (this.#broadcastsBytes > WATCH_QUEUE_BYTES_MAX) this.close();
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    const { sockets, epoll } = this.#ground;
    for (const end of [this.#peer, this.#pipe]) {
      if (end === undefined) continue;
      this.#clear(end);
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
      const read = sockets.receive(peer.descriptor, sealed.pointer, PEER_READ_BYTES);
      if (read < 0) {
        if (sockets.errno === ERRNO.EINTR) continue;
        if (sockets.errno !== ERRNO.EAGAIN) return this.close();
        peer.isReadable = false;
        return;
      }
      if (read === 0) return this.#peerEnded();
      if (this.state === "lingering") {
        this.#farewellBytes += read;
        if (this.#farewellBytes > FAREWELL_BYTES_MAX) return this.close();
      } else {
        this.#session.feed(sealed.pointer, read);
        this.#open();
      }
      if (this.#isClosed) return;
      if (this.#session.silentBytes > SILENT_BYTES_MAX) return this.close();
      if (read < PEER_READ_BYTES && !peer.isEnding) {
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
      if (this.#peer.queue !== undefined || this.#broadcasts.length > 0) return;
      const read = sockets.receive(pipe.descriptor, plain.pointer, READ_BYTES);
      if (read < 0 && sockets.errno === ERRNO.EINTR) continue;
      if (read < 0 && sockets.errno === ERRNO.EAGAIN) {
        pipe.isReadable = false;
        return;
      }
      if (read <= 0) return this.#serverEnded();
      this.#pipeBytes = (this.#pipeBytes + read) >>> 0;
      this.#pass(plain, read);
      if (read < READ_BYTES && !pipe.isEnding) {
        pipe.isReadable = false;
        return;
      }
    }
    this.#ground.again(this);
  }

  /** Passes on what the server wrote to its end, after the broadcasts that it wrote before. */
  #pass(from: Memory, bytes: number): void {
    const copy = () => from.bytes.slice(0, bytes);
    if (!this.#ground.hasBroadcasts) return this.#passInOrder(from.pointer, bytes, copy);
    this.#held = copy(); // others may read their ends meanwhile, and we may enter the ring anew
    this.#ground.readBroadcasts();
    this.#passHeld();
  }

  #passHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (!held?.length) return;
    this.#passInOrder(pointerTo(held), held.length, () => held);
  }

  /** Passes bytes on, or keeps them behind those that wait. */
  #passInOrder(from: Pointer, bytes: number, copy: () => Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    if (this.#broadcasts.length > 0) this.#keep(copy());
    else if (this.#session.write(from, bytes)) this.#seal();
    else this.close();
  }

  #keep(broadcast: Uint8Array<ArrayBuffer>): void {
    this.#broadcasts.push(broadcast);
    this.#broadcastsBytes += broadcast.length;
  }

  #peerEnded(): void {
    this.#peer.hasEnded = true;
    if (this.#pipe !== undefined && this.state !== "lingering") this.#finish(this.#pipe);
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
    this.phaseSinceMs = this.#ground.now();
    this.#clear(this.#pipe!);
    this.#ground.lingers(this);
  }

  #clear(end: End<Relay>): void {
    this.#ground.pieces.give(end.queue ?? []);
    end.queue = undefined;
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

  #put(end: End<Relay>, from: Memory, bytes: number): void {
    if (this.#isClosed) return;
    const { pieces } = this.#ground;
    if (end.queue !== undefined) return void end.queue.push(pieces.take(from, 0, bytes));
    const sent = this.#ground.sockets.send(end.descriptor, from.pointer, bytes);
    if (sent === bytes) return;
    if (sent < 0 && !this.#ground.sockets.isOnlyFull) return this.#broken(end);
    end.queue = [pieces.take(from, Math.max(0, sent), bytes)];
    if (end !== this.#peer) return;
    this.blockedSinceMs = this.#ground.now();
    this.#ground.blocked(this);
  }

  #flush(end: End<Relay>): void {
    const { sockets, pieces } = this.#ground;
    while (end.queue !== undefined) {
      const first = end.queue[0]!;
      const length = first.end - first.start;
      const sent = sockets.send(end.descriptor, first.memory.at(first.start), length);
      if (sent < 0 && !sockets.isOnlyFull) return this.#broken(end);
      if (sent > 0) this.#noteProgress(end);
      if (sent !== length) {
        first.start += Math.max(0, sent);
        return;
      }
      pieces.give(end.queue.splice(0, 1));
      if (end.queue.length === 0) end.queue = undefined;
    }
    if (end === this.#peer) this.#writeBroadcasts();
    if (this.#isClosed || end.queue !== undefined) return;
    if (end.isFinished) this.#ground.sockets.endSending(end.descriptor);
    this.#closeIfDone();
    if (!this.#isClosed) this.#ground.again(this);
  }

  #noteProgress(end: End<Relay>): void {
    if (end !== this.#peer) return;
    this.blockedSinceMs = this.#ground.now();
    if (this.state === "lingering") this.phaseSinceMs = this.blockedSinceMs;
  }

  /** Passes on broadcasts that wait, for as long as the peer takes them. */
  #writeBroadcasts(): void {
    this.#ground.unblocked(this);
    while (this.#broadcasts.length > 0 && this.#peer.queue === undefined && !this.#isClosed) {
      const broadcast = this.#broadcasts.shift()!;
      this.#broadcastsBytes -= broadcast.length;
      if (!this.#session.write(pointerTo(broadcast), broadcast.length)) return this.close();
      this.#seal();
    }
  }

  #broken(end: End<Relay>): void {
    if (end === this.#peer) this.close();
    else this.#linger();
  }

  #finish(end: End<Relay>): void {
    if (end.isFinished) return;
    end.isFinished = true;
    if (end.queue === undefined) this.#ground.sockets.endSending(end.descriptor);
  }
}

import { EPOLL } from "../../lib/linux/epoll.ts";
import { type Memory, type Pointer, pointerTo } from "../../lib/linux/memory.ts";
import { ERRNO } from "../../lib/linux/sockets.ts";
import type { TlsContext } from "../../lib/linux/tls_context.ts";
import { BROKEN, CLOSED_BY_PEER, TlsSession } from "../../lib/linux/tls_session.ts";
import type { Phase } from "./deadlines.ts";
import { LINGER_BYTES_MAX, PIPE_BYTES, SILENT_BYTES_MAX } from "./limits.ts";
import type { Place } from "./places.ts";
import type { Loan } from "./fan_out/loans.ts";
import type { Receiver } from "./fan_out/ring_delivery.ts";
import { WaitingBytes } from "./fan_out/waiting_bytes.ts";
import type { Detached } from "./trunk_relay.ts";
import {
  End,
  PEER_READ_BYTES,
  READ_BYTES,
  RECORD_BYTES_MAX,
  type RelayLoop,
} from "./relay_loop.ts";

/** Reads from one end in a row, before other relays get a turn. */
const READS_PER_TURN = 4;
const WRITES_PER_TURN = 4;
/** In transit between the threads when a relay enters the ring: more is a bug. */
const RING_ENTRY_BYTES_MAX = 16 * 1024 * 1024;
const WATCHED = EPOLL.in | EPOLL.out | EPOLL.peerEnded | EPOLL.edge;

/**
 * One connection: TLS on the peer's side, plain bytes on the server's. Reads one side only while the other accepts writes,
 * so it never buffers more than about 128 KB. Forwards half-closes in both directions.
 */
export class Relay implements Place, Receiver {
  state: "handshake" | "open" | "lingering" | "closed" = "handshake";
  /** When it was accepted; while it lingers: when the peer last read something. */
  phaseSinceMs: number;
  isQueued = false;
  /** When the peer last read something of what waits for it. */
  blockedSinceMs = 0;
  readonly #loop: RelayLoop<Relay>;
  readonly #session: TlsSession;
  readonly #peer: End<Relay>;
  #pipe: End<Relay> | undefined;
  #lingerBytes = 0;
  /** What comes before whatever else the server writes to its end. */
  readonly #waiting: WaitingBytes;
  /** Bytes read from the server's end so far, modulo 2^32. */
  #pipeBytes = 0;
  /** Read from the server's end, but held back until earlier broadcasts have been read. */
  #held: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    loop: RelayLoop<Relay>,
    context: TlsContext,
    descriptor: number,
    readonly id: number,
    readonly address: string,
    readonly port: number,
  ) {
    this.#loop = loop;
    this.phaseSinceMs = loop.now();
    this.#waiting = new WaitingBytes((loan) => loop.returned(loan));
    this.#session = new TlsSession(loop.openssl, context);
    this.#peer = new End(this, descriptor);
    loop.epoll.add(descriptor, this.#peer, WATCHED);
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

  /** Marks an end as readable. */
  notice(end: End<Relay>, mask: number): void {
    end.isReadable = true;
    if ((mask & ~(EPOLL.out | EPOLL.in)) !== 0) end.isEnding = true;
  }

  /** Continues reading both ends. */
  goOn(): void {
    this.#readPeer();
    this.#writeWaiting();
    this.#readPipe();
  }

  /**
   * From now on broadcasts are delivered to it, after everything that the server had written to its end by then:
   * `serverBytes` in all, modulo 2^32.
   */
  enterRing(serverBytes: number): void {
    const pipe = this.#pipe;
    if (pipe === undefined || this.#isClosed) return;
    const { sockets, plain } = this.#loop;
    const held = this.#held;
    const later = (this.#pipeBytes - serverBytes) >>> 0;
    if (held !== undefined && later > 0 && later <= held.length) {
      this.#held = held.slice(0, -later);
      this.#passHeld();
      this.#held = held.slice(-later); // the end of an answer that was read together with its head
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

  deliver(from: Pointer, bytes: number, copy: () => Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    if (this.#peer.queue === undefined) return this.#passInOrder(from, bytes, copy);
    this.#waiting.keep(copy());
    if (this.#waiting.isTooMuch) this.close();
  }

  /** Sends the bytes of a loan, at the pace of the peer, and returns it. */
  borrow(loan: Loan): void {
    if (this.#isClosed) return this.#loop.returned(loan.id);
    this.#waiting.borrow(loan);
    this.#writeWaiting();
  }

  /** Gives up what goes on as a tunnel. `undefined`: something waits to be sent, or it is not open. */
  detach(): Detached | undefined {
    if (this.state !== "open" || this.#peer.queue || !this.#waiting.isEmpty) return undefined;
    this.state = "closed";
    this.#release(this.#pipe!);
    this.#loop.epoll.remove(this.#peer.descriptor);
    this.#loop.closed(this);
    return { session: this.#session, descriptor: this.#peer.descriptor, id: this.id };
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    for (const end of [this.#peer, this.#pipe]) if (end) this.#release(end);
    this.#waiting.clear();
    this.#session.free();
    this.#loop.closed(this);
  }

  #release(end: End<Relay>): void {
    end.clear(this.#loop.pieces);
    this.#loop.epoll.forget(end.descriptor);
    this.#loop.sockets.close(end.descriptor);
  }

  /** To be read again after each call that may close the relay. */
  get #isClosed(): boolean {
    return this.state === "closed";
  }

  #mayReadPeer(): boolean {
    if (this.state === "closed" || !this.#peer.isReadable || this.#peer.hasEnded) return false;
    return (this.#pipe ?? this.#peer).queue === undefined;
  }

  #readPeer(): void {
    const { sockets, sealed } = this.#loop;
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
        this.#lingerBytes += read;
        if (this.#lingerBytes > LINGER_BYTES_MAX) return this.close();
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
    this.#loop.again(this);
  }

  /** Decrypts what was received, and sends it to the server. */
  #open(): void {
    const { plain } = this.#loop;
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
    this.#seal(); // handshake messages, alerts, key updates
    if (read === BROKEN) this.close();
    else if (read === CLOSED_BY_PEER) this.#peerEnded();
  }

  /** Returns false when the relay has been closed. */
  #establish(): boolean {
    this.#seal();
    if (this.#isClosed) return false;
    const { sockets, epoll } = this.#loop;
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
    this.#loop.opened(this, theirs, this.#session.peerCertificate);
    return true;
  }

  #readPipe(): void {
    const { sockets, plain } = this.#loop;
    const pipe = this.#pipe;
    if (pipe === undefined) return;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (this.#isClosed || !pipe.isReadable || pipe.hasEnded) return;
      if (this.#peer.queue !== undefined || !this.#waiting.isEmpty) return;
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
    this.#loop.again(this);
  }

  /** Sends what the server wrote to its end, after the broadcasts written before. */
  #pass(from: Memory, bytes: number): void {
    const copy = () => from.bytes.slice(0, bytes);
    if (!this.#loop.hasBroadcasts) return this.#passInOrder(from.pointer, bytes, copy);
    this.#held = copy(); // others may read their ends meanwhile, and we may enter the ring anew
    this.#loop.readBroadcasts();
    this.#passHeld();
  }

  #passHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (!held?.length) return;
    this.#passInOrder(pointerTo(held), held.length, () => held);
  }

  /** Sends bytes, or queues them behind those that wait. */
  #passInOrder(from: Pointer, bytes: number, copy: () => Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    if (!this.#waiting.isEmpty) this.#waiting.keep(copy());
    else if (this.#session.write(from, bytes)) this.#seal();
    else this.close();
  }

  #peerEnded(): void {
    this.#peer.hasEnded = true;
    if (this.#pipe !== undefined && this.state !== "lingering") {
      this.#pipe.finish(this.#loop.sockets);
    }
    this.#closeIfDone();
  }

  #serverEnded(): void {
    this.#pipe!.hasEnded = true;
    this.#session.end();
    this.#seal();
    if (this.#isClosed) return;
    this.#peer.finish(this.#loop.sockets);
    this.#closeIfDone();
  }

  /** The server has closed: the peer still receives what was written, and has some time to close. */
  #linger(): void {
    if (this.state !== "open") return;
    this.state = "lingering";
    this.phaseSinceMs = this.#loop.now();
    this.#pipe!.clear(this.#loop.pieces);
    this.#loop.lingers(this);
  }

  #closeIfDone(): void {
    if (this.#isClosed || !this.#peer.hasEnded || this.#peer.queue !== undefined) return;
    if (this.#pipe === undefined || this.#pipe.hasEnded) this.close();
  }

  #seal(): void {
    const { sealed } = this.#loop;
    for (;;) {
      const bytes = this.#session.out(sealed.pointer, sealed.size);
      if (bytes > 0) this.#put(this.#peer, sealed, bytes);
      if (bytes < sealed.size || this.#isClosed) return;
    }
  }

  #put(end: End<Relay>, from: Memory, bytes: number): void {
    if (this.#isClosed) return;
    const { pieces } = this.#loop;
    if (end.queue !== undefined) return void end.queue.push(pieces.take(from, 0, bytes));
    const sent = this.#loop.sockets.send(end.descriptor, from.pointer, bytes);
    if (sent === bytes) return;
    if (sent < 0 && !this.#loop.sockets.isOnlyFull) return this.#broken(end);
    end.queue = [pieces.take(from, Math.max(0, sent), bytes)];
    if (end !== this.#peer) return;
    this.blockedSinceMs = this.#loop.now();
    this.#loop.blocked(this);
  }

  #flush(end: End<Relay>): void {
    const { sockets, pieces } = this.#loop;
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
    if (end === this.#peer) this.#writeWaiting();
    if (this.#isClosed || end.queue !== undefined) return;
    if (end.isFinished) this.#loop.sockets.endSending(end.descriptor);
    this.#closeIfDone();
    if (!this.#isClosed) this.#loop.again(this);
  }

  #noteProgress(end: End<Relay>): void {
    if (end !== this.#peer) return;
    this.blockedSinceMs = this.#loop.now();
    if (this.state === "lingering") this.phaseSinceMs = this.blockedSinceMs;
  }

  /** Sends what waits while the peer accepts it. */
  #writeWaiting(): void {
    const waiting = this.#waiting;
    if (this.#peer.queue === undefined) this.#loop.unblocked(this);
    for (let writes = 0; writes < WRITES_PER_TURN; writes++) {
      if (this.#isClosed || waiting.isEmpty || this.#peer.queue !== undefined) return;
      const { pointer, bytes } = waiting.next(READ_BYTES);
      if (!this.#session.write(pointer, bytes)) return this.close();
      waiting.passed(bytes);
      this.#seal();
    }
    this.#loop.again(this);
  }

  #broken(end: End<Relay>): void {
    if (end === this.#peer) this.close();
    else this.#linger();
  }
}

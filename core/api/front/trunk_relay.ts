import { EPOLL } from "../../lib/linux/epoll.ts";
import type { Memory, Pointer } from "../../lib/linux/memory.ts";
import { ERRNO } from "../../lib/linux/sockets.ts";
import { BROKEN, CLOSED_BY_PEER, type TlsSession } from "../../lib/linux/tls_session.ts";
import { LINGER_BYTES_MAX, SILENT_BYTES_MAX } from "./limits.ts";
import { End, PEER_READ_BYTES, RECORD_BYTES_MAX, type RelayLoop } from "./relay_loop.ts";
import type { TrunkEnd, TrunkRider } from "./trunk_end.ts";

const READS_PER_TURN = 4;
const WATCHED = EPOLL.in | EPOLL.out | EPOLL.peerEnded | EPOLL.edge;
/** After how many bytes that the peer has taken the server is told. */
const TOLD_BYTES = 64 * 1024;

/** What a relay hands over. */
export interface Detached {
  session: TlsSession;
  descriptor: number;
  id: number;
}

type Loop = Omit<RelayLoop<TrunkRelay>, "opened" | "hasBroadcasts" | "readBroadcasts">;

/** One connection that is a tunnel: TLS on the peer's side, a part of the trunk on the server's. Costs one descriptor. */
export class TrunkRelay implements TrunkRider {
  state: "open" | "lingering" | "closed" = "open";
  phaseSinceMs: number;
  blockedSinceMs = 0;
  isQueued = false;
  isPaused = false;
  readonly id: number;
  readonly #loop: Loop;
  readonly #trunk: TrunkEnd;
  readonly #session: TlsSession;
  readonly #peer: End<TrunkRelay>;
  /** Written by the server: what the peer's system has taken and the server does not know; what waits here. */
  #takenBytes = 0;
  #waitingBytes = 0;
  #lingerBytes = 0;

  constructor(
    loop: Loop,
    trunk: TrunkEnd,
    { session, descriptor, id }: Detached,
  ) {
    this.#loop = loop;
    this.#trunk = trunk;
    this.#session = session;
    this.id = id;
    this.phaseSinceMs = loop.now();
    this.#peer = new End(this, descriptor);
    loop.epoll.add(descriptor, this.#peer, WATCHED);
  }

  happened(end: End<TrunkRelay>, mask: number): void {
    if (this.#isClosed) return;
    if ((mask & EPOLL.out) !== 0 && end.queue !== undefined) this.#flush();
    if ((mask & ~EPOLL.out) === 0 || this.#isClosed) return;
    end.isReadable = true;
    if ((mask & ~(EPOLL.out | EPOLL.in)) !== 0) end.isEnding = true;
    if ((mask & EPOLL.error) !== 0) return this.close();
    this.goOn();
  }

  /** Reads the peer, while there is room for its bytes. */
  goOn(): void {
    const { sockets, sealed } = this.#loop;
    const peer = this.#peer;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (!this.#mayRead()) return;
      const read = sockets.receive(peer.descriptor, sealed.pointer, PEER_READ_BYTES);
      if (read < 0 && sockets.errno === ERRNO.EINTR) continue;
      if (read < 0 && sockets.errno === ERRNO.EAGAIN) {
        peer.isReadable = false;
        return;
      }
      if (read <= 0) return this.close();
      if (this.state === "lingering") this.#drop(read);
      else this.#open(read);
      if (this.#isClosed) return;
      if (read < PEER_READ_BYTES && !peer.isEnding) {
        peer.isReadable = false;
        return;
      }
    }
    this.#loop.again(this);
  }

  write(from: Pointer, bytes: number): void {
    if (this.state !== "open") return;
    if (!this.#session.write(from, bytes)) return this.close();
    this.#waitingBytes += bytes;
    this.#seal();
    this.#note();
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "lingering";
    this.phaseSinceMs = this.#loop.now();
    this.#session.end();
    this.#seal();
    if (this.#isClosed) return;
    if (this.#peer.queue === undefined) this.#loop.sockets.endSending(this.#peer.descriptor);
    this.isPaused = false;
    this.#loop.lingers(this);
    this.goOn();
  }

  close(): void {
    if (this.#isClosed) return;
    this.state = "closed";
    const { sockets, epoll, pieces } = this.#loop;
    pieces.give(this.#peer.queue ?? []);
    this.#peer.queue = undefined;
    epoll.forget(this.#peer.descriptor);
    sockets.close(this.#peer.descriptor);
    this.#session.free();
    this.#trunk.left(this.id, this);
    this.#loop.closed(this);
  }

  /** To be read again after each call that may close it. */
  get #isClosed(): boolean {
    return this.state === "closed";
  }

  #mayRead(): boolean {
    if (this.#isClosed || this.isPaused || !this.#peer.isReadable) return false;
    return this.state === "lingering" || this.#trunk.hasRoomFor(this);
  }

  #drop(read: number): void {
    this.#lingerBytes += read;
    if (this.#lingerBytes > LINGER_BYTES_MAX) this.close();
  }

  /** Decrypts what was received, and passes it on. */
  #open(received: number): void {
    const { plain, sealed } = this.#loop;
    const session = this.#session;
    session.feed(sealed.pointer, received);
    let read: number;
    do {
      read = session.read(plain.pointer, RECORD_BYTES_MAX);
      if (read > 0) this.#trunk.data(this.id, plain, read);
    } while (read > 0 && session.hasMore);
    if (read > 0) return;
    this.#seal(); // alerts, key updates
    const isSilent = session.silentBytes > SILENT_BYTES_MAX;
    if (isSilent || read === CLOSED_BY_PEER || read === BROKEN) this.close();
  }

  #seal(): void {
    const { sealed } = this.#loop;
    for (;;) {
      if (this.#isClosed) return;
      const bytes = this.#session.out(sealed.pointer, sealed.size);
      if (bytes > 0) this.#put(sealed, bytes);
      if (bytes < sealed.size) return;
    }
  }

  #put(from: Memory, bytes: number): void {
    const { pieces, sockets } = this.#loop;
    const peer = this.#peer;
    if (peer.queue !== undefined) return void peer.queue.push(pieces.take(from, 0, bytes));
    const sent = sockets.send(peer.descriptor, from.pointer, bytes);
    if (sent === bytes) return;
    if (sent < 0 && !sockets.isOnlyFull) return this.close();
    peer.queue = [pieces.take(from, Math.max(0, sent), bytes)];
    this.blockedSinceMs = this.#loop.now();
    this.#loop.blocked(this);
  }

  #flush(): void {
    const { sockets, pieces } = this.#loop;
    const peer = this.#peer;
    while (peer.queue !== undefined) {
      const first = peer.queue[0]!;
      const length = first.end - first.start;
      const sent = sockets.send(peer.descriptor, first.memory.at(first.start), length);
      if (sent < 0 && !sockets.isOnlyFull) return this.close();
      if (sent > 0) this.blockedSinceMs = this.#loop.now();
      if (sent !== length) {
        first.start += Math.max(0, sent);
        return;
      }
      pieces.give(peer.queue.splice(0, 1));
      if (peer.queue.length === 0) peer.queue = undefined;
    }
    this.#loop.unblocked(this);
    this.#note();
    if (this.state === "lingering") sockets.endSending(peer.descriptor);
  }

  /** Tells the server, now and then, that its bytes have been taken. */
  #note(): void {
    if (this.#isClosed || this.#peer.queue !== undefined) return;
    this.#takenBytes += this.#waitingBytes;
    this.#waitingBytes = 0;
    if (this.#takenBytes < TOLD_BYTES) return;
    this.#trunk.drained(this.id, this.#takenBytes);
    this.#takenBytes = 0;
  }
}

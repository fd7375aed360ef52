import { EPOLL } from "../../lib/linux/epoll.ts";
import { Memory, type Pointer } from "../../lib/linux/memory.ts";
import { ERRNO, type Sockets } from "../../lib/linux/sockets.ts";
import {
  FROM_THREAD,
  TO_THREAD,
  TRUNK_DATA_BYTES_MAX,
  TRUNK_HEAD_BYTES,
  trunkHead,
  writeTrunkHead,
} from "./trunk_frames.ts";

/** What waits for the server at most; beyond half of it, no peer is read. */
const OUT_BYTES = 512 * 1024;
const IN_BYTES = 2 * (TRUNK_DATA_BYTES_MAX + TRUNK_HEAD_BYTES);
/** Reads in a row, before the connections get a turn. */
const READS_PER_TURN = 4;

/** A connection whose bytes come and go by the trunk. */
export interface TrunkRider {
  write(from: Pointer, bytes: number): void;
  /** The server has no more to say. */
  end(): void;
  isPaused: boolean;
  /** There is room again, or it is to be read again. */
  goOn(): void;
}

export interface TrunkHost {
  /** Hands a connection over to the trunk; `undefined`: it is gone. */
  adopt(connection: number): TrunkRider | undefined;
}

/** The TLS thread's end of the trunk: one stream to the server for all connections that are tunnels. */
export class TrunkEnd {
  readonly descriptor: number;
  readonly #sockets: Sockets;
  readonly #host: TrunkHost;
  readonly #riders = new Map<number, TrunkRider>();
  readonly #waiting = new Set<TrunkRider>();
  readonly #in = new Memory(IN_BYTES);
  #inUsed = 0;
  readonly #out = new Memory(OUT_BYTES);
  #outFrom = 0;
  #outTo = 0;
  #isReadable = false;
  #isWritable = true;

  constructor(sockets: Sockets, descriptor: number, host: TrunkHost) {
    this.#sockets = sockets;
    this.descriptor = descriptor;
    this.#host = host;
  }

  /** Whether it has more to read now. */
  get isReadable(): boolean {
    return this.#isReadable;
  }

  happened(mask: number): void {
    if ((mask & EPOLL.out) !== 0) this.#isWritable = true;
    if ((mask & ~EPOLL.out) !== 0) this.#isReadable = true;
  }

  /** Reads what the server has sent, and sends what waits. */
  turn(): void {
    for (let reads = 0; reads < READS_PER_TURN && this.#isReadable; reads++) this.#read();
    this.flush();
  }

  /** Whether a peer may be read whose bytes would follow. */
  hasRoomFor(rider: TrunkRider): boolean {
    if (this.#outTo - this.#outFrom <= OUT_BYTES / 2) return true;
    this.#waiting.add(rider);
    return false;
  }

  /** Bytes of a peer, at most half of what waits at most. */
  data(connection: number, from: Memory, bytes: number): void {
    for (let at = 0; at < bytes;) {
      const length = Math.min(TRUNK_DATA_BYTES_MAX, bytes - at);
      const to = this.#append(FROM_THREAD.data, connection, length);
      this.#out.bytes.set(from.bytes.subarray(at, at + length), to);
      at += length;
    }
  }

  drained(connection: number, bytes: number): void {
    const at = this.#append(FROM_THREAD.drained, connection, 4);
    new DataView(this.#out.bytes.buffer).setUint32(at, bytes);
  }

  /** It is gone. */
  left(connection: number, rider: TrunkRider): void {
    this.#waiting.delete(rider);
    if (this.#riders.delete(connection)) this.#append(FROM_THREAD.closed, connection, 0);
  }

  flush(): void {
    const { descriptor } = this;
    while (this.#outFrom < this.#outTo && this.#isWritable) {
      const from = this.#out.at(this.#outFrom);
      const sent = this.#sockets.send(descriptor, from, this.#outTo - this.#outFrom);
      if (sent > 0) this.#outFrom += sent;
      else this.#isWritable = false;
    }
    if (this.#outFrom === this.#outTo) this.#outFrom = this.#outTo = 0;
    if (this.#outTo - this.#outFrom > OUT_BYTES / 4 || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const rider of waiting) rider.goOn();
  }

  /** Returns where the payload goes. */
  #append(type: number, connection: number, length: number): number {
    const needed = TRUNK_HEAD_BYTES + length;
    if (this.#outTo + needed > OUT_BYTES) {
      this.#out.bytes.copyWithin(0, this.#outFrom, this.#outTo);
      this.#outTo -= this.#outFrom;
      this.#outFrom = 0;
    }
    if (this.#outTo + needed > OUT_BYTES) throw new Error("the server does not read the trunk");
    writeTrunkHead(this.#out.bytes, this.#outTo, { type, length, connection });
    const at = this.#outTo + TRUNK_HEAD_BYTES;
    this.#outTo += needed;
    return at;
  }

  #read(): void {
    const room = IN_BYTES - this.#inUsed;
    const read = this.#sockets.receive(this.descriptor, this.#in.at(this.#inUsed), room);
    if (read < 0 && this.#sockets.errno === ERRNO.EINTR) return;
    if (read <= 0) {
      this.#isReadable = false;
      return;
    }
    this.#inUsed += read;
    let at = 0;
    while (this.#inUsed - at >= TRUNK_HEAD_BYTES) {
      const { type, length, connection } = trunkHead(this.#in.bytes, at);
      if (length > TRUNK_DATA_BYTES_MAX) throw new Error(`a trunk frame of ${length} bytes`);
      if (this.#inUsed - at < TRUNK_HEAD_BYTES + length) break;
      this.#obey(type, connection, { at: at + TRUNK_HEAD_BYTES, length });
      at += TRUNK_HEAD_BYTES + length;
    }
    this.#in.bytes.copyWithin(0, at, this.#inUsed);
    this.#inUsed -= at;
  }

  #obey(type: number, connection: number, payload: { at: number; length: number }): void {
    if (type === TO_THREAD.adopt) return this.#adopt(connection);
    const rider = this.#riders.get(connection);
    if (!rider) return; // it has left meanwhile
    switch (type) {
      case TO_THREAD.data:
        return rider.write(this.#in.at(payload.at), payload.length);
      case TO_THREAD.close:
        return rider.end();
      case TO_THREAD.pause:
        rider.isPaused = true;
        return;
      case TO_THREAD.resume:
        rider.isPaused = false;
        return rider.goOn();
    }
  }

  #adopt(connection: number): void {
    const rider = this.#host.adopt(connection);
    if (rider) this.#riders.set(connection, rider);
    this.#append(rider ? FROM_THREAD.adopted : FROM_THREAD.closed, connection, 0);
  }
}

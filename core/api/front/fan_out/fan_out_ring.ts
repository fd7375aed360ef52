import type { FanOut } from "../../http/fan_out.ts";
import { Loans, loanWords } from "./loans.ts";

/** Bytes the thread has not read yet. */
const RING_BYTES = 4 * 1024 * 1024;
/** Of one broadcast; longer ones are split. */
const BROADCAST_BYTES_MAX = 64 * 1024;
/** Bytes waiting for room in the ring. Beyond that, their receivers are disconnected. */
export const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
const WORD = 4;
/** The header's words: read position, write position, whether the reader sleeps, whether the writer waits for room. */
const [READ, WRITTEN, IS_ASLEEP, IS_WAITED_FOR] = [0, 1, 2, 3];
const HEADER_WORDS = 4;
/** A broadcast: length in words, number of connections, number of bytes; then the connections, then the bytes. */
const BROADCAST_WORDS = 3;
/** In place of a broadcast's length: continue at the start of the ring. */
const WRAP = 0;

/** Shared memory for both ends of a ring; `bytes`: at least one broadcast of {@linkcode BROADCAST_BYTES_MAX}. */
export function ringMemory(bytes = RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_WORDS * WORD + bytes);
}

interface Broadcast {
  connections: readonly number[];
  parts: readonly Uint8Array[];
  bytes: number;
}

/** A broadcast that waits for room, or a callback for when everything before it is in the ring. */
type Waiting = Broadcast | (() => void);

export interface RingWriterOptions {
  memory: SharedArrayBuffer;
  /** Wakes the reader. */
  wake: () => void;
  /** The backlog is full: these connections have lost bytes and must be closed. */
  onLost: (connections: readonly number[]) => void;
}

/** The writer, on the main thread. Writer and reader never block each other. */
export class RingWriter implements FanOut {
  readonly #options: RingWriterOptions;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #backlog: Waiting[] = [];
  #backlogBytes = 0;
  readonly #loans = new Loans();
  #isClosed = false;

  constructor(options: RingWriterOptions) {
    this.#options = options;
    ({ header: this.#header, words: this.#words, bytes: this.#bytes } = viewsOf(options.memory));
  }

  /** Encoded as a broadcast without bytes to the connection and the count. */
  enter(connection: number, socketBytes: number): void {
    this.#write({ connections: [connection, socketBytes % 2 ** 32], parts: [], bytes: 0 });
    this.#wake();
  }

  write(connections: readonly number[], parts: readonly Uint8Array[]): void {
    for (const piece of piecesOf(parts)) this.#write({ connections, ...piece });
    this.#wake();
  }

  get hasRoomToLend(): boolean {
    return !this.#isClosed && this.#loans.hasRoom;
  }

  /** Encoded as a broadcast without bytes to the words of the loan. */
  lend(connection: number, bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const { loan, returned } = this.#loans.lend(bytes);
    this.#write({ connections: loanWords(connection, loan), parts: [], bytes: 0 });
    this.#wake();
    return returned;
  }

  /** The reader has no more use for what was lent. */
  returned(loans: readonly number[]): void {
    for (const loan of loans) this.#loans.return(loan);
  }

  afterWrites(act: () => void): void {
    if (this.#backlog.length === 0) act();
    else this.#backlog.push(act);
  }

  /** Writes what waits: the reader has made room. */
  goOn(): void {
    do {
      while (this.#backlog.length > 0 && this.#fits(this.#backlog[0]!)) {
        this.#take(this.#backlog.shift()!);
      }
      if (this.#backlog.length === 0) break;
      Atomics.store(this.#header, IS_WAITED_FOR, 1);
    } while (this.#fits(this.#backlog[0]!)); // room was made meanwhile
    this.#wake();
  }

  /** The reader is gone: drops everything written from now on. */
  close(): void {
    this.#isClosed = true;
    this.#loans.returnAll();
    const backlog = this.#backlog.splice(0);
    this.#backlogBytes = 0;
    for (const waiting of backlog) if (typeof waiting === "function") waiting();
  }

  #take(waiting: Waiting): void {
    if (typeof waiting === "function") return waiting();
    this.#backlogBytes -= waiting.bytes;
    this.#put(waiting);
  }

  #write(broadcast: Broadcast): void {
    if (this.#isClosed) return;
    if (this.#backlog.length === 0 && this.#fits(broadcast)) return this.#put(broadcast);
    if (this.#backlogBytes + broadcast.bytes > BACKLOG_BYTES_MAX) {
      return this.#options.onLost(broadcast.connections);
    }
    // Copied: the caller may reuse its bytes once this returns.
    this.#backlog.push({ ...broadcast, parts: broadcast.parts.map((part) => part.slice()) });
    this.#backlogBytes += broadcast.bytes;
    this.goOn();
  }

  /** Whether there is contiguous room, with one word to spare so that full and empty differ. */
  #fits(waiting: Waiting): boolean {
    if (typeof waiting === "function") return true;
    const { connections, bytes } = waiting;
    const words = wordsOf(connections.length, bytes);
    const read = Atomics.load(this.#header, READ);
    const written = Atomics.load(this.#header, WRITTEN);
    const size = this.#words.length;
    if (written < read) return written + words < read;
    return written + words < size || words < read;
  }

  #put({ connections, parts, bytes }: Broadcast): void {
    const words = wordsOf(connections.length, bytes);
    let at = Atomics.load(this.#header, WRITTEN);
    if (at + words >= this.#words.length) {
      this.#words[at] = WRAP;
      at = 0;
    }
    this.#words[at] = words;
    this.#words[at + 1] = connections.length;
    this.#words[at + 2] = bytes;
    this.#words.set(connections, at + BROADCAST_WORDS);
    let byte = (at + BROADCAST_WORDS + connections.length) * WORD;
    for (const part of parts) {
      this.#bytes.set(part, byte);
      byte += part.length;
    }
    Atomics.store(this.#header, WRITTEN, at + words);
  }

  #wake(): void {
    if (Atomics.exchange(this.#header, IS_ASLEEP, 0) === 1) this.#options.wake();
  }
}

/** Where a broadcast's bytes are, valid until the next one is read. */
export interface RingBroadcast {
  connections: Uint32Array;
  /** Offset in the ring's bytes. */
  start: number;
  length: number;
}

/** The reader, on the TLS thread. */
export class RingReader {
  /** The ring's bytes, which broadcasts refer to. */
  readonly bytes: Uint8Array;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;

  constructor(memory: SharedArrayBuffer) {
    ({ header: this.#header, words: this.#words, bytes: this.bytes } = viewsOf(memory));
  }

  /**
   * Calls `act` for each broadcast in the ring, but stops after `deliveriesMax` deliveries to connections. Returns whether
   * the writer waits for room.
   */
  readAll(act: (broadcast: RingBroadcast) => void, deliveriesMax = Infinity): boolean {
    const end = Atomics.load(this.#header, WRITTEN);
    let deliveries = 0;
    for (;;) {
      let at = Atomics.load(this.#header, READ);
      if (at === end || deliveries >= deliveriesMax) break;
      if (this.#words[at] === WRAP) at = 0;
      const count = this.#words[at + 1]!;
      const first = at + BROADCAST_WORDS;
      act({
        connections: this.#words.subarray(first, first + count),
        start: (first + count) * WORD,
        length: this.#words[at + 2]!,
      });
      deliveries += count;
      Atomics.store(this.#header, READ, at + this.#words[at]!);
    }
    return Atomics.exchange(this.#header, IS_WAITED_FOR, 0) === 1;
  }

  get hasMore(): boolean {
    return Atomics.load(this.#header, READ) !== Atomics.load(this.#header, WRITTEN);
  }

  /** Announces that the thread is about to sleep. Returns false when there is something to read. */
  mayFallAsleep(): boolean {
    Atomics.store(this.#header, IS_ASLEEP, 1);
    if (!this.hasMore) return true;
    Atomics.store(this.#header, IS_ASLEEP, 0);
    return false;
  }

  wokeUp(): void {
    Atomics.store(this.#header, IS_ASLEEP, 0);
  }
}

function viewsOf(memory: SharedArrayBuffer) {
  return {
    header: new Int32Array(memory, 0, HEADER_WORDS),
    words: new Uint32Array(memory, HEADER_WORDS * WORD),
    bytes: new Uint8Array(memory, HEADER_WORDS * WORD),
  };
}

function wordsOf(connections: number, bytes: number): number {
  return BROADCAST_WORDS + connections + Math.ceil(bytes / WORD);
}

/** Joins and splits the parts into broadcasts of the greatest length. */
function* piecesOf(parts: readonly Uint8Array[]): Iterable<Pick<Broadcast, "parts" | "bytes">> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      const taken = Math.min(part.length - at, BROADCAST_BYTES_MAX - bytes);
      group.push(taken === part.length ? part : part.subarray(at, at + taken));
      bytes += taken;
      at += taken;
      if (bytes < BROADCAST_BYTES_MAX) continue;
      yield { parts: group, bytes };
      group = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield { parts: group, bytes };
}

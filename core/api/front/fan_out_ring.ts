import type { FanOut } from "../http/fan_out.ts";

/** What the thread has not read yet. */
const RING_BYTES = 4 * 1024 * 1024;
/** Of one broadcast; what is longer becomes several. */
const BROADCAST_BYTES_MAX = 64 * 1024;
/** What waits here for room in the ring. Beyond, those who were to get it are cut off. */
export const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
const WORD = 4;
/** Words before the ring: where the next broadcast begins that is read, that is written; who waits for whom. */
const [READ, WRITTEN, IS_ASLEEP, IS_WAITED_FOR] = [0, 1, 2, 3];
const HEADER_WORDS = 4;
/** A broadcast: its words, how many connections, how many bytes; then the connections, then the bytes. */
const BROADCAST_WORDS = 3;
/** Instead of a broadcast's words: go on at the beginning. */
const WRAP = 0;

/** Memory for the two ends of a ring. It takes broadcasts of {@linkcode BROADCAST_BYTES_MAX}, so that fewer bytes are of no use. */
export function ringMemory(bytes = RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_WORDS * WORD + bytes);
}

interface Broadcast {
  connections: readonly number[];
  parts: readonly Uint8Array[];
  bytes: number;
}

/** What waits for room: a broadcast, or what is to happen once all before it is in the ring. */
type Waiting = Broadcast | (() => void);

export interface RingWriterOptions {
  memory: SharedArrayBuffer;
  /** Wakes the reader. */
  wake: () => void;
  /** More waits than may: these connections have lost bytes, and must be closed. */
  onLost: (connections: readonly number[]) => void;
}

/** The end of the main thread: one writes, one reads, and neither waits for the other. */
export class RingWriter implements FanOut {
  readonly #options: RingWriterOptions;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #backlog: Waiting[] = [];
  #backlogBytes = 0;
  #isClosed = false;

  constructor(options: RingWriterOptions) {
    this.#options = options;
    ({ header: this.#header, words: this.#words, bytes: this.#bytes } = viewsOf(options.memory));
  }

  /** A broadcast without bytes: the connection, and the count. */
  enter(connection: number, socketBytes: number): void {
    this.#write({ connections: [connection, socketBytes % 2 ** 32], parts: [], bytes: 0 });
    this.#wake();
  }

  write(connections: readonly number[], parts: readonly Uint8Array[]): void {
    for (const piece of piecesOf(parts)) this.#write({ connections, ...piece });
    this.#wake();
  }

  afterWrites(act: () => void): void {
    if (this.#backlog.length === 0) act();
    else this.#backlog.push(act);
  }

  /** The reader has made room. */
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

  /** The reader is gone. What is still written is dropped. */
  close(): void {
    this.#isClosed = true;
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
    // What waits must not change, and belongs to the writer only until it returns.
    this.#backlog.push({ ...broadcast, parts: broadcast.parts.map((part) => part.slice()) });
    this.#backlogBytes += broadcast.bytes;
    this.goOn();
  }

  /** Whether there is room: in one piece, and with a word to spare, so that full and empty differ. */
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

/** Where a broadcast's bytes lie, until the next one is read. */
export interface RingBroadcast {
  connections: Uint32Array;
  /** Of the ring's bytes. */
  start: number;
  length: number;
}

/** The end of the thread. */
export class RingReader {
  /** All of the ring, for whoever reads a broadcast. */
  readonly bytes: Uint8Array;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;

  constructor(memory: SharedArrayBuffer) {
    ({ header: this.#header, words: this.#words, bytes: this.bytes } = viewsOf(memory));
  }

  /**
   * Hands the broadcasts that are there to `act`; ends early after so many deliveries to connections. Returns whether the
   * writer waits for the room that was made.
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

  /** Announces that the thread is about to sleep. False: there is something to read. */
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

/** The parts, joined and cut into broadcasts that are as long as they may be. */
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

import { KeyMap } from "../key_map.ts";
import { PackedBytes } from "./packed_bytes.ts";
import type { Key, Revision } from "../store.ts";
import {
  type NumberedSegment,
  readSegment,
  recordBytes,
  type Segment,
  type SegmentRecord,
  SegmentWriter,
} from "./segment.ts";

/** Dead bytes that the log may hold however little lives. */
export const SLACK_BYTES = 8 * 1024 * 1024;
/** A trimmed log holds at most so many dead bytes for each live byte. */
const TRIMMED_DEAD_SHARE_MAX = 1 / 4;
/** Cleaning waits until this much is due, so that many small commits share one cleaning. */
export const CLEANING_BYTES_MIN = 128 * 1024;
/** So much of the end of the log is never cleaned, for servers that follow it and lag behind. */
export const FOLLOWED_BYTES = SLACK_BYTES / 2;
/** How many bytes may be copied for each byte written, while the log is too long. */
const COPIED_PER_WRITTEN = 2;
/** What dropping a segment costs besides its copies: its pages are freed one by one. */
const DROPPED_BYTES_SHARE = 1 / 16;
const DROPPED_BYTES_MIN = 512;
const DROPPED_MAX = 256;

/** One atomic change of the log on disk. */
export interface LogStep {
  readonly revision: Revision;
  readonly added: readonly NumberedSegment[];
  /** Numbers of segments without live records once `added` is there. */
  readonly dropped: readonly number[];
  /** The records in the new segments, each with the number of its segment. */
  readonly placed: readonly (readonly [SegmentRecord, number])[];
  /** How much cleaning is due after it. */
  readonly owedBytes: number;
}

/** How much a step writes, and how much it may copy as well. */
interface Room {
  readonly writtenBytes: number;
  readonly freeBytes: number;
}

interface Cleaning {
  readonly copied: readonly SegmentRecord[];
  readonly dropped: readonly number[];
  readonly owedBytes: number;
}

const NO_CLEANING = { copied: [], dropped: [] } as const;

/** A segment that may be dropped, and its live records. */
interface Candidate {
  readonly number: number;
  readonly kept: readonly SegmentRecord[];
}

/** What is known of a segment. */
interface Extent {
  readonly bytes: number;
  /** Where it ends, in bytes of all segments that there ever were. */
  readonly end: number;
  /** Of its records. */
  liveCount: number;
  /** A removal may hide a record in an older segment. */
  hasRemoval: boolean;
}

/** The newest record of a key, in the order of the log. */
interface Live extends SegmentRecord {
  readonly segment: number;
  older: Live | undefined;
  newer: Live | undefined;
}

/**
 * The contents of a circular log, and what to write to it next. It only decides: a planned step takes effect with `take`.
 *
 * A key's newest record lives, all older ones are dead. Once more is dead than lives (and more than `SLACK_BYTES`),
 * each step also drops segments in which nothing lives, wherever they are, so that what is never written is not
 * copied for what is written all the time. Where those do not suffice, it copies what lives in the oldest segments
 * to its own end, so that they can go. A removal in the oldest segment needs no copy: nothing older is left that it
 * could hide; any other segment with a removal stays. Copying is paid for by the bytes written, so that a log that
 * nobody writes to is left alone, and the whole log never takes more than 2.5 times what lives, and `SLACK_BYTES`,
 * and what cleaning owes.
 */
export class SegmentLog {
  readonly #live = new KeyMap<Live>();
  #oldest: Live | undefined;
  #newest: Live | undefined;
  /** By number, the oldest first. */
  readonly #segments = new Map<number, Extent>();
  /** Numbers of segments that hold nothing that is needed. */
  readonly #dead = new Set<number>();
  #next = 0;
  #end = 0;
  #bytes = 0;
  #liveBytes = 0;
  #owedBytes = 0;

  /**
   * From the rows of a log, the newest first. Keeps copies of what lives, and takes the memory of the rows, which are
   * empty afterwards: else it would hold all of it until the next collection of garbage.
   */
  static async read(
    rows: AsyncIterable<NumberedSegment>,
  ): Promise<{ log: SegmentLog; revision: Revision }> {
    const log = new SegmentLog();
    const packed = new PackedBytes();
    const shared = keySharing();
    const gone = new KeyMap<true>();
    const extents: [number, Omit<Extent, "end">][] = [];
    let revision: Revision = 0;
    for await (const { number, bytes } of rows) {
      const segment = readNumbered(number, bytes);
      revision = Math.max(revision, segment.revision);
      log.#next = Math.max(log.#next, number + 1);
      const extent = { bytes: bytes.length, liveCount: 0, hasRemoval: false };
      extents.push([number, extent]);
      for (const record of segment.records) {
        if (record.kind === "gone") extent.hasRemoval = true;
        if (gone.has(record.key) || log.#live.has(record.key)) continue;
        const { kind, bytes } = record;
        const key = shared(record.key);
        if (kind === "gone") gone.set(key, true);
        else {
          log.#putOldest({ key, kind, bytes: packed.copyOf(bytes) }, number);
          extent.liveCount++;
        }
      }
      if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
    }
    for (const [number, extent] of extents.toReversed()) {
      log.#addSegment(number, extent);
      log.#noteIfDead(number);
    }
    return { log, revision };
  }

  /** Number of the segment that comes next. */
  get next(): number {
    return this.#next;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the records that live. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The newest record of each key, the least recently written first. */
  *records(): Iterable<SegmentRecord> {
    for (let live = this.#oldest; live; live = live.newer) yield live;
  }

  get(key: Key): SegmentRecord | undefined {
    return this.#live.get(key);
  }

  /** The step that makes the records part of the log. `bytesMax`: of its segments. */
  plan(revision: Revision, records: readonly SegmentRecord[], bytesMax: number): LogStep {
    const writtenBytes = bytesOf(records);
    const freeBytes = bytesMax - writtenBytes;
    return this.#step(revision, records, this.#cleaning(records, { writtenBytes, freeBytes }));
  }

  #step(
    revision: Revision,
    records: readonly SegmentRecord[],
    { copied, dropped, owedBytes }: Cleaning,
  ): LogStep {
    const writer = new SegmentWriter(revision);
    const placed: [SegmentRecord, number][] = [];
    const place = (record: SegmentRecord) => {
      placed.push([record, this.#next + writer.add(record)]);
    };
    records.forEach(place);
    copied.forEach(place);
    const added = writer.finish().map((bytes, index) => ({ number: this.#next + index, bytes }));
    return { revision, added, placed, dropped, owedBytes };
  }

  /** Whether so much cleaning is due that it needs a step of its own, without records. */
  isBehind(bytes: number): boolean {
    return this.#owedBytes > bytes;
  }

  /**
   * A step that only cleans, as much as fits, however little was written; `undefined` when the log is short enough.
   * `slackBytes`: how many dead bytes it may always hold. With less than the default, at most a quarter as much may be
   * dead as lives.
   */
  planTrim(
    revision: Revision,
    bytesMax: number,
    slackBytes = SLACK_BYTES,
  ): LogStep | undefined {
    const excessBytes = this.#excessBytes(0, slackBytes);
    if (excessBytes <= 0) return undefined;
    const owedBytes = Math.max(this.#owedBytes, bytesMax);
    const cleaning = this.#clean(new Set(), { excessBytes, owedBytes, freeBytes: bytesMax });
    return cleaning.dropped.length > 0 ? this.#step(revision, [], cleaning) : undefined;
  }

  /** Applies a step that is durable. It must be the one that was planned last. */
  take({ added, dropped, placed, owedBytes }: LogStep): void {
    for (const { number, bytes } of added) {
      this.#addSegment(number, { bytes: bytes.length, liveCount: 0, hasRemoval: false });
    }
    for (const [record, number] of placed) this.#put(record, number);
    for (const { number } of added) this.#noteIfDead(number);
    for (const number of dropped) this.#dropSegment(number);
    this.#next += added.length;
    this.#owedBytes = owedBytes;
  }

  /** What to copy and which segments to drop, along with the records that are written. */
  #cleaning(records: readonly SegmentRecord[], room: Room): Cleaning {
    const excessBytes = this.#excessBytes(room.writtenBytes);
    if (excessBytes <= 0) return { ...NO_CLEANING, owedBytes: 0 };
    const owedBytes = this.#owedBytes + room.writtenBytes * COPIED_PER_WRITTEN;
    if (owedBytes < CLEANING_BYTES_MIN) return { ...NO_CLEANING, owedBytes };
    const replaced = new Set(records.map(({ key }) => this.#live.get(key)));
    return this.#clean(replaced, { excessBytes, owedBytes, freeBytes: room.freeBytes });
  }

  #excessBytes(writtenBytes: number, slackBytes = SLACK_BYTES): number {
    const share = slackBytes < SLACK_BYTES ? TRIMMED_DEAD_SHARE_MAX : 1;
    const deadBytesMax = Math.max(share * this.#liveBytes, slackBytes);
    return this.#bytes + writtenBytes - this.#liveBytes - deadBytesMax;
  }

  #clean(
    replaced: ReadonlySet<Live | undefined>,
    { excessBytes, owedBytes, freeBytes }: {
      excessBytes: number;
      owedBytes: number;
      freeBytes: number;
    },
  ): Cleaning {
    const copied: SegmentRecord[] = [];
    const dropped: number[] = [];
    let excess = excessBytes;
    let spent = 0;
    for (const { number, kept } of this.#candidates(replaced)) {
      if (excess <= 0 || dropped.length === DROPPED_MAX) break;
      const { bytes } = this.#segments.get(number)!;
      const keptBytes = bytesOf(kept);
      const cost = keptBytes + Math.max(DROPPED_BYTES_MIN, bytes * DROPPED_BYTES_SHARE);
      if (spent + cost > Math.min(owedBytes, freeBytes)) break;
      spent += cost;
      excess -= bytes - keptBytes;
      copied.push(...kept);
      dropped.push(number);
    }
    return { copied, dropped, owedBytes: excess <= 0 ? 0 : owedBytes - spent };
  }

  /** The cheapest first: segments without live records, then the others from the oldest on. */
  *#candidates(replaced: ReadonlySet<Live | undefined>): Iterable<Candidate> {
    for (const number of this.#dead) if (!this.#isFollowed(number)) yield { number, kept: [] };
    let live = this.#oldest;
    for (const number of this.#segments.keys()) {
      if (this.#dead.has(number) && !this.#isFollowed(number)) continue;
      const kept: SegmentRecord[] = [];
      for (; live?.segment === number; live = live.newer) {
        if (!replaced.has(live)) kept.push(live);
      }
      yield { number, kept };
    }
  }

  #isFollowed(segment: number): boolean {
    return this.#end - this.#segments.get(segment)!.end < FOLLOWED_BYTES;
  }

  #put(record: SegmentRecord, segment: number): void {
    this.#remove(record.key);
    const { key, kind, bytes } = record;
    const extent = this.#segments.get(segment)!;
    if (kind === "gone") {
      extent.hasRemoval = true;
      return;
    }
    extent.liveCount++;
    const live: Live = { key, kind, bytes, segment, older: this.#newest, newer: undefined };
    if (this.#newest) this.#newest.newer = live;
    else this.#oldest = live;
    this.#newest = live;
    this.#live.set(key, live);
    this.#liveBytes += recordBytes(live);
  }

  #putOldest({ key, kind, bytes }: SegmentRecord, segment: number): void {
    const live: Live = { key, kind, bytes, segment, older: undefined, newer: this.#oldest };
    if (this.#oldest) this.#oldest.older = live;
    else this.#newest = live;
    this.#oldest = live;
    this.#live.set(key, live);
    this.#liveBytes += recordBytes(live);
  }

  #remove(key: Key): void {
    const live = this.#live.get(key);
    if (!live) return;
    if (live.older) live.older.newer = live.newer;
    else this.#oldest = live.newer;
    if (live.newer) live.newer.older = live.older;
    else this.#newest = live.older;
    this.#live.delete(key);
    this.#liveBytes -= recordBytes(live);
    this.#segments.get(live.segment)!.liveCount--;
    this.#noteIfDead(live.segment);
  }

  #addSegment(number: number, extent: Omit<Extent, "end">): void {
    this.#end += extent.bytes;
    this.#bytes += extent.bytes;
    this.#segments.set(number, { ...extent, end: this.#end });
  }

  #noteIfDead(segment: number): void {
    const { liveCount, hasRemoval } = this.#segments.get(segment)!;
    if (liveCount === 0 && !hasRemoval) this.#dead.add(segment);
  }

  #dropSegment(number: number): void {
    this.#bytes -= this.#segments.get(number)!.bytes;
    this.#segments.delete(number);
    this.#dead.delete(number);
  }
}

function bytesOf(records: readonly SegmentRecord[]): number {
  return records.reduce((sum, record) => sum + recordBytes(record), 0);
}

/** Makes the keys that it returns share equal strings of resources and namespaces. */
function keySharing(): (key: Key) => Key {
  const words = new Map<string, string>();
  const shared = (word: string) => words.get(word) ?? (words.set(word, word), word);
  return ([resource, namespace, name]) => [shared(resource), shared(namespace), name];
}

function readNumbered(number: number, bytes: Uint8Array): Segment {
  try {
    return readSegment(bytes);
  } catch (error) {
    throw new Error(`Cannot read segment ${number}: ${(error as Error).message}`, { cause: error });
  }
}

import { crc32 } from "node:zlib";
import type { Key, Revision } from "../store.ts";

/** Bytes of one segment: what Deno KV takes as a value. */
export const SEGMENT_BYTES_MAX = 65_536;

/** What a record says of its key: its JSON, where its bytes are, or that it was removed. */
export type RecordKind = "json" | "blob" | "gone";

/** One change of one key. `bytes`: the JSON, the reference to a blob, or the revision of a removal. */
export interface SegmentRecord {
  readonly key: Key;
  readonly kind: RecordKind;
  readonly bytes: Uint8Array;
}

/** What a row of the log holds. */
export interface Segment {
  /** Of the batch that it belongs to. */
  readonly revision: Revision;
  /** No key twice. */
  readonly records: readonly SegmentRecord[];
}

/** A segment as a row of the log. Numbers grow. */
export interface NumberedSegment {
  readonly number: number;
  readonly bytes: Uint8Array;
}

const CRC_BYTES = 4;
const HEAD_BYTES = CRC_BYTES + 8;
const RECORD_HEAD_BYTES = 7;
const MARKS: Readonly<Record<RecordKind, number>> = { json: 1, blob: 2, gone: 3 };
const KINDS: readonly (RecordKind | undefined)[] = [undefined, "json", "blob", "gone"];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** `resource/namespace/name`. Neither a resource nor a namespace has a slash in its name. */
export function pathOf(key: Key): string {
  return key.join("/");
}

/** The reverse of {@linkcode pathOf}. */
export function keyOf(path: string): Key {
  const first = path.indexOf("/");
  const second = path.indexOf("/", first + 1);
  return [path.slice(0, first), path.slice(first + 1, second), path.slice(second + 1)];
}

/** A record that its key was removed, and at which revision. */
export function removalOf(key: Key, revision: Revision): SegmentRecord {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(revision));
  return { key, kind: "gone", bytes };
}

/** The revision in a record of the kind `gone`. */
export function removalRevision(bytes: Uint8Array): Revision {
  return Number(viewOf(bytes).getBigUint64(0));
}

/**
 * Fills segments one after the other.
 *
 *     segment   CRC-32 of what follows (4 bytes), revision (8), records
 *     record    kind (1 byte), length of the path (2), length of the bytes (4), path, bytes
 *
 * Numbers are unsigned, the highest byte first.
 */
export class SegmentWriter {
  readonly #revision: Revision;
  readonly #full: Uint8Array[] = [];
  #waiting: SegmentRecord[] = [];
  #bytesMax = HEAD_BYTES;

  constructor(revision: Revision) {
    this.#revision = revision;
  }

  /** Index of the segment that takes the record. */
  add(record: SegmentRecord): number {
    const bytesMax = recordBytesMax(record);
    if (this.#bytesMax + bytesMax > SEGMENT_BYTES_MAX) this.#close();
    this.#waiting.push(record);
    this.#bytesMax += bytesMax;
    return this.#full.length;
  }

  /** All segments, at least one: a batch without records is still known by its revision. */
  finish(): readonly Uint8Array[] {
    if (this.#waiting.length > 0 || this.#full.length === 0) this.#close();
    return this.#full;
  }

  #close(): void {
    const segment = new Uint8Array(this.#bytesMax);
    const view = viewOf(segment);
    let end = HEAD_BYTES;
    for (const { key, kind, bytes } of this.#waiting) {
      const pathAt = end + RECORD_HEAD_BYTES;
      const { written } = encoder.encodeInto(pathOf(key), segment.subarray(pathAt));
      view.setUint8(end, MARKS[kind]);
      view.setUint16(end + 1, written);
      view.setUint32(end + 3, bytes.length);
      segment.set(bytes, pathAt + written);
      end = pathAt + written + bytes.length;
    }
    view.setBigUint64(CRC_BYTES, BigInt(this.#revision));
    view.setUint32(0, crc32(segment.subarray(CRC_BYTES, end)));
    this.#full.push(segment.subarray(0, end));
    this.#waiting = [];
    this.#bytesMax = HEAD_BYTES;
  }
}

/** How many bytes a record takes in a segment. */
export function recordBytes({ key, bytes }: SegmentRecord): number {
  return RECORD_HEAD_BYTES + pathLength(key) + bytes.length;
}

/** The bytes of the records are views of the segment. Throws when the segment is damaged. */
export function readSegment(segment: Uint8Array): Segment {
  const view = viewOf(segment);
  if (segment.length < HEAD_BYTES || view.getUint32(0) !== crc32(segment.subarray(CRC_BYTES))) {
    throw new Error("its checksum is wrong");
  }
  const records: SegmentRecord[] = [];
  for (let at = HEAD_BYTES; at < segment.length;) {
    const pathAt = at + RECORD_HEAD_BYTES;
    const bytesAt = pathAt + view.getUint16(at + 1);
    const end = bytesAt + view.getUint32(at + 3);
    const kind = KINDS[view.getUint8(at)];
    if (kind === undefined) throw new Error("it holds a record of an unknown kind");
    const key = keyOf(decoder.decode(segment.subarray(pathAt, bytesAt)));
    records.push({ key, kind, bytes: segment.subarray(bytesAt, end) });
    at = end;
  }
  return { revision: Number(view.getBigUint64(CRC_BYTES)), records };
}

/** Names are ASCII as a rule; a character takes three bytes at most. */
function recordBytesMax({ key, bytes }: SegmentRecord): number {
  return RECORD_HEAD_BYTES + pathLength(key) * 3 + bytes.length;
}

function pathLength([resource, namespace, name]: Key): number {
  return resource.length + namespace.length + name.length + 2;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

import { isSameBytes } from "../../lib/bytes.ts";
import type { OwnedKv } from "./owned_kv.ts";
import {
  ATOMIC_BYTES_MAX,
  FORMAT,
  FORMAT_KEY,
  HEAD_KEY,
  SEGMENTS,
  segmentsIn,
} from "./kv_layout.ts";
import {
  pathOf,
  readSegment,
  recordBytes,
  SEGMENT_BYTES_MAX,
  type SegmentRecord,
  SegmentWriter,
} from "./segment.ts";
import type { Key, Revision } from "../store.ts";

/** Format 1: `["o", resource, namespace, name]`, a byte (1: JSON, 2: reference to a blob), and the bytes. */
const ROWS = ["o"];
const IS_BLOB = 2;
const ROWS_PER_READ = 500;
const ROWS_PER_WRITE = 500;

/**
 * Migrates a database to the newest format, one format after the other. Each step writes the new rows beside the old ones,
 * compares them, and then switches over in one write; so a process that is killed in the middle leaves a database of the
 * old format, or one of the new format with old rows that the next start removes.
 *
 * For a new format: raise `FORMAT`, add its step here, and keep a file of the old format for the tests.
 */
export async function migrate(kv: OwnedKv): Promise<void> {
  if (kv.format < 2) await toSegments(kv);
  await removeRows(kv, ROWS);
}

/** From format 1, a row for each object, to format 2, a log of segments. */
async function toSegments(kv: OwnedKv): Promise<void> {
  await removeRows(kv, SEGMENTS);
  const revision = (await kv.kv.get<Revision>(HEAD_KEY)).value ?? 0;
  await writeSegments(kv, revision);
  await compareSegments(kv);
  await kv.write((atomic) => atomic.set(FORMAT_KEY, FORMAT).delete(HEAD_KEY));
}

async function writeSegments(kv: OwnedKv, revision: Revision): Promise<void> {
  let next = 0;
  let waiting: SegmentRecord[] = [];
  let bytes = 0;
  const write = async () => {
    const writer = new SegmentWriter(revision);
    for (const record of waiting) writer.add(record);
    await kv.write((atomic) => {
      for (const segment of writer.finish()) atomic.set([...SEGMENTS, next++], segment);
    });
    waiting = [];
    bytes = 0;
  };
  for await (const record of recordsOfRows(kv.kv)) {
    if (bytes + recordBytes(record) > ATOMIC_BYTES_MAX - SEGMENT_BYTES_MAX) await write();
    waiting.push(record);
    bytes += recordBytes(record);
  }
  if (revision > 0) await write();
}

/** Reads both again: the segments must hold what the rows hold, in their order, and nothing else. */
async function compareSegments(kv: OwnedKv): Promise<void> {
  const rows = recordsOfRows(kv.kv);
  for await (const { bytes } of segmentsIn(kv.kv, "oldest first")) {
    for (const record of readSegment(bytes).records) {
      const row = await rows.next();
      if (row.done || !isSame(row.value, record)) {
        throw new Error(`its copy of ${pathOf(record.key)} differs`);
      }
    }
  }
  const left = await rows.next();
  if (!left.done) throw new Error(`its copy has no ${pathOf(left.value.key)}`);
}

async function* recordsOfRows(kv: Deno.Kv): AsyncGenerator<SegmentRecord, undefined> {
  const list = kv.list<Uint8Array>({ prefix: ROWS }, { batchSize: ROWS_PER_READ });
  for await (const { key, value } of list) {
    const own = key.slice(1) as unknown as Key; // format 1 wrote no other keys here
    yield { key: own, kind: value[0] === IS_BLOB ? "blob" : "json", bytes: value.subarray(1) };
  }
  return undefined;
}

function isSame(one: SegmentRecord, other: SegmentRecord): boolean {
  return pathOf(one.key) === pathOf(other.key) && one.kind === other.kind &&
    isSameBytes(one.bytes, other.bytes);
}

async function removeRows(kv: OwnedKv, prefix: readonly string[]): Promise<void> {
  for (;;) {
    const selector = { prefix: [...prefix] };
    const limits = { limit: ROWS_PER_WRITE, batchSize: ROWS_PER_READ };
    const keys = (await Array.fromAsync(kv.kv.list(selector, limits))).map(({ key }) => key);
    if (keys.length === 0) return;
    await kv.write((atomic) => {
      for (const key of keys) atomic.delete(key);
    });
  }
}

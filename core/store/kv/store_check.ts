import { concat, isSameBytes } from "../../lib/bytes.ts";
import type { ObjectMeta } from "../../schema/metadata.ts";
import type { BlobId } from "../journal.ts";
import { type BlobReference, chunksIn, referenceFrom } from "./kv_blobs.ts";
import { isSealed, keyIdIn, revisionIn } from "../encryption/sealed_bytes.ts";
import { FORMAT, FORMAT_KEY, newerFormatMessage, segmentsIn } from "./kv_layout.ts";
import {
  pathOf,
  readSegment,
  removalRevision,
  type Segment,
  type SegmentRecord,
} from "./segment.ts";
import type { Key, Revision } from "../store.ts";

/** Problems that are reported one by one: a badly damaged file has millions. */
const PROBLEMS_MAX = 100;

/** What a check of a store's file found. */
export interface StoreReport {
  objects: number;
  revision: number;
  /** Of the file. */
  bytes: number;
  /** Parts of large values that nothing refers to: a killed process leaves them, and the next start removes them. */
  orphans: number;
  /** Ids of the keys that objects are encrypted with. What these objects say of themselves is not checked. */
  keyIds: string[];
  /** What is wrong, each in a sentence for people; empty when all is well. */
  problems: string[];
}

/**
 * Reads a whole store that no server uses, and reports what is wrong with it. Repairs nothing.
 *
 * Every page and every segment is whole; the log goes on in order, and nothing in it is newer than its counter or
 * older than what it replaces; every object parses, and says itself what its key and its revision are; of every
 * large value all parts are there. Throws when the file does not exist or is no database.
 */
export async function checkStore(path: string): Promise<StoreReport> {
  const { size } = await Deno.stat(path);
  const problems = await brokenPages(path);
  const kv = await Deno.openKv(path);
  try {
    const { value: format } = await kv.get<number>(FORMAT_KEY);
    const check = new LogCheck(problems);
    for await (const { number, bytes } of segmentsIn(kv, "oldest first")) check.read(number, bytes);
    const orphans = await check.finish(kv);
    const isNew = format === null && check.found.revision === 0;
    if (format !== FORMAT && !isNew) problems.push(formatProblem(format));
    const told = problems.slice(0, PROBLEMS_MAX);
    if (problems.length > told.length) told.push(`and ${problems.length - told.length} more`);
    return { ...check.found, bytes: size, orphans, problems: told };
  } finally {
    kv.close();
  }
}

/** The newest record of a key so far. `revision`: 0 when only its blob holds it. */
interface Newest {
  record: SegmentRecord;
  revision: Revision;
}

/** Follows a log from its oldest segment on. */
class LogCheck {
  readonly #problems: string[];
  readonly #newest = new Map<string, Newest>();
  readonly #keyIds = new Set<string>();
  #revision: Revision = 0;

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  get found(): { objects: number; revision: Revision; keyIds: string[] } {
    const live = [...this.#newest.values()].filter(({ record }) => record.kind !== "gone");
    for (const { record: { kind, bytes } } of live) {
      if (kind === "json" && isSealed(bytes)) this.#keyIds.add(keyIdIn(bytes));
    }
    return { objects: live.length, revision: this.#revision, keyIds: [...this.#keyIds] };
  }

  read(number: number, bytes: Uint8Array): void {
    let segment: Segment;
    try {
      segment = readSegment(bytes);
    } catch (error) {
      this.#problems.push(`segment ${number} cannot be read: ${(error as Error).message}`);
      return;
    }
    if (segment.revision < this.#revision) {
      this.#problems.push(
        `segment ${number} is of revision ${segment.revision}, one before it of ${this.#revision}`,
      );
    }
    this.#revision = Math.max(this.#revision, segment.revision);
    for (const record of segment.records) this.#follow(record);
  }

  /** Checks the blobs, now that it is known which are live. Returns how many chunks nothing refers to. */
  async finish(kv: Deno.Kv): Promise<number> {
    const blobs = this.#blobs();
    let orphans = 0;
    for await (const { blob, number, bytes } of chunksIn(kv)) {
      const known = blobs.get(blob);
      if (known && number < known.reference.chunks) known.parts.push(bytes);
      else orphans++;
    }
    for (const { key, reference: { chunks }, parts } of blobs.values()) {
      if (parts.length === chunks) {
        const bytes = concat(parts);
        this.#revisionIn(key, bytes);
        if (isSealed(bytes)) this.#keyIds.add(keyIdIn(bytes));
      } else {this.#problems.push(
          `${pathOf(key)} lacks ${chunks - parts.length} of its ${chunks} parts`,
        );}
    }
    return orphans;
  }

  #blobs(): Map<BlobId, LiveBlob> {
    const blobs = new Map<BlobId, LiveBlob>();
    for (const { record: { key, kind, bytes } } of this.#newest.values()) {
      if (kind !== "blob") continue;
      const reference = referenceFrom(bytes);
      blobs.set(reference.blob, { key, reference, parts: [] });
    }
    return blobs;
  }

  #follow(record: SegmentRecord): void {
    const path = pathOf(record.key);
    const revision = this.#revisionOf(record);
    const before = this.#newest.get(path);
    this.#newest.set(path, { record: { ...record, bytes: record.bytes.slice() }, revision });
    if (!before || revision === 0 || before.revision < revision) return;
    if (before.revision > revision) {
      this.#problems.push(
        `${path} at revision ${revision} comes after revision ${before.revision}`,
      );
    } else if (!isSameBytes(before.record.bytes, record.bytes)) {
      this.#problems.push(`${path} is there twice at revision ${revision}, and not the same`);
    }
  }

  #revisionOf({ key, kind, bytes }: SegmentRecord): Revision {
    if (kind === "blob") return 0;
    return kind === "gone" ? removalRevision(bytes) : this.#revisionIn(key, bytes);
  }

  /** What the object says its revision is; 0 when it does not. */
  #revisionIn(key: Key, bytes: Uint8Array): Revision {
    if (isSealed(bytes)) return this.#sealedRevisionIn(key, bytes);
    const path = pathOf(key);
    const [, namespace, name] = key;
    const metadata = metadataIn(bytes);
    const revision = Number(metadata?.resourceVersion);
    if (!metadata) {
      this.#problems.push(`${path} is no JSON object with metadata`);
    } else if ((metadata.namespace ?? "") !== namespace || metadata.name !== name) {
      this.#problems.push(`${path} calls itself ${metadata.namespace ?? ""}/${metadata.name}`);
    } else if (!(revision <= this.#revision)) {
      this.#problems.push(revisionProblem(key, metadata.resourceVersion, this.#revision));
    }
    return revision || 0;
  }

  /** Of an encrypted object, which can be told without its key. */
  #sealedRevisionIn(key: Key, bytes: Uint8Array): Revision {
    const revision = revisionIn(bytes);
    if (revision > this.#revision) {
      this.#problems.push(revisionProblem(key, revision, this.#revision));
    }
    return revision;
  }
}

function revisionProblem(key: Key, revision: unknown, counter: Revision): string {
  return `${pathOf(key)} is at revision ${revision}, the counter at ${counter}`;
}

interface LiveBlob {
  key: Key;
  reference: BlobReference;
  parts: Uint8Array[];
}

/** `undefined` when the bytes are no object, or one without metadata. */
function metadataIn(bytes: Uint8Array): Partial<ObjectMeta> | undefined {
  try {
    const object = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return object?.metadata ?? undefined;
  } catch {
    return undefined; // no JSON, or no UTF-8
  }
}

function formatProblem(format: number | null): string {
  if (format === null) return "it is no store: it does not tell its format";
  if (format > FORMAT) return newerFormatMessage(format);
  return `its format is ${format}; the next start of the server brings it to ${FORMAT}, check it after that`;
}

async function brokenPages(path: string): Promise<string[]> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path); // not read-only: it may have to recover after a killed process
  try {
    const rows = database.prepare("PRAGMA integrity_check").all();
    const texts = rows.map(({ integrity_check }) => String(integrity_check));
    return texts.filter((text) => text !== "ok").map((text) => `a page is broken: ${text}`);
  } finally {
    database.close();
  }
}

import { concat } from "../../lib/bytes.ts";
import type { OwnedKv } from "./owned_kv.ts";
import type { BlobId } from "../journal.ts";
import { BLOBS } from "./kv_layout.ts";

const CHUNK_BYTES = 64_000;
const CHUNKS_PER_WRITE_MAX = 12;
const CHUNKS_PER_READ = 16;

/** Where the bytes of a value are that is too long for a record. */
export interface BlobReference {
  readonly blob: BlobId;
  readonly chunks: number;
}

/** The bytes of a record that refers to a blob. */
export function referenceBytes({ blob, chunks }: BlobReference): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ blob, chunks }));
}

/** The reverse of {@linkcode referenceBytes}. */
export function referenceFrom(bytes: Uint8Array): BlobReference {
  return JSON.parse(new TextDecoder().decode(bytes)) as BlobReference;
}

/** The chunks of all blobs. */
export async function* chunksIn(
  kv: Deno.Kv,
): AsyncGenerator<{ blob: BlobId; number: number; bytes: Uint8Array }> {
  const list = kv.list<Uint8Array>({ prefix: BLOBS }, { batchSize: CHUNKS_PER_READ });
  for await (const { key: [, blob, number], value } of list) {
    yield { blob: blob as BlobId, number: number as number, bytes: value };
  }
}

/** Values that are too long for a record, in chunks: written before the record that refers to them. */
export class KvBlobs {
  readonly #kv: OwnedKv;
  /** Stored for the next batch. */
  readonly #unreferenced = new Map<BlobId, BlobReference>();
  /** No record refers to them any more: they are removed as soon as the disk allows. */
  readonly #garbage = new Map<BlobId, BlobReference>();
  #made = 0;

  constructor(kv: OwnedKv) {
    this.#kv = kv;
  }

  /** Stores the bytes for a record of the next batch. */
  async write(bytes: Uint8Array): Promise<BlobId> {
    const blob = `${this.#kv.term}-${this.#made++}`;
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    this.#unreferenced.set(blob, { blob, chunks });
    for (let from = 0; from < chunks; from += CHUNKS_PER_WRITE_MAX) {
      await this.#kv.write((atomic) => {
        for (let i = from; i < Math.min(chunks, from + CHUNKS_PER_WRITE_MAX); i++) {
          atomic.set([...BLOBS, blob, i], bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
        }
      });
    }
    return blob;
  }

  /** The reference to a blob that was stored for the next batch. */
  reference(blob: BlobId): BlobReference {
    return this.#unreferenced.get(blob)!;
  }

  /** A durable record refers to it now. */
  use(reference: BlobReference): void {
    this.#unreferenced.delete(reference.blob);
  }

  /** No record refers to it any more. */
  discard(reference: BlobReference): void {
    this.#garbage.set(reference.blob, reference);
  }

  /** The next batch failed: discards what was stored for it. */
  discardUnreferenced(): void {
    for (const reference of this.#unreferenced.values()) this.discard(reference);
    this.#unreferenced.clear();
  }

  /** Removes what was discarded. What a full disk does not let us remove goes later, or at the next start. */
  async removeDiscarded(): Promise<void> {
    for (const reference of this.#garbage.values()) {
      try {
        await this.#remove(reference);
      } catch {
        return; // the disk is full, or no longer ours: the next write will say so
      }
      this.#garbage.delete(reference.blob);
    }
  }

  /** The bytes of all blobs referred to; removes all others. Throws when a chunk is missing. */
  async load(references: readonly BlobReference[]): Promise<Map<BlobId, Uint8Array>> {
    const wanted = new Map(references.map((reference) => [reference.blob, reference]));
    const chunksOf = new Map<BlobId, Uint8Array[]>();
    const orphans = new Map<BlobId, number>();
    for await (const { blob, number, bytes } of chunksIn(this.#kv.kv)) {
      if (!wanted.has(blob)) orphans.set(blob, number + 1);
      else if (number === 0) chunksOf.set(blob, [bytes]);
      else chunksOf.get(blob)?.push(bytes);
    }
    for (const [blob, chunks] of orphans) await this.#remove({ blob, chunks });
    return new Map(references.map((reference) => [
      reference.blob,
      joined(chunksOf.get(reference.blob) ?? [], reference),
    ]));
  }

  async #remove({ blob, chunks }: BlobReference): Promise<void> {
    await this.#kv.write((atomic) => {
      for (let i = 0; i < chunks; i++) atomic.delete([...BLOBS, blob, i]);
    });
  }
}

function joined(chunks: readonly Uint8Array[], { blob, chunks: count }: BlobReference): Uint8Array {
  if (chunks.length === count) return concat(chunks);
  throw new Error(`${count - chunks.length} of ${count} parts of the blob ${blob} are missing`);
}

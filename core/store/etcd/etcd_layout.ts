import { concat } from "../../lib/bytes.ts";
import type { BlobId, JournalWrite } from "../journal.ts";
import type { Key, Revision } from "../store.ts";

/** First byte of a row. */
const IS_JSON = 1;
const IS_BLOB = 2;

/** Where the bytes are that are too long for a row. */
export interface BlobReference {
  blob: BlobId;
  chunks: number;
}

/** The last batch. It holds the revisions of removals, which leave no row. */
export interface Head {
  revision: Revision;
  /** By path. */
  removed?: Record<string, Revision>;
}

/**
 * Names of a store's keys in etcd, as the gateway wants them: Base64.
 *
 *     PREFIX/blobs/BLOB/N     a part of a value that is too long for a row
 *     PREFIX/format           layout of these keys
 *     PREFIX/head             the last batch; written with each
 *     PREFIX/objects/RESOURCE/NAMESPACE/NAME
 *     PREFIX/owner            who may write; it expires with the owner's lease
 *     PREFIX/term             who owned it last; stays
 */
export class EtcdLayout {
  readonly format: string;
  readonly head: string;
  readonly owner: string;
  readonly term: string;
  readonly objects: KeyRange;
  readonly blobs: KeyRange;
  /** Head, objects and owner: what a follower wants to know of. */
  readonly followed: KeyRange;
  readonly #prefix: string;

  /** `prefix`: without a slash at its end. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    const under = (name: string) => textBase64(`${prefix}/${name}`);
    this.format = under("format");
    this.head = under("head");
    this.owner = under("owner");
    this.term = under("term");
    this.objects = { key: under("objects/"), rangeEnd: under("objects0") };
    this.blobs = { key: under("blobs/"), rangeEnd: under("blobs0") };
    this.followed = { key: this.head, rangeEnd: under("p") };
  }

  object(key: Key): string {
    return textBase64(`${this.#prefix}/objects/${key.join("/")}`);
  }

  /** The reverse; `undefined` when it is the name of something else. */
  objectKey(name: string): Key | undefined {
    const path = base64Text(name);
    const start = `${this.#prefix}/objects/`;
    if (!path.startsWith(start)) return undefined;
    const [resource, namespace, ...rest] = path.slice(start.length).split("/");
    return [resource!, namespace!, rest.join("/")];
  }

  chunk(blob: BlobId, n: number): string {
    return textBase64(`${this.#prefix}/blobs/${blob}/${n}`);
  }

  chunksOf(blob: BlobId): KeyRange {
    const path = `${this.#prefix}/blobs/${blob}`;
    return { key: textBase64(`${path}/`), rangeEnd: textBase64(`${path}0`) };
  }

  /** The name that comes next: where the next page begins. */
  after(name: string): string {
    return concat([Uint8Array.fromBase64(name), Uint8Array.of(0)]).toBase64();
  }

  blobOf(name: string): BlobId {
    return base64Text(name).slice(`${this.#prefix}/blobs/`.length).split("/")[0]!;
  }
}

/** From `key` to before `rangeEnd`. */
export interface KeyRange {
  key: string;
  rangeEnd: string;
}

export function rowFrom(value: Uint8Array | BlobReference): string {
  const isJson = value instanceof Uint8Array;
  const bytes = isJson ? value : new TextEncoder().encode(JSON.stringify(value));
  return concat([Uint8Array.of(isJson ? IS_JSON : IS_BLOB), bytes]).toBase64();
}

/** The bytes, or where they are. */
export function rowValue(row: string): Uint8Array | BlobReference {
  const bytes = Uint8Array.fromBase64(row);
  if (bytes[0] === IS_JSON) return bytes.subarray(1);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(1))) as BlobReference;
}

export function headFrom(revision: Revision, writes: readonly JournalWrite[]): string {
  const removed = writes.filter(({ value }) => value === undefined)
    .map(({ key, revision: of = revision }) => [key.join("/"), of] as const);
  const head: Head = {
    revision,
    ...removed.length > 0 && { removed: Object.fromEntries(removed) },
  };
  return jsonBase64(head);
}

export function headIn(value: string | undefined): Head {
  return value === undefined ? { revision: 0 } : jsonFrom<Head>(value);
}

export function jsonBase64(value: unknown): string {
  return textBase64(JSON.stringify(value));
}

export function jsonFrom<T>(base64: string): T {
  return JSON.parse(base64Text(base64)) as T;
}

export function textBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function base64Text(base64: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64));
}

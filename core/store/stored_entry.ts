import type { KubeObject } from "../resources/resource.ts";
import type { Entry, Key, Revision } from "./store.ts";

/**
 * Bytes of those entries whose objects are kept parsed. Parsed, an object takes one and a half times what its bytes
 * take.
 */
export const PARSED_BYTES_MAX = 32 * 1024 * 1024;
/** This share of them is released at once: finding the oldest passes over all that were released before it. */
const RELEASED_SHARE = 1 / 16;

/**
 * An entry whose object is parsed from its bytes on demand. As long as anybody holds the object, the same one is returned.
 */
export class StoredEntry implements Entry {
  readonly key: Key;
  readonly revision: Revision;
  readonly bytes: Uint8Array;
  readonly #parsed: ParsedObjects;
  #object: KubeObject | undefined;
  #weak: WeakRef<KubeObject> | undefined;
  #wasRead = false;

  /** `object`: the parsed bytes, when known. */
  constructor(
    { key, revision, bytes }: Pick<Entry, "key" | "revision" | "bytes">,
    parsed: ParsedObjects,
    object?: KubeObject,
  ) {
    this.key = key;
    this.revision = revision;
    this.bytes = bytes;
    this.#parsed = parsed;
    this.#object = object;
    Object.freeze(this);
    if (object) parsed.keep(this);
  }

  get object(): KubeObject {
    if (this.#object) {
      this.#wasRead = true;
      return this.#object;
    }
    const object = this.#weak?.deref() ?? this.#parsed.parse(this.bytes);
    this.#object = object;
    this.#weak = undefined;
    this.#parsed.keep(this);
    return object;
  }

  /** Holds its object only weakly from now on. */
  weaken(): void {
    if (this.#object) this.#weak = new WeakRef(this.#object);
    this.#object = undefined;
  }

  /** Whether the object was read again since it was made, or since this was asked last. */
  wasRead(): boolean {
    const was = this.#wasRead;
    this.#wasRead = false;
    return was;
  }
}

/**
 * Decides which entries hold their objects: those read recently, up to a number of bytes. So a small cluster parses
 * nothing twice, and one with 100,000 objects does not keep them all in two forms.
 */
export class ParsedObjects {
  readonly #bytesMax: number;
  readonly #freezing: "deep" | "none";
  /** Oldest first. */
  readonly #kept = new Set<StoredEntry>();
  #bytes = 0;

  constructor({ bytesMax, freezing }: { bytesMax: number; freezing: "deep" | "none" }) {
    this.#bytesMax = bytesMax;
    this.#freezing = freezing;
  }

  /** Bytes of the entries that hold their objects. */
  get bytes(): number {
    return this.#bytes;
  }

  parse(bytes: Uint8Array): KubeObject {
    return this.frozen(JSON.parse(new TextDecoder().decode(bytes)) as KubeObject);
  }

  /** The object itself, frozen if configured. */
  frozen(object: KubeObject): KubeObject {
    if (this.#freezing === "deep") deepFreeze(object);
    return object;
  }

  /**
   * Releases the oldest, but spares each once that was read again since it was last considered (second chance): a scan of
   * everything evicts nothing that is in use.
   */
  keep(entry: StoredEntry): void {
    this.#kept.add(entry);
    this.#bytes += entry.bytes.length;
    if (this.#bytes > this.#bytesMax) this.#shrinkTo(this.#bytesMax * (1 - RELEASED_SHARE));
  }

  #shrinkTo(bytes: number): void {
    for (const oldest of this.#kept) {
      if (this.#bytes <= bytes) return;
      if (!oldest.wasRead()) this.release(oldest);
      else {
        this.#kept.delete(oldest);
        this.#kept.add(oldest); // to the end of the line
      }
    }
  }

  /** Releases an entry that nobody is expected to read again. Idempotent. */
  release(entry: Entry): void {
    if (!(entry instanceof StoredEntry)) return;
    if (this.#kept.delete(entry)) this.#bytes -= entry.bytes.length;
    entry.weaken();
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

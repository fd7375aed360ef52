import type { KubeObject } from "../resources/resource.ts";
import type { Entry, Key, Revision } from "./store.ts";

/**
 * Bytes of those entries whose objects are kept parsed. Parsed, an object takes one and a half times what its bytes
 * take.
 */
export const PARSED_BYTES_MAX = 32 * 1024 * 1024;
/** Of them, so many are let go at once: who looks for the oldest passes over all that went before it. */
const RELEASED_SHARE = 1 / 16;

/**
 * An entry whose object is made from its bytes when it is asked for. As long as anybody holds the object, it is the
 * same each time.
 */
export class StoredEntry implements Entry {
  readonly key: Key;
  readonly revision: Revision;
  readonly bytes: Uint8Array;
  readonly #parsed: ParsedObjects;
  #object: KubeObject | undefined;
  #loose: WeakRef<KubeObject> | undefined;
  #wasRead = false;

  /** `object`: what the bytes say, where it is known. */
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
    const object = this.#loose?.deref() ?? this.#parsed.parse(this.bytes);
    this.#object = object;
    this.#loose = undefined;
    this.#parsed.keep(this);
    return object;
  }

  /** Holds its object no longer than others do. */
  loosen(): void {
    if (this.#object) this.#loose = new WeakRef(this.#object);
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
 * Which entries hold their objects: those that were read of late, up to a number of bytes. So a small cluster parses
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
    return this.sealed(JSON.parse(new TextDecoder().decode(bytes)) as KubeObject);
  }

  /** The object itself, frozen if need be. */
  sealed(object: KubeObject): KubeObject {
    if (this.#freezing === "deep") deepFreeze(object);
    return object;
  }

  /**
   * Lets go of the oldest, but spares each once that was read again since it was looked at: a scan of all pushes out
   * nothing that is in use.
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
        this.#kept.add(oldest); // the loop comes to it again
      }
    }
  }

  /** Nobody is expected to read it any more. Doing so twice is doing it once. */
  release(entry: Entry): void {
    if (!(entry instanceof StoredEntry)) return;
    if (this.#kept.delete(entry)) this.#bytes -= entry.bytes.length;
    entry.loosen();
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

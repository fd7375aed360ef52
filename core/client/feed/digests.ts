import { createHash } from "node:crypto";
import type { KubeObject } from "../../resources/resource.ts";

/** Digests are whole numbers below this, so that sums of two are exact. */
const MODULUS = 2 ** 48;
const DIGEST_BYTES = 6;
/** Objects are compared in at most 2 to the power of this many groups of a kind. */
export const GROUP_BITS_MAX = 8;
const GROUPS_MAX = 1 << GROUP_BITS_MAX;
const encoder = new TextEncoder();

/** What stands for an object in comparisons: the first 48 bits of SHA-256 over its JSON. */
export function digestOf(json: Uint8Array): number {
  const hash = createHash("sha256").update(json).digest();
  return hash.readUIntBE(0, DIGEST_BYTES);
}

const known = new WeakMap<KubeObject, number>();

/** The digest of an object as it came. Frozen or not, it must not change: the digest is kept. */
export function digestOfObject(object: KubeObject): number {
  let digest = known.get(object);
  if (digest === undefined) {
    known.set(object, digest = digestOf(encoder.encode(JSON.stringify(object))));
  }
  return digest;
}

/** The key of an object among those of its kind: `namespace/name`; `/name` without a namespace. */
export function keyOf({ namespace = "", name }: { namespace?: string; name: string }): string {
  return `${namespace}/${name}`;
}

/** The group that a key falls into: FNV-1a, its first bits. */
export function groupOf(key: string, bits: number): number {
  if (bits === 0) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) >>> (32 - bits);
}

/**
 * Says by few bytes whether two ends have the same objects of a kind: for each group of keys the sum of the digests of its
 * objects. Follows changes without looking at other objects.
 */
export class Digests {
  readonly #sums = new Float64Array(GROUPS_MAX);
  size = 0;

  static of(objects: Iterable<KubeObject>): Digests {
    const digests = new Digests();
    for (const object of objects) digests.add(keyOf(object.metadata), digestOfObject(object));
    return digests;
  }

  add(key: string, digest: number): void {
    const group = groupOf(key, GROUP_BITS_MAX);
    this.#sums[group] = (this.#sums[group]! + digest) % MODULUS;
    this.size++;
  }

  remove(key: string, digest: number): void {
    const group = groupOf(key, GROUP_BITS_MAX);
    this.#sums[group] = (this.#sums[group]! + MODULUS - digest) % MODULUS;
    this.size--;
  }

  copy(): Digests {
    const copy = new Digests();
    copy.#sums.set(this.#sums);
    copy.size = this.size;
    return copy;
  }

  /** The sums of 2 to the power of `bits` groups. */
  sums(bits: number): number[] {
    const perGroup = 1 << (GROUP_BITS_MAX - bits);
    const sums = new Array<number>(1 << bits).fill(0);
    this.#sums.forEach((sum, i) => {
      const group = Math.floor(i / perGroup);
      sums[group] = (sums[group]! + sum) % MODULUS;
    });
    return sums;
  }

  /** The same as text: base64url of six bytes for each group. */
  text(bits: number): string {
    const bytes = new Uint8Array(DIGEST_BYTES << bits);
    const view = new DataView(bytes.buffer);
    this.sums(bits).forEach((sum, i) => {
      view.setUint16(i * DIGEST_BYTES, Math.floor(sum / 2 ** 32));
      view.setUint32(i * DIGEST_BYTES + 2, sum % 2 ** 32);
    });
    return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  }
}

/** What {@linkcode Digests.text} says; `undefined`: it is no such text. */
export function sumsIn(text: string): { bits: number; sums: readonly number[] } | undefined {
  const bits = Math.log2(text.length / 8);
  if (!Number.isInteger(bits) || bits < 0 || bits > GROUP_BITS_MAX) return undefined;
  try {
    const view = new DataView(Uint8Array.fromBase64(text, { alphabet: "base64url" }).buffer);
    const sums = Array.from(
      { length: 1 << bits },
      (_, i) => view.getUint16(i * DIGEST_BYTES) * 2 ** 32 + view.getUint32(i * DIGEST_BYTES + 2),
    );
    return { bits, sums };
  } catch {
    return undefined; // no base64
  }
}

import { concat } from "../../lib/bytes.ts";
import type { Key, Revision } from "../store.ts";
import { KEY_ID_BYTES } from "./secret_keys.ts";

/**
 * Encrypted bytes of an object:
 *
 * ```
 * mark (1)   id of the key (4)   revision (8)   nonce (12)   AES-256-GCM of the bytes, with its tag of 16
 * ```
 *
 * What comes before the nonce and the key of the object are authenticated, too: nobody can put one object in the place
 * of another, or of a newer one.
 */
const MARK = 0x01; // JSON begins with a brace
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + 8;
/** How much longer than the bytes. */
export const SEAL_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;

export function isSealed(bytes: Uint8Array): boolean {
  return bytes[0] === MARK && bytes.length >= SEAL_BYTES;
}

/** The id of the key that sealed bytes were encrypted with. */
export function keyIdIn(sealed: Uint8Array): string {
  return sealed.subarray(1, 1 + KEY_ID_BYTES).toHex();
}

/** Of the object in sealed bytes, without its key. */
export function revisionIn(sealed: Uint8Array): Revision {
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.length);
  return Number(view.getBigUint64(1 + KEY_ID_BYTES));
}

/** A key that is ready for use. */
export interface ReadyKey {
  readonly id: string;
  readonly key: CryptoKey;
}

export async function readyKey(
  { id, bytes }: { id: string; bytes: Uint8Array<ArrayBuffer> },
): Promise<ReadyKey> {
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id, key };
}

export async function seal(
  { id, key }: ReadyKey,
  of: { key: Key; revision: Revision },
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const head = new Uint8Array(HEAD_BYTES);
  head[0] = MARK;
  head.set(Uint8Array.fromHex(id), 1);
  new DataView(head.buffer).setBigUint64(1 + KEY_ID_BYTES, BigInt(of.revision));
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const additionalData = authenticated(head, of.key);
  const encrypted = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData },
    key,
    bytes as Uint8Array<ArrayBuffer>,
  );
  return concat([head, iv, new Uint8Array(encrypted)]);
}

/** Rejects when the bytes were not sealed by this key for this object, or have been changed. */
export async function unseal({ key }: ReadyKey, of: Key, sealed: Uint8Array): Promise<Uint8Array> {
  const head = sealed.subarray(0, HEAD_BYTES);
  const iv = sealed.slice(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
  const additionalData = authenticated(head, of);
  const encrypted = sealed.slice(HEAD_BYTES + NONCE_BYTES);
  return new Uint8Array(
    await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, encrypted),
  );
}

function authenticated(head: Uint8Array, key: Key): Uint8Array<ArrayBuffer> {
  return concat([head, new TextEncoder().encode(key.join("/"))]);
}

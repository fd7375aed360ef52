/** How many bytes name a key. */
export const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;

/** A key of AES-256. */
export interface SecretKey {
  /** In hexadecimal; in the clear beside what is encrypted. */
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** The file of the keys is not what it should be. */
export class SecretKeysError extends Error {
  override name = "SecretKeysError";
}

export function newSecretKey(createdAt: string): SecretKey {
  const id = crypto.getRandomValues(new Uint8Array(KEY_ID_BYTES)).toHex();
  return { id, bytes: crypto.getRandomValues(new Uint8Array(KEY_BYTES)), createdAt };
}

/** The text of a key file. The first key is the one that writes are encrypted with. */
export function secretKeysText(keys: readonly SecretKey[]): string {
  const shown = keys.map(({ id, bytes, createdAt }) => ({ id, key: bytes.toBase64(), createdAt }));
  return JSON.stringify({ keys: shown }, undefined, 2) + "\n";
}

/** The reverse. Throws {@linkcode SecretKeysError}. */
export function secretKeysFrom(text: string): SecretKey[] {
  try {
    const { keys } = JSON.parse(text) as { keys: { id: string; key: string; createdAt: string }[] };
    return keys.map(({ id, key, createdAt }) => {
      const bytes = Uint8Array.fromBase64(key);
      if (bytes.length !== KEY_BYTES || !/^[0-9a-f]{8}$/.test(id)) throw new TypeError("no key");
      return { id, bytes, createdAt: String(createdAt) };
    });
  } catch {
    throw new SecretKeysError("it is no file of keys, or damaged"); // what it holds is not told
  }
}

/** Both without duplicates, those of `first` first. */
export function mergedKeys(
  first: readonly SecretKey[],
  others: readonly SecretKey[],
): SecretKey[] {
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...others.filter(({ id }) => !known.has(id))];
}

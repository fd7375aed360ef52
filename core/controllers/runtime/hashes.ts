const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1a of a text's UTF-16 units, 32 bits: spreads well, is not cryptographic. */
export function hashOf(text: string): number {
  let hash = OFFSET;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), PRIME) >>> 0;
  }
  // FNV leaves the last characters in the low bits; this mixes them into all (murmur3's finalizer).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Five characters as Kubernetes appends to generated names, but always the same for the same text. */
export function suffixOf(text: string): string {
  let hash = hashOf(text);
  let suffix = "";
  for (let i = 0; i < 5; i++) {
    suffix += ALPHABET[hash % ALPHABET.length];
    hash = Math.floor(hash / ALPHABET.length);
  }
  return suffix;
}

/** The decimal digits of a hash in letters that spell no words: Kubernetes' `rand.SafeEncodeString`. */
export function safeWordOf(text: string): string {
  return safeWord(hashOf(text));
}

function safeWord(hash: number): string {
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("");
}

/** The same of the FNV-1a of bytes, 32 bits, as Go has it. */
export function safeWordOfBytes(bytes: Uint8Array): string {
  let hash = OFFSET;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME) >>> 0;
  return safeWord(hash);
}

/** JSON whose fields are in order, so that equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
  });
}

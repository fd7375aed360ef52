import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from "./codes.ts";

/**
 * Each byte of a label as text: small letters, and a dot or a backslash that is part of the label escaped, so that no two
 * names are the same text (RFC 1035, 5.1).
 */
const TEXT_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x41 && byte <= 0x5a) return String.fromCharCode(byte + 0x20);
  const text = String.fromCharCode(byte);
  return text === "." || text === "\\" ? `\\${text}` : text;
});
const POINTER = 0xc0;

/** A name that was read from a message, and where what follows it begins. */
export interface ReadName {
  /** In small letters, labels separated by dots, without a final one; `""` for the root. */
  name: string;
  end: number;
}

/**
 * Reads the name at `start`. `undefined` for what is none: cut off, longer than 255 bytes, or with a pointer that does not lead
 * back: each must lead to before the one that it was reached by, so that none goes round in circles.
 */
export function readName(message: Uint8Array, start: number): ReadName | undefined {
  let name = "", at = start, end = -1, bytes = 1, pointerMax = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name, end: end < 0 ? at + 1 : end };
    if (length >= POINTER) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      const target = (length & ~POINTER) << 8 | low;
      if (target >= pointerMax) return undefined;
      if (end < 0) end = at + 2;
      at = pointerMax = target;
      continue;
    }
    bytes += length + 1;
    const next = at + 1 + length;
    if (length > LABEL_BYTES_MAX || bytes > NAME_BYTES_MAX || next > message.length) {
      return undefined;
    }
    if (name !== "") name += ".";
    for (let i = at + 1; i < next; i++) name += TEXT_OF_BYTE[message[i]!];
    at = next;
  }
}

/** Where what follows the name at `start` begins; `undefined` when it is cut off. Pointers are not followed. */
export function skipName(message: Uint8Array, start: number): number | undefined {
  for (let at = start;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= POINTER) return at + 2 <= message.length ? at + 2 : undefined;
    if (length > LABEL_BYTES_MAX) return undefined;
    at += length + 1;
  }
}

/** The bytes of a name as {@linkcode readName} gives it, a final dot ignored. `undefined` when a label or the name is too long, or a label empty. */
export function nameBytes(name: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let lengthAt = 0;
  bytes.push(0);
  for (let i = 0; i < name.length; i++) {
    let code = name.charCodeAt(i);
    if (code === 0x2e) {
      if (bytes.length - lengthAt === 1) return undefined;
      if (i === name.length - 1) break;
      lengthAt = bytes.push(0) - 1;
      continue;
    }
    if (code === 0x5c) code = name.charCodeAt(++i);
    if (!(code <= 0xff) || bytes[lengthAt] === LABEL_BYTES_MAX) return undefined;
    bytes.push(code);
    bytes[lengthAt]!++;
  }
  if (bytes[lengthAt] !== 0) bytes.push(0);
  return bytes.length > NAME_BYTES_MAX ? undefined : new Uint8Array(bytes);
}

/** `""` for a name of one label. */
export function parentOf(name: string): string {
  for (let i = 0; i < name.length; i++) {
    if (name[i] === "\\") i++;
    else if (name[i] === ".") return name.slice(i + 1);
  }
  return "";
}

/** Whether a name is `domain` or below it. `""` is the root. */
export function isBelow(name: string, domain: string): boolean {
  if (domain === "" || name === domain) return true;
  if (!name.endsWith(domain) || name[name.length - domain.length - 1] !== ".") return false;
  let escapes = 0;
  for (let i = name.length - domain.length - 2; name[i] === "\\"; i--) escapes++;
  return escapes % 2 === 0; // else the dot is part of a label
}

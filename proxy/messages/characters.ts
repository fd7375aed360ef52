/** Classes of bytes in messages, as lookup tables (RFC 9110 §5.6.2, §5.5). 1: belongs to the class. */
export const IS_TOKEN = new Uint8Array(256);
export const IS_FIELD_VALUE = new Uint8Array(256);
/** Bytes of a field's name: 1, and 2 for the underscore, which some readers take for a hyphen. */
export const FIELD_NAME = new Uint8Array(256);
/** Bytes of a request's target, its fragment excluded. */
export const IS_TARGET = new Uint8Array(256);
/** A-Z, 0-9 and what else may stand in `Host`: names, addresses with brackets, port, percent escapes. */
export const IS_AUTHORITY = new Uint8Array(256);
/** Each byte, ASCII letters in lower case. */
export const SMALL = new Uint8Array(256);
/** Value of a hexadecimal digit, 255 for all else. */
export const HEX = new Uint8Array(256).fill(255);

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const HASH = 35;
export const COMMA = 44;
export const SLASH = 47;
export const ZERO = 48;
export const COLON = 58;
export const SEMICOLON = 59;
export const QUESTION_MARK = 63;
const UNDERSCORE = 95;

const ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
for (const c of ascii("!#$%&'*+-.^_`|~" + ALPHANUMERIC)) IS_TOKEN[c] = 1;
for (const c of ascii("-._~%!$&'()*+;=:[]" + ALPHANUMERIC)) IS_AUTHORITY[c] = 1;
for (const [value, c] of ascii("0123456789abcdef").entries()) HEX[c] = value;
for (const [value, c] of ascii("ABCDEF").entries()) HEX[c] = 10 + value;
for (let c = 0; c < 256; c++) {
  IS_FIELD_VALUE[c] = (c >= SPACE && c !== 127) || c === TAB ? 1 : 0;
  SMALL[c] = c >= 65 && c <= 90 ? c + 32 : c;
  FIELD_NAME[c] = c === UNDERSCORE ? 2 : IS_TOKEN[c]!;
  IS_TARGET[c] = c > SPACE && c < 127 && c !== HASH ? 1 : 0;
}

/** The bytes of a text whose characters are all below 256. */
export function ascii(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The text of bytes, one character each. Allocates: not for every request. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Whether the bytes at `start` are `word`, which is in lower case. The caller has compared the lengths. */
export function isWord(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (SMALL[bytes[start + i]!] !== word[i]) return false;
  return true;
}

/** Whether the bytes at `start` are exactly `word`, case-sensitively. */
export function isExactly(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}

/** Whether all bytes belong to a class. */
export function areAll(kind: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (kind[bytes[p]!] === 0) return false;
  return true;
}

/** Whether a comma-separated list has `word`, which is in lower case. */
export function listHas(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  for (let i = start; i + word.length <= end; i++) {
    const after = i + word.length;
    if (i > start && !isSeparator(bytes[i - 1]!)) continue;
    if (after < end && !isSeparator(bytes[after]!)) continue;
    if (isWord(bytes, i, word)) return true;
  }
  return false;
}

function isSeparator(c: number): boolean {
  return c === COMMA || c === SPACE || c === TAB;
}

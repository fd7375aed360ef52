const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = [0x7b, 0x5b];
const CLOSE = [0x7d, 0x5d];
/** Longer strings are searched with `indexOf`, which is faster for them. */
const SHORT_BYTES = 32;
const decoder = new TextDecoder();

/**
 * The value of a top-level member of a JSON object in UTF-8, parsed; `undefined` when the object has no such member. Reads
 * no further than the member: the rest is not checked. `bytes` must be JSON in which `name` is written without escapes.
 */
export function jsonMember(bytes: Uint8Array, name: string): unknown {
  for (let at = nextAfter(bytes, 0, OPEN[0]!); at < bytes.length;) {
    const keyStart = nextAfter(bytes, at, QUOTE);
    const keyEnd = stringEnd(bytes, keyStart);
    const start = nextAfter(bytes, keyEnd, COLON);
    const end = valueEnd(bytes, start);
    if (isText(bytes.subarray(keyStart, keyEnd - 1), name)) {
      return JSON.parse(decoder.decode(bytes.subarray(start, end)));
    }
    at = end + 1;
  }
  return undefined;
}

/** Index after the next `byte`. */
function nextAfter(bytes: Uint8Array, from: number, byte: number): number {
  const near = Math.min(bytes.length, from + SHORT_BYTES);
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at + 1;
  const at = bytes.indexOf(byte, near);
  return at < 0 ? bytes.length : at + 1;
}

/** Index after the closing quote of the string whose opening quote is before `from`. */
function stringEnd(bytes: Uint8Array, from: number): number {
  for (let end = nextAfter(bytes, from, QUOTE);; end = nextAfter(bytes, end, QUOTE)) {
    let backslashes = 0;
    while (bytes[end - 2 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0 || end === bytes.length) return end;
  }
}

/** Index of the comma or closing bracket that follows the value. */
function valueEnd(bytes: Uint8Array, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = stringEnd(bytes, at + 1) - 1;
    else if (byte === OPEN[0] || byte === OPEN[1]) depth++;
    else if (byte === CLOSE[0] || byte === CLOSE[1]) {
      if (depth === 0) return at;
      depth--;
    } else if (byte === COMMA && depth === 0) return at;
  }
  return bytes.length;
}

function isText(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

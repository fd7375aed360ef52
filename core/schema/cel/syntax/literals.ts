/**
 * The value of a string or bytes literal as written, with quotes and prefix. Throws an `Error` that says what is wrong
 * with it. Bytes are UTF-8 of what is written, and `\x` and octal escapes are bytes.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
 */
export function unquoted(written: string): string | Uint8Array {
  const [, prefix = "", quote = ""] = /^([rRbB]*)("""|'''|"|')/.exec(written) ?? [];
  const text = written.slice(prefix.length + quote.length, -quote.length)
    .replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  const isBytes = /[bB]/.test(prefix);
  if (/[rR]/.test(prefix) || !text.includes("\\")) {
    return isBytes ? new TextEncoder().encode(text) : text;
  }
  return isBytes ? unescapedBytes(text) : unescapedText(text);
}

function unescapedText(text: string): string {
  let result = "";
  for (const part of partsOf(text)) {
    result += part.escape === undefined ? part.text : String.fromCodePoint(part.escape);
  }
  return result;
}

function unescapedBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const part of partsOf(text)) {
    if (part.escape !== undefined && part.isByte) bytes.push(part.escape);
    else if (part.escape === undefined) {
      for (const byte of encoder.encode(part.text)) bytes.push(byte);
    } else throw new Error("unable to unescape string");
  }
  return Uint8Array.from(bytes);
}

interface Part {
  readonly text: string;
  readonly escape?: number;
  /** The escape stands for a byte: it is written by number, or is a control character. */
  readonly isByte?: boolean;
}

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
  ["\\", 92],
  ["'", 39],
  ['"', 34],
  ["`", 96],
  ["?", 63],
]);
const NUMBERED = /[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})/y;

function* partsOf(text: string): Generator<Part> {
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("\\", at);
    if (next !== at) yield { text: text.slice(at, next < 0 ? text.length : next) };
    if (next < 0) return;
    const simple = ESCAPES.get(text[next + 1] ?? "");
    if (simple !== undefined) {
      yield { text: "", escape: simple, isByte: true };
      at = next + 2;
    } else {
      const [part, length] = numberedEscape(text, next + 1);
      yield part;
      at = next + 1 + length;
    }
  }
}

function numberedEscape(text: string, at: number): [Part, number] {
  NUMBERED.lastIndex = at;
  const match = NUMBERED.exec(text);
  if (!match) throw new Error("unable to unescape string");
  const [written, byte, short, long, octal] = match;
  const hexadecimal = byte ?? short ?? long;
  const escape = hexadecimal === undefined
    ? Number.parseInt(octal!, 8)
    : Number.parseInt(hexadecimal, 16);
  if (escape > 0x10ffff || (escape >= 0xd800 && escape <= 0xdfff)) {
    throw new Error("invalid unicode code point");
  }
  return [{ text: "", escape, isByte: short === undefined && long === undefined }, written.length];
}

/** Digits of a number that are read: no number of 64 bits has more, leading zeros aside. */
const DIGITS_MAX = 100;

/** A number of a range, without its end. @throws {RangeError} */
export function integer(sign: string, digits: string, min: bigint, end: bigint): bigint {
  if (digits.length > DIGITS_MAX) throw new RangeError("too long");
  const value = sign ? -BigInt(digits) : BigInt(digits);
  if (value < min || value >= end) throw new RangeError("out of range");
  return value;
}

/** @throws {RangeError} for what is not finite */
export function double(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new RangeError("out of range");
  return value;
}

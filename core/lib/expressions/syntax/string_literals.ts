import { ExpressionError } from "../values/expression_error.ts";

/** What reads a literal character by character. */
interface Characters {
  readonly point: string;
  skip(length: number): string;
  ahead(length: number): string;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CODE_POINT_MAX = 0x10ffff;

/** Reads a literal that begins with its quote, as Go's strings. Throws an {@linkcode ExpressionError}. */
export function stringLiteral(scan: Characters): string {
  const quote = scan.skip(1);
  let text = "";
  for (;;) {
    const point = scan.point;
    if (point === "" || point === "\n") throw new ExpressionError("literal not terminated");
    scan.skip(point.length);
    if (point === quote) return text;
    text += point === "\\" ? escaped(scan, quote) : point;
  }
}

function escaped(scan: Characters, quote: string): string {
  const char = scan.point;
  scan.skip(char.length);
  const isOtherQuote = (char === '"' || char === "'") && char !== quote;
  if (Object.hasOwn(SIMPLE, char) && !isOtherQuote) return SIMPLE[char]!;
  if (/^[0-7]$/.test(char)) return octal(scan, char);
  if (!Object.hasOwn(HEX_DIGITS, char)) throw new ExpressionError("invalid char escape");
  const length = HEX_DIGITS[char]!;
  const digits = scan.ahead(length);
  if (!new RegExp(`^[0-9a-fA-F]{${length}}$`).test(digits)) {
    throw new ExpressionError("invalid char escape");
  }
  scan.skip(length);
  return codePoint(parseInt(digits, 16));
}

function octal(scan: Characters, first: string): string {
  const digits = first + scan.ahead(2);
  if (!/^[0-7]{3}$/.test(digits)) throw new ExpressionError("invalid char escape");
  if (first > "3") throw new ExpressionError("unable to unescape string");
  scan.skip(2);
  return codePoint(parseInt(digits, 8));
}

function codePoint(code: number): string {
  if (code > CODE_POINT_MAX) throw new ExpressionError("unable to unescape string");
  return code >= 0xd800 && code < 0xe000 ? "\ufffd" : String.fromCodePoint(code);
}

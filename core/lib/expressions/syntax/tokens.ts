import { ExpressionError } from "../values/expression_error.ts";
import { stringLiteral } from "./string_literals.ts";

export type TokenKind = "Identifier" | "Number" | "String" | "Operator" | "Bracket" | "EOF";

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
}

/** A token as messages show it. */
export function tokenText({ kind, value }: Token): string {
  return value === "" ? kind : `${kind}(${JSON.stringify(value)})`;
}

const WORDS_OF_OPERATORS: ReadonlySet<string> = new Set(
  ["not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let"],
);

const SPACE = /\p{White_Space}+/uy;
const COMMENT = /\/\/[^\n]*(?:\n|$)|\/\*[^]*?\*\//y;
const WORD = /[\p{L}\p{Nd}_$]+/uy;
const NUMBER = /0(?:[xX][\da-fA-F_]*|[oO][0-7_]*|[bB][01_]*|[\d_]*)|[\d_]+/y;
const FRACTION = /\.(?!\.)[\d_]*/y;
const EXPONENT = /[eE][+-]?[\d_]*/y;
const OPERATOR = /\?[.?]?|\|\|?|[&!=*<>][&=*]?|\.\.?|##?|[/,:;%+\-^]/y;

/** The tokens of an expression, and `EOF` after them. Throws an {@linkcode ExpressionError}. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const scan = new Scan(text);
  while (!scan.isAtEnd) {
    if (scan.take(SPACE) || scan.take(COMMENT)) continue;
    tokens.push(...nextTokens(scan));
  }
  return [...tokens, { kind: "EOF", value: "" }];
}

function nextTokens(scan: Scan): Token[] {
  const char = scan.char;
  if (char === '"' || char === "'") return [{ kind: "String", value: stringLiteral(scan) }];
  if (/[0-9]/.test(char) || /^\.[0-9]/.test(scan.ahead(2))) {
    return [{ kind: "Number", value: numberIn(scan) }];
  }
  if (scan.ahead(2) === "/*") throw new ExpressionError("unclosed comment");
  if ("()[]{}".includes(char)) return [{ kind: "Bracket", value: scan.skip(1) }];
  const operator = scan.take(OPERATOR);
  if (operator?.startsWith("#")) return pointerTokens(operator, scan);
  if (operator) return [{ kind: "Operator", value: operator }];
  const word = scan.take(WORD);
  if (!word) throw new ExpressionError(`unrecognized character: ${unicodeText(scan.point)}`);
  return [{ kind: WORDS_OF_OPERATORS.has(word) ? "Operator" : "Identifier", value: word }];
}

/** `#` and, in `#index`, the name after it. */
function pointerTokens(operator: string, scan: Scan): Token[] {
  const name = scan.take(WORD);
  const pointer: Token = { kind: "Operator", value: operator };
  return name ? [pointer, { kind: "Identifier", value: name }] : [pointer];
}

function numberIn(scan: Scan): string {
  const start = scan.char === "." ? scan.skip(1) + (scan.take(/[\d_]+/y) ?? "") : scan.take(NUMBER);
  const text = `${start ?? ""}${scan.take(FRACTION) ?? ""}${scan.take(EXPONENT) ?? ""}`;
  if (!new RegExp(WORD.source, "u").test(scan.point)) return text;
  throw new ExpressionError(`bad number syntax: ${JSON.stringify(text + scan.point)}`);
}

/** As Go's `%#U`: `U+2665 '♥'`. */
function unicodeText(point: string): string {
  const hex = point.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  return `U+${hex} '${point}'`;
}

/** A place in a text that moves on. */
export class Scan {
  #at = 0;

  constructor(readonly text: string) {}

  get isAtEnd(): boolean {
    return this.#at >= this.text.length;
  }

  /** The next UTF-16 unit; empty at the end. */
  get char(): string {
    return this.text.charAt(this.#at);
  }

  /** The next code point; empty at the end. */
  get point(): string {
    const code = this.text.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  ahead(length: number): string {
    return this.text.slice(this.#at, this.#at + length);
  }

  skip(length: number): string {
    const skipped = this.ahead(length);
    this.#at += length;
    return skipped;
  }

  /** What a sticky pattern matches here, passed over; `undefined` when it matches nothing. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found) this.#at += found.length;
    return found || undefined;
  }
}

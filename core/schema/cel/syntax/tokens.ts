import type { Issue } from "../values/cel_error.ts";

export type TokenKind =
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "identifier"
  | "operator"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  readonly offset: number;
}

/** Operators, longest first. */
const OPERATORS = ["&&", "||", "==", "!=", "<=", ">=", ..."()[]{}.,?:+-*/%<>!="];
/** Each part sticky; what it matches is bounded by the text, and none can backtrack over what it took. */
const SPACE = /(?:[ \t\r\n\f]|\/\/[^\n]*)*/y;
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /0x[0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|[0-9]+[uU]?/y;
const QUOTE = /(?:[rR][bB]?|[bB][rR]?)?(?:"""|'''|"|')/y;

/**
 * The tokens of an expression, read when they are asked for: of a text that is refused soon, the rest is not looked at.
 * What is no token is an issue, and skipped.
 */
export class Tokens {
  readonly #text: string;
  readonly #issues: Issue[];
  readonly #read: Token[] = [];
  #offset: number;

  constructor(text: string, issues: Issue[]) {
    this.#text = text;
    this.#issues = issues;
    this.#offset = matchAt(SPACE, text, 0).length;
  }

  /** The token at a place; behind the last one, those of kind `end`. */
  at(index: number): Token {
    while (this.#read.length <= index) this.#read.push(this.#next());
    return this.#read[index]!;
  }

  #next(): Token {
    const text = this.#text;
    while (this.#offset < text.length) {
      const offset = this.#offset;
      const token = tokenAt(text, offset);
      this.#offset += token?.text.length ?? unknownLength(text, offset);
      this.#offset += matchAt(SPACE, text, this.#offset).length;
      if (token) return token;
      this.#issues.push({ offset, message: unknownToken(text, offset) });
    }
    return { kind: "end", text: "<EOF>", offset: text.length };
  }
}

function tokenAt(text: string, offset: number): Token | undefined {
  const quoted = quotedAt(text, offset);
  if (quoted !== undefined) return quoted;
  const identifier = matchAt(IDENTIFIER, text, offset);
  if (identifier) return { kind: "identifier", text: identifier, offset };
  const number = matchAt(NUMBER, text, offset);
  if (number) return { kind: numberKind(number), text: number, offset };
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, offset));
  return operator === undefined || operator === "="
    ? undefined
    : { kind: "operator", text: operator, offset };
}

function numberKind(text: string): TokenKind {
  if (/[uU]$/.test(text)) return "uint";
  return !text.startsWith("0x") && /[.eE]/.test(text) ? "double" : "int";
}

/** A string or bytes literal that starts here; `undefined` if none does, or it does not end. */
function quotedAt(text: string, offset: number): Token | undefined {
  const opening = matchAt(QUOTE, text, offset);
  if (!opening) return undefined;
  const quote = opening.replace(/^[rRbB]*/, "");
  const isRaw = /^.?[rR]/.test(opening.slice(0, -quote.length));
  const end = endOfQuoted(text, offset + opening.length, quote, isRaw);
  if (end === undefined) return undefined;
  const kind = /^.?[bB]/.test(opening.slice(0, -quote.length)) ? "bytes" : "string";
  return { kind, text: text.slice(offset, end), offset };
}

function endOfQuoted(
  text: string,
  start: number,
  quote: string,
  isRaw: boolean,
): number | undefined {
  for (let at = start; at < text.length; at++) {
    if (text.startsWith(quote, at)) return at + quote.length;
    if (text[at] === "\n" && quote.length === 1) return undefined;
    if (text[at] === "\\" && !isRaw) at++;
  }
  return undefined;
}

function unknownToken(text: string, offset: number): string {
  const isHalfOperator = "=&|".includes(text[offset]!);
  const length = isHalfOperator ? 2 : unknownLength(text, offset);
  const part = text.slice(offset, offset + length);
  return `Syntax error: token recognition error at: '${part.replaceAll("\n", "\\n")}'`;
}

/** How much is skipped: a literal without an end up to the end of its line, else one character. */
function unknownLength(text: string, offset: number): number {
  if (!matchAt(QUOTE, text, offset)) return text.codePointAt(offset)! > 0xffff ? 2 : 1;
  const lineEnd = text.indexOf("\n", offset);
  return (lineEnd < 0 ? text.length : lineEnd) - offset;
}

function matchAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? "";
}

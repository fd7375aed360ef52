import { CelError, describeIssues, type Issue } from "../values/cel_error.ts";
import { Uint } from "../values/values.ts";
import type { Call, Expression, MapEntry, StructField } from "./expressions.ts";
import { double, integer, unquoted } from "./literals.ts";
import { expandMacro, MacroIssue } from "./macros.ts";
import { type Token, Tokens } from "./tokens.ts";

/** Code units that an expression may have; cel-go's limit. */
export const EXPRESSION_LENGTH_MAX = 100_000;
/** Expressions in one another, and operators in a row: cel-go's limit, which also keeps our own stack small. */
const NESTING_MAX = 250;

const RESERVED = new Set(
  "as break const continue else for function if import let loop namespace package return var void while"
    .split(" "),
);
const KEYWORDS = new Set(["true", "false", "null", "in"]);
const RELATIONS = new Set(["<", "<=", ">", ">=", "==", "!=", "in"]);
const SUMS = new Set(["+", "-"]);
const PRODUCTS = new Set(["*", "/", "%"]);
const OPERAND =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/**
 * The syntax tree of an expression, macros expanded.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 *
 * @throws {CelError} of kind `syntax`
 */
export function parse(text: string): Expression {
  if (text.length > EXPRESSION_LENGTH_MAX) {
    const limit = `limit ${EXPRESSION_LENGTH_MAX}`;
    throw new CelError(
      "syntax",
      `ERROR: <input>:-1:0: expression code point size exceeds limit: size: ${text.length}, ${limit}`,
    );
  }
  return new Parser(text).parse();
}

/** Ends the parsing: the issue has been noted. */
class Stop extends Error {}

class Parser {
  readonly #text: string;
  readonly #issues: Issue[] = [];
  readonly #tokens: Tokens;
  #next = 0;
  #nesting = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = new Tokens(text, this.#issues);
  }

  parse(): Expression {
    try {
      const expression = this.#expression();
      if (this.#token.kind !== "end") this.#mismatch("<EOF>");
      if (this.#issues.length === 0) return expression;
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    throw new CelError("syntax", describeIssues(this.#text, this.#issues));
  }

  get #token(): Token {
    return this.#tokens.at(this.#next);
  }

  #is(text: string): boolean {
    const token = this.#token;
    return token.text === text && (token.kind === "operator" || token.kind === "identifier");
  }

  #take(): Token {
    const token = this.#token;
    if (token.kind !== "end") this.#next++;
    return token;
  }

  #takeIf(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  #expect(text: string): Token {
    return this.#takeIf(text) ?? this.#mismatch(`'${text}'`);
  }

  #mismatch(expected: string): never {
    const { text, offset, kind } = this.#token;
    const next = this.#tokens.at(this.#next + 1).text;
    const isExtra = kind !== "end" && (next === expected || `'${next}'` === expected);
    const fault = isExtra ? "extraneous" : "mismatched";
    return this.#stop(offset, `Syntax error: ${fault} input '${text}' expecting ${expected}`);
  }

  #stop(offset: number, message: string): never {
    this.#issues.push({ offset, message });
    throw new Stop();
  }

  /** Runs `read` one level deeper. */
  #deeper<T>(read: () => T): T {
    this.#countLevel();
    const result = read();
    this.#nesting--;
    return result;
  }

  #countLevel(): void {
    if (++this.#nesting > NESTING_MAX) {
      this.#stop(0, `expression recursion limit exceeded: ${NESTING_MAX}`);
    }
  }

  #expression(): Expression {
    return this.#deeper(() => {
      const condition = this.#logic("||", () => this.#logic("&&", () => this.#relation()));
      const mark = this.#takeIf("?");
      if (!mark) return condition;
      const whenTrue = this.#logic("||", () => this.#logic("&&", () => this.#relation()));
      this.#expect(":");
      return call("_?_:_", mark.offset, condition, whenTrue, this.#expression());
    });
  }

  /** Terms joined by `||` or `&&`, as a balanced tree. */
  #logic(operator: "||" | "&&", term: () => Expression): Expression {
    const terms = [term()];
    const offsets: number[] = [];
    for (let token = this.#takeIf(operator); token; token = this.#takeIf(operator)) {
      offsets.push(token.offset);
      terms.push(term());
    }
    return balanced(`_${operator}_`, terms, offsets, 0, offsets.length - 1);
  }

  #relation(): Expression {
    return this.#chain(RELATIONS, () => this.#sum());
  }

  #sum(): Expression {
    return this.#chain(SUMS, () => this.#chain(PRODUCTS, () => this.#unary()));
  }

  /** Operands joined by operators, from the left. */
  #chain(operators: ReadonlySet<string>, operand: () => Expression): Expression {
    const nesting = this.#nesting;
    let left = operand();
    while (this.#token.kind !== "string" && operators.has(this.#token.text)) {
      this.#countLevel();
      const { text, offset } = this.#take();
      left = call(text === "in" ? "@in" : `_${text}_`, offset, left, operand());
    }
    this.#nesting = nesting;
    return left;
  }

  #unary(): Expression {
    const sign = this.#is("!") ? "!" : this.#is("-") ? "-" : undefined;
    if (sign === undefined) return this.#member();
    const { offset } = this.#token;
    if (sign === "-" && this.#isNumberNext()) return this.#member();
    let count = 0;
    while (this.#takeIf(sign)) count++;
    const operand = this.#member();
    return count % 2 === 0 ? operand : call(`${sign}_`, offset, operand);
  }

  /** Whether a number follows on a minus sign: the sign is part of it. */
  #isNumberNext(): boolean {
    const kind = this.#tokens.at(this.#next + 1).kind;
    return kind === "int" || kind === "double";
  }

  #member(): Expression {
    const nesting = this.#nesting;
    let operand = this.#primary();
    for (;;) {
      if (this.#is(".")) operand = this.#select(operand);
      else if (this.#is("[")) operand = this.#index(operand);
      else break;
      this.#countLevel();
    }
    this.#nesting = nesting;
    return operand;
  }

  #select(operand: Expression): Expression {
    const { offset } = this.#take();
    const isOptional = this.#takeIf("?") !== undefined;
    const name = this.#token;
    if (name.kind !== "identifier" || KEYWORDS.has(name.text)) this.#mismatch("IDENTIFIER");
    this.#take();
    if (isOptional) {
      const field = { kind: "literal", offset: name.offset, value: name.text } as const;
      return call("_?._", offset, operand, field);
    }
    if (this.#is("(")) return this.#call(name.text, operand);
    return { kind: "select", offset, operand, field: name.text, test: false };
  }

  #index(operand: Expression): Expression {
    const { offset } = this.#take();
    const isOptional = this.#takeIf("?") !== undefined;
    const index = this.#expression();
    this.#expect("]");
    return call(isOptional ? "_[?_]" : "_[_]", offset, operand, index);
  }

  /** A call whose opening bracket comes next. Its offset is that of the bracket, as cel-go has it. */
  #call(name: string, target?: Expression): Expression {
    const { offset } = this.#expect("(");
    const args: Expression[] = [];
    while (!this.#is(")")) {
      args.push(this.#expression());
      if (!this.#takeIf(",")) break;
    }
    this.#expect(")");
    const made: Call = { kind: "call", offset, name, args, ...target && { target } };
    try {
      return expandMacro(made) ?? made;
    } catch (error) {
      if (!(error instanceof MacroIssue)) throw error;
      this.#issues.push({ offset: error.offset, message: error.message });
      return made;
    }
  }

  #primary(): Expression {
    const token = this.#token;
    if (token.kind === "identifier" || token.text === ".") return this.#name();
    if (token.kind !== "operator") return this.#literal();
    if (this.#takeIf("(")) {
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    if (this.#takeIf("[")) return this.#list(token.offset);
    if (this.#takeIf("{")) return this.#map(token.offset);
    return token.text === "-" && this.#isNumberNext() ? this.#literal() : this.#mismatch(OPERAND);
  }

  #name(): Expression {
    const { offset } = this.#token;
    const dot = this.#takeIf(".") ? "." : "";
    const { kind, text } = this.#take();
    const isConstant = dot === "" && (text === "true" || text === "false" || text === "null");
    if (isConstant) {
      return { kind: "literal", offset, value: text === "null" ? null : text === "true" };
    }
    if (kind !== "identifier" || KEYWORDS.has(text)) {
      this.#next--;
      this.#mismatch(OPERAND);
    }
    if (RESERVED.has(text)) this.#stop(offset, `reserved identifier: ${text}`);
    if (this.#is("(")) return this.#call(dot + text);
    const struct = this.#structName(dot + text);
    if (struct !== undefined) return this.#struct(struct);
    return { kind: "ident", offset: offset + dot.length, name: dot + text };
  }

  /** The name of a type, if what follows makes this the literal of one: `a.b.C{`. */
  #structName(first: string): string | undefined {
    let at = this.#next;
    let name = first;
    while (this.#tokens.at(at).text === "." && this.#tokens.at(at + 1).kind === "identifier") {
      name += `.${this.#tokens.at(at + 1).text}`;
      if ((at += 2) > this.#next + NESTING_MAX) return undefined;
    }
    if (this.#tokens.at(at).text !== "{") return undefined;
    this.#next = at;
    return name;
  }

  #struct(name: string): Expression {
    const { offset } = this.#expect("{");
    const fields: StructField[] = [];
    while (!this.#is("}")) {
      const optional = this.#takeIf("?") !== undefined;
      const field = this.#token;
      if (field.kind !== "identifier") this.#mismatch("IDENTIFIER");
      this.#take();
      const colon = this.#expect(":");
      const value = this.#expression();
      fields.push({ name: field.text, offset: colon.offset, value, optional });
      if (!this.#takeIf(",")) break;
    }
    this.#expect("}");
    return { kind: "struct", offset, name, fields };
  }

  #list(offset: number): Expression {
    const elements: Expression[] = [];
    const optional = new Set<number>();
    while (!this.#is("]")) {
      if (this.#takeIf("?")) optional.add(elements.length);
      elements.push(this.#expression());
      if (!this.#takeIf(",")) break;
    }
    this.#expect("]");
    return { kind: "list", offset, elements, optional };
  }

  #map(offset: number): Expression {
    const entries: MapEntry[] = [];
    while (!this.#is("}")) {
      const optional = this.#takeIf("?") !== undefined;
      const key = this.#expression();
      this.#expect(":");
      entries.push({ key, value: this.#expression(), optional });
      if (!this.#takeIf(",")) break;
    }
    this.#expect("}");
    return { kind: "map", offset, entries };
  }

  #literal(): Expression {
    const { offset } = this.#token;
    const sign = this.#takeIf("-") ? "-" : "";
    const token = this.#token;
    switch (token.kind) {
      case "int":
        return this.#number(
          offset,
          "int",
          () => integer(sign, token.text, -(2n ** 63n), 2n ** 63n),
        );
      case "uint":
        return this.#number(
          offset,
          "uint",
          () => new Uint(integer("", token.text.slice(0, -1), 0n, 2n ** 64n)),
        );
      case "double":
        return this.#number(offset, "double", () => double(sign + token.text));
      case "string":
      case "bytes":
        this.#take();
        return { kind: "literal", offset, value: this.#unquoted(token) };
      default:
        return this.#mismatch(OPERAND);
    }
  }

  #number(offset: number, type: string, value: () => bigint | number | Uint): Expression {
    this.#take();
    try {
      return { kind: "literal", offset, value: value() };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#stop(offset, `invalid ${type} literal`);
    }
  }

  #unquoted({ text, offset }: Token): string | Uint8Array {
    try {
      return unquoted(text);
    } catch (error) {
      return this.#stop(offset, (error as Error).message); // the one thing that it throws
    }
  }
}

function call(name: string, offset: number, ...args: Expression[]): Call {
  return { kind: "call", offset, name, args };
}

function balanced(
  name: string,
  terms: readonly Expression[],
  offsets: readonly number[],
  low: number,
  high: number,
): Expression {
  if (offsets.length === 0) return terms[0]!;
  const middle = (low + high + 1) >> 1;
  const left = middle === low ? terms[middle]! : balanced(name, terms, offsets, low, middle - 1);
  const right = middle === high
    ? terms[middle + 1]!
    : balanced(name, terms, offsets, middle + 1, high);
  return call(name, offsets[middle]!, left, right);
}

import { ExpressionError } from "../values/expression_error.ts";
import { isBuiltIn, PREDICATES } from "../functions/mod.ts";
import { type Node, nodeOf, type NodeShape } from "./nodes.ts";
import { numberLiteral } from "./number_literals.ts";
import { BINARY, UNARY } from "./operators.ts";
import { type Token, type TokenKind, tokensOf, tokenText } from "./tokens.ts";

/** Longer expressions are not read, in UTF-16 units. */
const TEXT_LENGTH_MAX = 10_000;
/** How deep an expression may be nested, as it is written and as a tree. */
const DEPTH_MAX = 200;

/** The tree of an expression. Throws an {@linkcode ExpressionError}, in words of antonmedv/expr 1.15 where it has any. */
export function parse(text: string): Node {
  if (text.length > TEXT_LENGTH_MAX) {
    throw new ExpressionError(`expression is longer than ${TEXT_LENGTH_MAX} characters`);
  }
  return new Parser(tokensOf(text)).all();
}

/** By precedence: https://expr-lang.org/docs/language-definition, as of 1.15. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  /** How many functions with a predicate the place is in. */
  #closures = 0;
  #nesting = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  all(): Node {
    const node = this.#expression(0);
    if (!this.#is("EOF")) throw this.#unexpected();
    return node;
  }

  get #current(): Token {
    return this.#tokens[this.#at]!;
  }

  #is(kind: TokenKind, value?: string): boolean {
    return this.#current.kind === kind && (value === undefined || this.#current.value === value);
  }

  #unexpected(): ExpressionError {
    return new ExpressionError(`unexpected token ${tokenText(this.#current)}`);
  }

  #next(): Token {
    const token = this.#current;
    if (this.#at + 1 >= this.#tokens.length) {
      throw new ExpressionError("unexpected end of expression");
    }
    this.#at++;
    return token;
  }

  #expect(kind: TokenKind, value?: string): Token {
    if (!this.#is(kind, value)) throw this.#unexpected();
    return this.#next();
  }

  #made(shape: NodeShape): Node {
    const node = nodeOf(shape);
    if (node.depth > DEPTH_MAX) throw tooDeep();
    return node;
  }

  #expression(precedence: number): Node {
    if (++this.#nesting > DEPTH_MAX) throw tooDeep();
    try {
      if (precedence === 0 && this.#is("Operator", "let")) return this.#declaration();
      const node = this.#operations(this.#primary(), precedence);
      return precedence === 0 ? this.#conditional(node) : node;
    } finally {
      this.#nesting--;
    }
  }

  #operations(first: Node, precedence: number): Node {
    let node = first;
    let previous = "";
    while (this.#is("Operator")) {
      const isNegated = this.#is("Operator", "not");
      if (isNegated) this.#next();
      const operator = this.#current.value;
      const known = BINARY.get(operator);
      if (known === undefined || known.precedence < precedence) return node;
      this.#next();
      if (operator === "|") node = this.#pipe(node);
      else {
        if (previous === "??" && operator !== "??") throw mixed(operator);
        const right = this.#expression(known.precedence + (known.isRightAssociative ? 0 : 1));
        node = this.#made({ kind: "binary", operator, left: node, right });
        if (isNegated) node = this.#made({ kind: "unary", operator: "not", node });
      }
      previous = operator;
    }
    return node;
  }

  #declaration(): Node {
    this.#expect("Operator", "let");
    const { value: name } = this.#expect("Identifier");
    this.#expect("Operator", "=");
    const value = this.#expression(0);
    this.#expect("Operator", ";");
    return this.#made({ kind: "let", name, value, node: this.#expression(0) });
  }

  #conditional(condition: Node): Node {
    let test = condition;
    while (this.#is("Operator", "?")) {
      this.#next();
      let then = test;
      if (!this.#is("Operator", ":")) then = this.#expression(0);
      this.#expect("Operator", ":");
      test = this.#made({ kind: "conditional", test, then, else: this.#expression(0) });
    }
    return test;
  }

  #primary(): Node {
    const { kind, value } = this.#current;
    const precedence = kind === "Operator" ? UNARY.get(value) : undefined;
    if (precedence !== undefined) {
      this.#next();
      const node = this.#expression(precedence);
      return this.#postfix(this.#made({ kind: "unary", operator: value, node }));
    }
    if (this.#is("Bracket", "(")) {
      this.#next();
      const node = this.#expression(0);
      this.#expect("Bracket", ")");
      return this.#postfix(node);
    }
    if (this.#is("Operator", "#") || this.#is("Operator", ".")) return this.#pointer();
    return this.#secondary();
  }

  #pointer(): Node {
    if (this.#closures === 0) {
      throw new ExpressionError("cannot use pointer accessor outside closure");
    }
    let name = "";
    if (this.#is("Operator", "#")) {
      this.#next();
      if (this.#is("Identifier")) name = this.#next().value;
    }
    return this.#postfix(this.#made({ kind: "pointer", name }));
  }

  #secondary(): Node {
    const { kind, value } = this.#current;
    if (kind === "Number") {
      this.#next();
      return numberLiteral(value);
    }
    if (kind === "String") {
      this.#next();
      return this.#made({ kind: "string", value });
    }
    if (kind === "Identifier") return this.#named();
    if (this.#is("Bracket", "[")) return this.#postfix(this.#array());
    if (this.#is("Bracket", "{")) return this.#postfix(this.#map());
    throw this.#unexpected();
  }

  #named(): Node {
    const { value: name } = this.#next();
    if (name === "true" || name === "false") {
      return this.#made({ kind: "bool", value: name === "true" });
    }
    if (name === "nil") return this.#made({ kind: "nil" });
    if (!this.#is("Bracket", "(")) {
      return this.#postfix(this.#made({ kind: "identifier", name }));
    }
    return this.#postfix(this.#call(name, []));
  }

  /** A function that is called by its name; `first`: what was piped into it. */
  #call(name: string, first: readonly Node[]): Node {
    if (PREDICATES.has(name)) {
      return this.#made({ kind: "function", name, parameters: this.#withClosure(name, first) });
    }
    const parameters = [...first, ...this.#parameters()];
    if (isBuiltIn(name)) return this.#made({ kind: "function", name, parameters });
    const callee = this.#made({ kind: "identifier", name });
    return this.#made({ kind: "call", callee, parameters });
  }

  #withClosure(name: string, first: readonly Node[]): readonly Node[] {
    this.#expect("Bracket", "(");
    const parameters = [...first];
    if (first.length === 0) {
      parameters.push(this.#expression(0));
      this.#expect("Operator", ",");
    }
    parameters.push(this.#closure());
    if (name === "reduce" && this.#is("Operator", ",")) {
      this.#next();
      parameters.push(this.#expression(0));
    }
    this.#expect("Bracket", ")");
    return parameters;
  }

  #closure(): Node {
    const hasBraces = this.#is("Bracket", "{");
    if (hasBraces) this.#next();
    this.#closures++;
    const node = this.#expression(0);
    this.#closures--;
    if (hasBraces) this.#expect("Bracket", "}");
    return this.#made({ kind: "closure", node });
  }

  #pipe(node: Node): Node {
    const { value: name } = this.#expect("Identifier");
    return this.#call(name, [node]);
  }

  #parameters(): readonly Node[] {
    this.#expect("Bracket", "(");
    const nodes: Node[] = [];
    while (!this.#is("Bracket", ")")) {
      if (nodes.length > 0) this.#expect("Operator", ",");
      nodes.push(this.#expression(0));
    }
    this.#next();
    return nodes;
  }

  #array(): Node {
    this.#expect("Bracket", "[");
    const items: Node[] = [];
    while (!this.#is("Bracket", "]")) {
      if (items.length > 0) this.#expect("Operator", ",");
      if (items.length > 0 && this.#is("Bracket", "]")) break;
      items.push(this.#expression(0));
    }
    this.#expect("Bracket", "]");
    return this.#made({ kind: "array", items });
  }

  #map(): Node {
    this.#expect("Bracket", "{");
    const pairs: (readonly [Node, Node])[] = [];
    while (!this.#is("Bracket", "}")) {
      if (pairs.length > 0) this.#expect("Operator", ",");
      if (pairs.length > 0 && this.#is("Bracket", "}")) break;
      if (pairs.length > 0 && this.#is("Operator", ",")) throw this.#unexpected();
      const key = this.#mapKey();
      this.#expect("Operator", ":");
      pairs.push([key, this.#expression(0)]);
    }
    this.#expect("Bracket", "}");
    return this.#made({ kind: "map", pairs });
  }

  #mapKey(): Node {
    if (this.#is("Number") || this.#is("String") || this.#is("Identifier")) {
      return this.#made({ kind: "string", value: this.#next().value });
    }
    if (this.#is("Bracket", "(")) return this.#expression(0);
    throw new ExpressionError(
      "a map key must be a quoted string, a number, a identifier, or an expression enclosed in " +
        `parentheses (unexpected token ${tokenText(this.#current)})`,
    );
  }

  #postfix(first: Node): Node {
    let node = first;
    for (;;) {
      if (this.#is("Operator", ".") || this.#is("Operator", "?.")) node = this.#member(node);
      else if (this.#is("Bracket", "[")) node = this.#index(node);
      else return node;
    }
  }

  #member(base: Node): Node {
    const isOptional = this.#next().value === "?.";
    const { kind, value } = this.#next();
    const isName = kind === "Identifier" || kind === "Operator" && /^[\p{L}_$]/u.test(value);
    if (!isName) throw new ExpressionError("expected name");
    const node = base.kind === "chain" ? base.node : base;
    const property = this.#made({ kind: "string", value });
    let member = this.#made({ kind: "member", node, property, isOptional });
    if (this.#is("Bracket", "(")) {
      member = this.#made({ kind: "call", callee: member, parameters: this.#parameters() });
    }
    const isChain = base.kind === "chain" || isOptional;
    return isChain ? this.#made({ kind: "chain", node: member }) : member;
  }

  #index(node: Node): Node {
    this.#expect("Bracket", "[");
    const from = this.#is("Operator", ":") ? undefined : this.#expression(0);
    if (from && !this.#is("Operator", ":")) {
      this.#expect("Bracket", "]");
      return this.#made({ kind: "member", node, property: from, isOptional: false });
    }
    this.#expect("Operator", ":");
    const to = this.#is("Bracket", "]") ? undefined : this.#expression(0);
    this.#expect("Bracket", "]");
    return this.#made({ kind: "slice", node, ...(from && { from }), ...(to && { to }) });
  }
}

function tooDeep(): ExpressionError {
  return new ExpressionError(`expression is nested more than ${DEPTH_MAX} levels deep`);
}

function mixed(operator: string): ExpressionError {
  return new ExpressionError(
    `Operator (${operator}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.`,
  );
}

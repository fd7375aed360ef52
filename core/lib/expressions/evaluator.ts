import { compilePattern, type Pattern, PatternError } from "../patterns/pattern.ts";
import {
  type Arithmetic,
  asserted,
  compare,
  type Comparison,
  compute,
  equal,
  negated,
  toInteger,
} from "./values/arithmetic.ts";
import { Budget } from "./values/budget.ts";
import type { Names } from "./checker.ts";
import { ExpressionError } from "./values/expression_error.ts";
import { PREDICATES } from "./functions/mod.ts";
import { fetch, isAmongTexts, isIn, kindOf, sliced } from "./values/members.ts";
import type { Node } from "./syntax/nodes.ts";
import { PredicateRun, type PredicateScope } from "./predicates.ts";
import { type Dictionary, HostFunction, type Value } from "./values/values.ts";

/** Steps of the machine that matches patterns which count as one of ours. */
const PATTERN_STEPS_PER_STEP = 2;
/** What it takes to compile a pattern that is made by the expression, by its length. */
const PATTERN_STEPS = 2_000;
const PATTERN_STEPS_PER_CHARACTER = 500;
/** What an optional member of nil makes of the chain that it is in. */
const CUT = Symbol("cut");
type Outcome = Value | typeof CUT;

/** The value of a checked expression. Throws an {@linkcode ExpressionError}, also when it takes too long. */
export function valueOf(node: Node, names: Names): Value {
  return new Evaluator(names).value(node);
}

class Evaluator {
  readonly #names: Names;
  readonly #budget = new Budget();
  readonly #scopes: PredicateScope[] = [];
  readonly #variables: (readonly [string, Value])[] = [];
  readonly #patterns = new Map<string, Pattern>();

  constructor(names: Names) {
    this.#names = names;
  }

  value(node: Node): Value {
    const outcome = this.#outcome(node);
    return outcome === CUT ? null : outcome;
  }

  #outcome(node: Node): Outcome {
    this.#budget.step();
    switch (node.kind) {
      case "nil":
        return null;
      case "bool":
      case "integer":
      case "float":
      case "string":
        return node.value;
      case "identifier":
        return this.#named(node.name);
      case "pointer":
        return this.#pointer(node.name);
      case "unary":
        return this.#unary(node.operator, this.value(node.node));
      case "binary":
        return this.#binary(node);
      case "chain":
      case "closure":
        return this.value(node.node);
      case "conditional":
        return this.value(asserted(this.value(node.test), "bool") ? node.then : node.else);
      case "member":
        return this.#member(node);
      case "slice":
        return this.#slice(node);
      case "call":
        return this.#call(node);
      case "function":
        return this.#function(node);
      case "let":
        return this.#let(node);
      case "array":
        this.#budget.list(node.items.length);
        return node.items.map((item) => this.value(item));
      case "map":
        return this.#map(node);
    }
  }

  #named(name: string): Value {
    const variable = this.#variables.findLast(([known]) => known === name);
    if (variable) return variable[1];
    if (name === "$env") {
      return Object.assign(emptyDictionary(), Object.fromEntries(this.#names.values));
    }
    return this.#names.values.get(name) ?? null;
  }

  #pointer(name: string): Value {
    const scope = this.#scopes.at(-1)!;
    if (name === "acc") return scope.total;
    return name === "index" ? BigInt(scope.index) : scope.list[scope.index]!;
  }

  #unary(operator: string, value: Value): Value {
    if (operator === "+") return value;
    return operator === "-" ? negated(value) : !asserted(value, "bool");
  }

  #binary(node: Node & { kind: "binary" }): Value {
    const { operator, left, right } = node;
    const one = this.value(left);
    if (operator === "??") return one ?? this.value(right);
    if (operator === "and" || operator === "&&") {
      return asserted(one, "bool") ? this.value(right) : false;
    }
    if (operator === "or" || operator === "||") {
      return asserted(one, "bool") ? true : this.value(right);
    }
    if (operator === "in") return this.#membership(one, right);
    return this.#operation(operator, one, this.value(right));
  }

  #operation(operator: string, one: Value, two: Value): Value {
    switch (operator) {
      case "==":
        return equal(one, two, this.#budget);
      case "!=":
        return !equal(one, two, this.#budget);
      case "matches":
      case "contains":
      case "startsWith":
      case "endsWith":
        return this.#textual(operator, one, two);
      case "..":
        return this.#range(toInteger(one), toInteger(two));
      case "<":
      case ">":
      case "<=":
      case ">=":
        return compare(operator as Comparison, one, two, this.#budget);
      default:
        return compute(operator as Arithmetic, one, two, this.#budget);
    }
  }

  #membership(needle: Value, haystack: Node): boolean {
    const texts = literalTexts(haystack);
    return texts ? isAmongTexts(needle, texts) : isIn(needle, this.value(haystack), this.#budget);
  }

  #textual(operator: string, one: Value, two: Value): boolean {
    const part = asserted(two, "string");
    const text = asserted(one, "string");
    this.#budget.read(text, part);
    if (operator === "contains") return text.includes(part);
    if (operator === "startsWith") return text.startsWith(part);
    if (operator === "endsWith") return text.endsWith(part);
    return this.#pattern(part).test(
      text,
      (steps) => this.#budget.step(steps / PATTERN_STEPS_PER_STEP),
    );
  }

  #pattern(text: string): Pattern {
    const known = this.#patterns.get(text);
    if (known) return known;
    this.#budget.step(PATTERN_STEPS + text.length * PATTERN_STEPS_PER_CHARACTER);
    try {
      const pattern = compilePattern(text);
      this.#patterns.set(text, pattern);
      return pattern;
    } catch (error) {
      if (error instanceof PatternError) throw new ExpressionError(error.message);
      throw error;
    }
  }

  #range(from: bigint, to: bigint): Value {
    const size = Number(to - from) + 1;
    if (size <= 0) return new BigInt64Array(0);
    this.#budget.list(size);
    const range = new BigInt64Array(size);
    for (let i = 0, value = from; i < size; i++, value++) range[i] = value;
    return range;
  }

  #member({ node, property, isOptional }: Node & { kind: "member" }): Outcome {
    const base = this.#outcome(node);
    if (base === CUT || isOptional && base === null) return CUT;
    return fetch(base, this.value(property), this.#budget);
  }

  #slice({ node, from, to }: Node & { kind: "slice" }): Value {
    const value = this.value(node);
    const end = to && this.value(to);
    return sliced(value, [from ? this.value(from) : 0n, end], this.#budget);
  }

  #call({ callee, parameters }: Node & { kind: "call" }): Outcome {
    const given = parameters.map((parameter) => this.value(parameter));
    const called = this.#outcome(callee);
    if (called === CUT) return CUT;
    if (!(called instanceof HostFunction)) {
      const kind = called === null ? "zero" : kindOf(called);
      throw new ExpressionError(`reflect: call of reflect.Value.Call on ${kind} Value`);
    }
    const fitted = given.map((value, i) => {
      if (called.parameters[i] !== "float64") return value;
      const isLiteral = typeof value === "bigint" && hasInteger(parameters[i]!);
      return isLiteral ? Number(value) : asserted(value, "float64");
    });
    return called.call(...fitted);
  }

  #function({ name, parameters }: Node & { kind: "function" }): Value {
    if (PREDICATES.has(name)) return this.#predicate(name, parameters);
    const values = parameters.map((parameter) => this.value(parameter));
    return this.#names.builtIns.get(name)!.call(values, this.#budget);
  }

  #predicate(name: string, [collection, closure, initial]: readonly Node[]): Value {
    const run = new PredicateRun(this.value(collection!), this.#budget, (scope) => {
      this.#scopes.push(scope);
      const value = this.value(closure!);
      this.#scopes.pop();
      return value;
    });
    return run.result(name, initial && (() => this.value(initial)));
  }

  #let({ name, value, node }: Node & { kind: "let" }): Value {
    this.#variables.push([name, this.value(value)]);
    const result = this.value(node);
    this.#variables.pop();
    return result;
  }

  #map({ pairs }: Node & { kind: "map" }): Dictionary {
    this.#budget.grow(pairs.length);
    const fields = emptyDictionary();
    for (const [key, value] of pairs) {
      fields[asserted(this.value(key), "string")] = this.value(value);
    }
    return fields;
  }
}

/** Without a prototype: no name means anything in it before it is set. */
function emptyDictionary(): { [key: string]: Value } {
  return Object.create(null);
}

/** The texts of a literal list that has nothing else. */
function literalTexts(node: Node): readonly string[] | undefined {
  if (node.kind !== "array" || node.items.length === 0) return undefined;
  const texts = node.items.flatMap((item) => item.kind === "string" ? [item.value] : []);
  return texts.length === node.items.length ? texts : undefined;
}

/** Whether integers are written in a sum or product, which are floats where a float is wanted. */
function hasInteger(node: Node): boolean {
  if (node.kind === "integer") return true;
  if (node.kind === "unary") return hasInteger(node.node);
  return node.kind === "binary" && ["+", "-", "*"].includes(node.operator) &&
    (hasInteger(node.left) || hasInteger(node.right));
}

import { ExpressionError } from "./values/expression_error.ts";
import type { BuiltIn } from "./functions/built_in.ts";
import { refuseMisfits } from "./functions/built_in.ts";
import { isBuiltIn, PREDICATES } from "./functions/mod.ts";
import type { Node } from "./syntax/nodes.ts";
import { binaryType } from "./operator_types.ts";
import {
  elementOf,
  isAssignable,
  isDictionaryType,
  isInteger,
  isListType,
  isNumber,
  listOf,
} from "./values/value_types.ts";
import {
  ANY,
  DICTIONARY,
  functionType,
  HostFunction,
  LIST,
  NIL,
  type Type,
  typeOf,
  type Value,
} from "./values/values.ts";

export interface Names {
  readonly values: ReadonlyMap<string, Value>;
  readonly builtIns: ReadonlyMap<string, BuiltIn>;
}

/** A list that a predicate is in, and what it can name there. */
interface Scope {
  readonly list: Type;
  readonly pointers: ReadonlyMap<string, Type>;
}

/**
 * The type of an expression where the names have these values; ANY when only evaluation tells. Throws an
 * {@linkcode ExpressionError} for what can never be evaluated, in the words of antonmedv/expr.
 */
export function typeOfExpression(node: Node, names: Names): Type {
  return new Checker(names).visit(node);
}

class Checker {
  readonly #names: Names;
  readonly #scopes: Scope[] = [];
  readonly #variables: (readonly [string, Type])[] = [];
  /** The type that all elements of a literal list have, where there is one. */
  readonly #items = new Map<Node, Type>();

  constructor(names: Names) {
    this.#names = names;
  }

  visit(node: Node): Type {
    switch (node.kind) {
      case "nil":
        return NIL;
      case "bool":
      case "string":
        return node.kind;
      case "integer":
        return "int";
      case "float":
        return "float64";
      case "identifier":
        return this.#identifier(node.name);
      case "pointer":
        return this.#pointer(node.name);
      case "unary":
        return unaryType(node.operator, this.visit(node.node));
      case "binary":
        return this.#binary(node);
      case "conditional":
        return this.#conditional(node);
      case "member":
        return this.#member(node);
      case "chain":
      case "closure":
        return this.visit(node.node);
      case "slice":
        return this.#slice(node);
      case "call":
        return this.#call(node);
      case "function":
        return this.#function(node);
      case "let":
        return this.#let(node);
      case "array":
        return this.#list(node);
      case "map":
        return this.#map(node);
    }
  }

  #binary(node: Node & { kind: "binary" }): Type {
    const [left, right] = [this.visit(node.left), this.visit(node.right)];
    return binaryType(node, left, right, this.#items.get(node.right));
  }

  #list(node: Node & { kind: "array" }): Type {
    const types = node.items.map((item) => this.visit(item));
    const [first = NIL] = types;
    if (first !== NIL && types.every((type) => type === first)) this.#items.set(node, first);
    return LIST;
  }

  #map({ pairs }: Node & { kind: "map" }): Type {
    pairs.flat().forEach((part) => this.visit(part));
    return DICTIONARY;
  }

  #identifier(name: string): Type {
    const variable = this.#variables.findLast(([known]) => known === name);
    if (variable) return variable[1];
    if (name === "$env") return DICTIONARY;
    if (isBuiltIn(name)) return "func(...interface {}) (interface {}, error)";
    const { values } = this.#names;
    if (!values.has(name)) throw new ExpressionError(`unknown name ${name}`);
    return typeOf(values.get(name)!);
  }

  #pointer(name: string): Type {
    const scope = this.#scopes.at(-1);
    if (!scope) throw new ExpressionError("cannot use pointer accessor outside closure");
    if (name === "") return scope.list === ANY ? ANY : elementOf(scope.list);
    const type = scope.pointers.get(name);
    if (type === undefined) throw new ExpressionError(`unknown pointer #${name}`);
    return type;
  }

  #conditional({ test, then, else: other }: Node & { kind: "conditional" }): Type {
    const type = this.visit(test);
    if (type !== "bool" && type !== ANY) {
      throw new ExpressionError(`non-bool expression (type ${type}) used as condition`);
    }
    const [one, two] = [this.visit(then), this.visit(other)];
    if (one === NIL) return two;
    if (two === NIL) return one;
    return isAssignable(one, two) ? one : ANY;
  }

  #member({ node, property, isOptional }: Node & { kind: "member" }): Type {
    const [base, key] = [this.visit(node), this.visit(property)];
    if (node.kind === "identifier" && node.name === "$env") {
      if (property.kind !== "string") return ANY;
      if (isOptional && !this.#names.values.has(property.value)) return ANY;
      return this.#identifier(property.value);
    }
    if (base === NIL && property.kind === "string") {
      throw new ExpressionError(`type ${base} has no field ${property.value}`);
    }
    if (base === ANY) return ANY;
    if (isDictionaryType(base)) {
      if (key === NIL || key === "string" || key === ANY) return ANY;
      throw new ExpressionError(`cannot use ${key} to get an element from ${base}`);
    }
    if (isListType(base)) {
      if (isInteger(key) || key === ANY) return elementOf(base);
      throw new ExpressionError(
        `array elements can only be selected using an integer (got ${key})`,
      );
    }
    throw new ExpressionError(`type ${base}[${key}] is undefined`);
  }

  #slice({ node, from, to }: Node & { kind: "slice" }): Type {
    const type = this.visit(node);
    if (type !== ANY && type !== "string" && !isListType(type)) {
      throw new ExpressionError(`cannot slice ${type}`);
    }
    for (const bound of [from, to]) {
      const is = bound ? this.visit(bound) : "int";
      if (!isInteger(is) && is !== ANY) {
        throw new ExpressionError(`non-integer slice index ${is}`);
      }
    }
    return type;
  }

  #call({ callee, parameters }: Node & { kind: "call" }): Type {
    const type = this.visit(callee);
    const name = calledName(callee);
    if (type === NIL) throw new ExpressionError(`${name} is nil; cannot call nil as function`);
    if (type === ANY) return ANY;
    const named = callee.kind === "identifier" ? this.#names.values.get(callee.name) : undefined;
    if (!(named instanceof HostFunction) || type !== functionType(named)) {
      throw new ExpressionError(`${type} is not callable`);
    }
    refuseMisfits(name, named, parameters.map((parameter) => this.visit(parameter)));
    return named.result;
  }

  #function({ name, parameters }: Node & { kind: "function" }): Type {
    if (PREDICATES.has(name)) return this.#predicate(name, parameters);
    const types = parameters.map((parameter) => this.visit(parameter));
    return this.#names.builtIns.get(name)!.check(types);
  }

  #predicate(name: string, [collection, closure, initial]: readonly Node[]): Type {
    const list = this.visit(collection!);
    if (!isListType(list) && list !== ANY) {
      throw new ExpressionError(`builtin ${name} takes only array (got ${list})`);
    }
    this.#scopes.push({ list, pointers: pointersOf(name) });
    const type = this.visit(closure!);
    this.#scopes.pop();
    if (type === NIL) throw new ExpressionError("closure cannot be nil");
    if (initial) this.visit(initial);
    if (name === "map") return listOf(type);
    if (name === "reduce") return type;
    if (type !== "bool" && type !== ANY) {
      throw new ExpressionError(`predicate should return boolean (got ${type})`);
    }
    if (name === "filter") return list === ANY ? LIST : list;
    if (name === "find" || name === "findLast") return list === ANY ? ANY : elementOf(list);
    return ["count", "findIndex", "findLastIndex"].includes(name) ? "int" : "bool";
  }

  #let({ name, value, node }: Node & { kind: "let" }): Type {
    const { values } = this.#names;
    if (values.has(name)) throw new ExpressionError(`cannot redeclare ${name}`);
    if (isBuiltIn(name)) throw new ExpressionError(`cannot redeclare builtin ${name}`);
    if (this.#variables.some(([known]) => known === name)) {
      throw new ExpressionError(`cannot redeclare variable ${name}`);
    }
    this.#variables.push([name, this.visit(value)]);
    const type = this.visit(node);
    this.#variables.pop();
    return type;
  }
}

function unaryType(operator: string, type: Type): Type {
  if (operator === "!" || operator === "not") {
    if (type === "bool" || type === ANY) return "bool";
  } else if (isNumber(type) || type === ANY) return type;
  throw new ExpressionError(`invalid operation: ${operator} (mismatched type ${type})`);
}

function calledName(callee: Node): string {
  if (callee.kind === "identifier") return callee.name;
  const isNamed = callee.kind === "member" && callee.property.kind === "string";
  return isNamed ? (callee.property as Node & { kind: "string" }).value : "function";
}

function pointersOf(name: string): ReadonlyMap<string, Type> {
  if (name === "reduce") return new Map([["index", "int"], ["acc", ANY]]);
  return name === "map" ? new Map([["index", "int"]]) : new Map();
}

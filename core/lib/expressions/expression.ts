import { typeOfExpression } from "./checker.ts";
import { valueOf } from "./evaluator.ts";
import { folded } from "./folding.ts";
import { builtInsBy } from "./functions/mod.ts";
import type { Node } from "./syntax/nodes.ts";
import { parse } from "./syntax/parser.ts";
import { type Type, typeOf, type Value } from "./values/values.ts";

export { ExpressionError } from "./values/expression_error.ts";

/** What an expression may use. */
export interface Environment {
  /** By name: values, and functions as `HostFunction`. */
  readonly values: ReadonlyMap<string, Value>;
  /** The present, for `now()`. */
  nowMs(): number;
}

/** A value, and its type by Go's name: more exact than the value, which does not tell `int` from `int64`. */
export interface Result {
  readonly value: Value;
  readonly type: Type;
}

/**
 * An expression in the language of antonmedv/expr 1.15 (now expr-lang), compiled once: comparisons, `and or not`,
 * arithmetic, `in`, `matches` (RE2), members, `? :`, `??`, `let`, lists, maps, predicates as `all(x, {# > 1})` and
 * functions. https://expr-lang.org/docs/language-definition. Left out of it: `groupBy`, `toJSON`, `toPairs`,
 * `fromPairs`, layouts of `date`, methods of times.
 */
export class Expression {
  readonly #node: Node;

  /** Throws an {@linkcode ExpressionError}. */
  constructor(text: string) {
    this.#node = parse(text);
  }

  /**
   * Evaluates it, within bounds of steps and memory. Reaches nothing but what the environment has: of dictionaries their
   * own fields, of nothing its prototype. Throws nothing but an {@linkcode ExpressionError}.
   */
  evaluate({ values, nowMs }: Environment): Result {
    const names = { values, builtIns: builtInsBy(nowMs) };
    const known = typeOfExpression(this.#node, names);
    const value = valueOf(folded(this.#node), names);
    return { value, type: known === "int64" ? known : typeOf(value) };
  }
}

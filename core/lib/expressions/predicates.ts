import { asserted } from "./values/arithmetic.ts";
import type { Budget } from "./values/budget.ts";
import { ExpressionError } from "./values/expression_error.ts";
import { kindOf } from "./values/members.ts";
import { isList, type List, type Value } from "./values/values.ts";

/** Where in a list a predicate is asked. */
export interface PredicateScope {
  readonly list: List;
  readonly index: number;
  /** What `reduce` has so far. */
  readonly total: Value;
}

/** Elements that are listed in one step, before any is looked at. */
const ELEMENTS_PER_STEP = 4;

/** One call of a function that asks a predicate about the elements of a list, in order. */
export class PredicateRun {
  readonly #list: List;
  readonly #budget: Budget;
  readonly #ask: (scope: PredicateScope) => Value;

  /** Throws an {@linkcode ExpressionError} when there is no list. */
  constructor(list: Value, budget: Budget, ask: (scope: PredicateScope) => Value) {
    if (!isList(list)) {
      const kind = list === null ? "zero" : kindOf(list);
      throw new ExpressionError(`reflect: call of reflect.Value.Len on ${kind} Value`);
    }
    budget.step(list.length / ELEMENTS_PER_STEP);
    this.#list = list;
    this.#budget = budget;
    this.#ask = ask;
  }

  result(name: string, initial: (() => Value) | undefined): Value {
    switch (name) {
      case "all":
        return this.#first((holds) => !holds) === undefined;
      case "none":
        return this.#first((holds) => holds) === undefined;
      case "any":
        return this.#first((holds) => holds) !== undefined;
      case "one":
        return this.#matching().length === 1;
      case "count":
        return BigInt(this.#matching().length);
      case "filter":
        return this.#made(this.#matching().map((index) => this.#list[index]!));
      case "map":
        return this.#made(this.#indexes().map((index) => this.#at(index)));
      case "reduce":
        return this.#reduced(initial);
      default:
        return this.#found(name);
    }
  }

  #found(name: string): Value {
    const isLast = name.startsWith("findLast");
    const index = this.#first((holds) => holds, isLast);
    if (index === undefined) return null;
    return name.endsWith("Index") ? BigInt(index) : this.#list[index]!;
  }

  #indexes(): number[] {
    return Array.from({ length: this.#list.length }, (_, index) => index);
  }

  #at(index: number, total: Value = null): Value {
    return this.#ask({ list: this.#list, index, total });
  }

  #holds(index: number): boolean {
    return asserted(this.#at(index), "bool");
  }

  #first(fits: (holds: boolean) => boolean, isLast = false): number | undefined {
    const indexes = isLast ? this.#indexes().reverse() : this.#indexes();
    return indexes.find((index) => fits(this.#holds(index)));
  }

  #matching(): number[] {
    return this.#indexes().filter((index) => this.#holds(index));
  }

  #made(items: Value[]): Value {
    this.#budget.list(items.length);
    return items;
  }

  #reduced(initial: (() => Value) | undefined): Value {
    if (!initial && this.#list.length === 0) {
      throw new ExpressionError("reflect: slice index out of range");
    }
    const [total, start] = initial ? [initial(), 0] : [this.#list[0]!, 1];
    return this.#indexes().slice(start).reduce<Value>((so, index) => this.#at(index, so), total);
  }
}

import type { Budget } from "../values/budget.ts";
import { ExpressionError } from "../values/expression_error.ts";
import { isAssignable, isInteger } from "../values/value_types.ts";
import { ANY, NIL, type Type, type Value } from "../values/values.ts";

/** What a function is called with; what is left out is not there. */
export type Values = readonly (Value | undefined)[];

/** A function that the language has. */
export interface BuiltIn {
  /** The type of its result. Throws an {@linkcode ExpressionError} when it cannot be called so. */
  check(types: readonly Type[]): Type;
  call(values: Values, budget: Budget): Value;
}

/** One way to call a function. */
export interface Signature {
  readonly parameters: readonly Type[];
  readonly result: Type;
}

/** Refuses parameters that do not fit, in the words of antonmedv/expr. */
export function refuseMisfits(
  name: string,
  { parameters }: Signature,
  types: readonly Type[],
): void {
  if (types.length > parameters.length) {
    throw new ExpressionError(`too many arguments to call ${name}`);
  }
  if (types.length < parameters.length) {
    throw new ExpressionError(`not enough arguments to call ${name}`);
  }
  for (const [i, type] of types.entries()) {
    const wanted = parameters[i]!;
    if (isInteger(type) && (wanted === "float64" || isInteger(wanted))) continue;
    if (type === NIL || type === ANY || isAssignable(type, wanted)) continue;
    throw new ExpressionError(
      `cannot use ${type} as argument (type ${wanted}) to call ${name} `,
    );
  }
}

/** A function that is called in one of several ways; the first that fits counts. */
export function overloaded(
  name: string,
  signatures: readonly Signature[],
  call: BuiltIn["call"],
): readonly [string, BuiltIn] {
  const check = (types: readonly Type[]): Type => {
    let last: unknown;
    for (const signature of signatures) {
      try {
        refuseMisfits(name, signature, types);
        return signature.result;
      } catch (error) {
        last = error; // of the last one, as antonmedv/expr says it
      }
    }
    throw last;
  };
  return [name, { check, call }];
}

/** A function with so many parameters, of which the first is of a type that `fits`. */
export function checked(
  name: string,
  counts: readonly number[],
  check: (types: readonly Type[]) => Type,
  call: BuiltIn["call"],
): readonly [string, BuiltIn] {
  return [name, {
    check(types) {
      if (counts.includes(types.length)) return check(types);
      const expected = counts.join(" or ");
      throw new ExpressionError(
        `invalid number of arguments (expected ${expected}, got ${types.length})`,
      );
    },
    call,
  }];
}

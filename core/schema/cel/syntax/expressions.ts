import type { Value } from "../values/values.ts";

/** A parsed expression. Macros are expanded: a comprehension says what they do. Offsets are in UTF-16 units. */
export type Expression =
  | Literal
  | Ident
  | Select
  | Call
  | ListLiteral
  | MapLiteral
  | StructLiteral
  | Comprehension;

export interface Literal {
  readonly kind: "literal";
  readonly offset: number;
  readonly value: Value;
}

export interface Ident {
  readonly kind: "ident";
  readonly offset: number;
  readonly name: string;
}

/** `operand.field`, or with `test` whether it is there: `has(operand.field)`. */
export interface Select {
  readonly kind: "select";
  readonly offset: number;
  readonly operand: Expression;
  readonly field: string;
  readonly test: boolean;
}

/** A function, or an operator under the name that cel-go gives it: `_+_`, `_[_]`, `_?_:_`. */
export interface Call {
  readonly kind: "call";
  readonly offset: number;
  readonly name: string;
  readonly target?: Expression;
  readonly args: readonly Expression[];
}

export interface ListLiteral {
  readonly kind: "list";
  readonly offset: number;
  readonly elements: readonly Expression[];
  /** Elements written `?x`: left out when `x` is an empty optional. */
  readonly optional: ReadonlySet<number>;
}

export interface MapLiteral {
  readonly kind: "map";
  readonly offset: number;
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: Expression;
  readonly value: Expression;
  readonly optional: boolean;
}

/** `Name{field: value}`. */
export interface StructLiteral {
  readonly kind: "struct";
  readonly offset: number;
  readonly name: string;
  readonly fields: readonly StructField[];
}

export interface StructField {
  readonly name: string;
  readonly offset: number;
  readonly value: Expression;
  readonly optional: boolean;
}

/**
 * A fold: `accuVar` starts as `init`; for each element of `range`, as long as `condition` is not false, it becomes
 * `step`; then the value is `result`. With two variables, the first is index or key.
 */
export interface Comprehension {
  readonly kind: "comprehension";
  readonly offset: number;
  readonly range: Expression;
  readonly iterVar: string;
  readonly iterVar2?: string;
  readonly accuVar: string;
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}

/** The variable in which macros collect: no name that can be written. */
export const ACCUMULATOR = "@result";

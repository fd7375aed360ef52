import type { Expression } from "../syntax/expressions.ts";
import type { Meter } from "../values/meter.ts";
import type { Value } from "../values/values.ts";

/** The values of the variables of an expression, asked for when they are needed. */
export interface Bindings {
  /** `undefined` for a variable that has no value: evaluation fails where it is used. */
  get(name: string): Value | undefined;
}

/** One evaluation. */
export interface Frame {
  readonly bindings: Bindings;
  readonly meter: Meter;
  /** Variables of macros, each at its own place. */
  readonly locals: Value[];
}

/** A part of an expression, ready to run. */
export interface Step {
  evaluate(frame: Frame): Value;
  /** The value, when it is always the same; known when the expression is compiled. */
  readonly constant?: { readonly value: Value };
  /**
   * Of names and what is selected from them: evaluates without the cost of the name itself. That is how cel-go counts
   * branches of `?:` and indexes.
   */
  readonly bare?: (frame: Frame) => Value;
}

/** Makes steps of the parts of an expression. */
export interface Planning {
  plan(node: Expression): Step;
  /** Runs `make` with places for variables of a macro. */
  withLocals<T>(names: readonly string[], make: (places: readonly number[]) => T): T;
}

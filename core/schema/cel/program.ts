import { CelError } from "./values/cel_error.ts";
import { check, type Checked } from "./check/checker.ts";
import { checkLiteralArguments } from "./check/literal_arguments.ts";
import { checkLiterals } from "./check/literals.ts";
import type { Environment } from "./check/environment.ts";
import type { Bindings, Step } from "./evaluate/frame.ts";
import { plan } from "./evaluate/plan.ts";
import { parse } from "./syntax/parser.ts";
import type { CelType } from "./types/cel_types.ts";
import { Meter } from "./values/meter.ts";
import { Failure, type Value } from "./values/values.ts";

/** What one evaluation may cost; Kubernetes' limit. */
export const CALL_COST_MAX = 1_000_000;

/** What came of an evaluation, and what it cost. `isOverBudget` when it was ended for that. */
export type Outcome =
  | { readonly value: Exclude<Value, Failure>; readonly cost: number }
  | { readonly error: string; readonly isOverBudget: boolean; readonly cost: number };

/**
 * Compiles an expression of CEL as Kubernetes 1.34 does: parsed, its types checked, ready to run.
 *
 * @throws {CelError} with cel-go's text, its place marked; nothing else is ever thrown
 */
export function compile(text: string, environment: Environment): Program {
  try {
    const checked = check(text, parse(text), environment);
    checkLiteralArguments(text, checked);
    checkLiterals(text, checked);
    return new Program(text, checked);
  } catch (error) {
    if (error instanceof CelError) return rethrow(error);
    if (error instanceof RangeError) {
      throw new CelError("syntax", "expression is nested too deeply");
    }
    throw error;
  }
}

function rethrow(error: CelError): never {
  throw error.kind === "budget" ? new CelError("type", error.message) : error;
}

/** A compiled expression. Evaluating it changes nothing: it can be kept and run at any time. */
export class Program {
  readonly text: string;
  /** Of its value. */
  readonly type: CelType;
  readonly checked: Checked;
  readonly #step: Step;
  readonly #locals: number;

  constructor(text: string, checked: Checked) {
    const { step, locals } = plan(checked);
    this.text = text;
    this.type = checked.type;
    this.checked = checked;
    this.#step = step;
    this.#locals = locals;
  }

  /** Evaluates with these variables, at the cost of at most `costMax`. Never throws. */
  evaluate(bindings: Bindings, costMax: number = CALL_COST_MAX): Outcome {
    const meter = new Meter(costMax);
    const locals = new Array<Value>(this.#locals).fill(null);
    try {
      const value = this.#step.evaluate({ bindings, meter, locals });
      return value instanceof Failure
        ? { error: value.message, isOverBudget: false, cost: meter.cost }
        : { value, cost: meter.cost };
    } catch (error) {
      const isOverBudget = error instanceof CelError || error instanceof RangeError;
      if (!isOverBudget) throw error;
      return {
        error: "operation cancelled: actual cost limit exceeded",
        isOverBudget,
        cost: meter.cost,
      };
    }
  }
}

import type {
  CompiledExpression,
  CompiledPolicy,
} from "../../../resources/admissionregistration/policy_expressions.ts";
import type { Bindings } from "../../../schema/cel/evaluate/frame.ts";
import { CALL_COST_MAX } from "../../../schema/cel/program.ts";
import { Failure, MapValue, type Value } from "../../../schema/cel/values/values.ts";

/** What the expressions of one policy may cost for one request, and those that decide whether it applies. */
export const POLICY_COST_MAX = 10_000_000;
export const CONDITIONS_COST_MAX = 2_500_000;

/** Evaluates expressions about one request, until together they have cost too much. */
export class Evaluation {
  readonly bindings: Bindings;
  #left: number;

  constructor(bindings: Bindings, costMax: number) {
    this.bindings = bindings;
    this.#left = costMax;
  }

  /** The value; or what is wrong, in the words of Kubernetes. */
  evaluate(expression: CompiledExpression): { value: Value } | { error: string } {
    if ("fault" in expression) return { error: `compilation error: ${expression.fault}` };
    const outcome = this.run(expression);
    if ("value" in outcome) return outcome;
    return this.#left < 0
      ? { error: OUT_OF_BUDGET }
      : { error: `expression '${expression.text}' resulted in error: ${outcome.error}` };
  }

  /** The same without saying which expression it was: for a part of another one. */
  run(expression: CompiledExpression): { value: Value } | { error: string } {
    if ("fault" in expression) return { error: expression.fault };
    if (this.#left < 0) return { error: OUT_OF_BUDGET };
    const outcome = expression.program.evaluate(this.bindings, CALL_COST_MAX);
    this.#left -= outcome.cost;
    return this.#left < 0 ? { error: OUT_OF_BUDGET } : outcome;
  }
}

const OUT_OF_BUDGET =
  "validation failed due to running out of cost budget, no further validation rules will be run";

/** Whether all conditions hold. One that is false decides, whatever is wrong with others. */
export function conditionsHold(
  conditions: CompiledPolicy["matchConditions"],
  bindings: Bindings,
): boolean | { error: string } {
  const evaluation = new Evaluation(bindings, CONDITIONS_COST_MAX);
  const errors: string[] = [];
  for (const { expression } of conditions) {
    const outcome = evaluation.evaluate(expression);
    if ("error" in outcome) errors.push(outcome.error);
    else if (outcome.value === false) return false;
  }
  if (errors.length === 0) return true;
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]` };
}

/** The variable `variables` of a policy: each is evaluated once, when it is needed. */
export class PolicyVariables extends MapValue implements Bindings {
  readonly #variables: ReadonlyMap<string, CompiledExpression>;
  readonly #request: Bindings;
  readonly #values = new Map<string, Value>();
  evaluation: Evaluation | undefined;

  constructor(variables: CompiledPolicy["variables"], request: Bindings) {
    super();
    this.#variables = new Map(variables.map(({ name, expression }) => [name, expression]));
    this.#request = request;
  }

  /** Of `variables` itself and of all other variables by name; of a variable of the policy as a key. */
  get(name: Value): Value | undefined {
    if (typeof name !== "string") return undefined;
    if (!this.#values.has(name)) {
      const expression = this.#variables.get(name);
      if (!expression) return undefined;
      this.#values.set(name, this.#evaluate(name, expression));
    }
    return this.#values.get(name);
  }

  #evaluate(name: string, expression: CompiledExpression): Value {
    const outcome = this.evaluation!.run(expression);
    if (!("error" in outcome)) return outcome.value;
    const verb = "fault" in expression ? "compile" : "evaluate";
    return new Failure(
      `composited variable ${JSON.stringify(name)} fails to ${verb}: ${outcome.error}`,
    );
  }

  /** The variables of the request, and `variables`. */
  get bindings(): Bindings {
    return { get: (name) => name === "variables" ? this : this.#request.get(name) };
  }

  get size(): number {
    return this.#variables.size;
  }

  keys(): Iterable<Value> {
    return this.#variables.keys();
  }
}

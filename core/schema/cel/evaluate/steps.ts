import { found, missing } from "../functions/operators.ts";
import { Failure, OptionalValue, typeNameOf, type Value } from "../values/values.ts";
import type { Frame, Step } from "./frame.ts";

/** `operand.field`, or whether it is there. */
export function selectStep(
  operand: Step,
  field: string,
  { test, optional }: { test: boolean; optional: boolean },
): Step {
  const bare = (frame: Frame) =>
    qualified(frame, operandOf(operand, frame), field, { test, optional });
  return test ? { evaluate: bare } : chainStep(operand, bare);
}

/** `operand[index]`, or as an optional. */
export function indexStep(operand: Step, index: Step, optional: boolean): Step {
  const options = { test: false, optional };
  return chainStep(operand, (frame) => {
    const target = operandOf(operand, frame);
    if (target instanceof Failure) return target;
    const key = operandOf(index, frame);
    return key instanceof Failure ? key : qualified(frame, target, key, options);
  });
}

/** What is selected from: names are counted by the chain that they begin, once. */
function operandOf(operand: Step, frame: Frame): Value {
  return operand.bare ? operand.bare(frame) : operand.evaluate(frame);
}

/** A chain costs one more than its links, unless it begins with `?:`. */
function chainStep(operand: Step, bare: (frame: Frame) => Value): Step {
  if (operand.bare && operand.evaluate === operand.bare) return { bare, evaluate: bare };
  return {
    bare,
    evaluate(frame) {
      frame.meter.charge(1);
      return bare(frame);
    },
  };
}

function qualified(
  { meter }: Frame,
  operand: Value,
  key: Value,
  { test, optional }: { test: boolean; optional: boolean },
): Value {
  if (operand instanceof Failure) return operand;
  const isWrapped = operand instanceof OptionalValue;
  const target = isWrapped ? operand.value : operand;
  if (target === undefined) return test ? false : operand;
  const value = found(target, key);
  if (value instanceof Failure) return value;
  if (value !== undefined || (!optional && !isWrapped)) meter.charge(1);
  if (test) return value !== undefined;
  if (optional || isWrapped) return new OptionalValue(value);
  return value === undefined ? missing(target, key) : value;
}

/** `&&`, or `||` with `decisive` true: a value that decides passes over errors. */
export function logicStep(terms: readonly Step[], decisive: boolean): Step {
  return {
    evaluate(frame) {
      let failure: Failure | undefined;
      for (const term of terms) {
        const value = term.evaluate(frame);
        if (value === decisive) return decisive;
        if (value === !decisive) continue;
        failure ??= value instanceof Failure ? value : new Failure("no such overload");
      }
      return failure ?? !decisive;
    },
  };
}

/** `condition ? whenTrue : whenFalse`. Names in the branches cost nothing themselves. */
export function conditionStep(condition: Step, whenTrue: Step, whenFalse: Step): Step {
  const evaluate = (frame: Frame): Value => {
    const value = condition.evaluate(frame);
    if (value instanceof Failure) return value;
    if (typeof value !== "boolean") {
      return new Failure(`no such overload: _?_:_(${typeNameOf(value)})`);
    }
    return operandOf(value ? whenTrue : whenFalse, frame);
  };
  return { evaluate, bare: evaluate };
}

/** Whether a fold goes on: errors do not end it, since a later element may decide. */
export function notStrictlyFalseStep(operand: Step): Step {
  return {
    evaluate(frame) {
      const value = operand.evaluate(frame);
      frame.meter.charge(1);
      return value !== false;
    },
  };
}

/** `x.or(y)` and `x.orValue(y)`: y is evaluated when x is empty only, and the call costs nothing. */
export function fallbackStep(name: string, first: Step, second: Step): Step {
  return {
    evaluate(frame) {
      const value = first.evaluate(frame);
      if (value instanceof Failure) return value;
      if (!(value instanceof OptionalValue)) {
        return new Failure(`no such overload: ${typeNameOf(value)}.${name}()`);
      }
      if (value.value === undefined) return second.evaluate(frame);
      return name === "or" ? value : value.value;
    },
  };
}

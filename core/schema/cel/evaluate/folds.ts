import type { Call, Comprehension, Expression } from "../syntax/expressions.ts";
import {
  ArrayList,
  EntryMap,
  Failure,
  ListValue,
  MapValue,
  typeNameOf,
  type Value,
} from "../values/values.ts";
import { LIST_COST } from "./costs.ts";
import type { Frame, Planning, Step } from "./frame.ts";

/** Steps of a fold, with the places of its variables. */
interface Fold {
  readonly range: Step;
  readonly init: (frame: Frame) => Value;
  readonly condition: Step;
  readonly step: Step;
  readonly result: Step;
  readonly accumulator: number;
  readonly variables: readonly number[];
}

/** A macro that goes over a list or a map. */
export function planFold(node: Comprehension, planner: Planning): Step {
  const range = planner.plan(node.range);
  const init = planner.plan(node.init);
  const names = [node.iterVar, ...node.iterVar2 === undefined ? [] : [node.iterVar2]];
  return planner.withLocals([node.accuVar], ([accumulator]) => {
    const result = planner.plan(node.result);
    return planner.withLocals(names, (variables) => {
      const fold: Fold = {
        range,
        init: (frame) => ownCopy(init.evaluate(frame)),
        condition: planner.plan(node.condition),
        step: planStep(node.step, node, planner, accumulator!),
        result,
        accumulator: accumulator!,
        variables,
      };
      return { evaluate: (frame) => run(fold, frame) };
    });
  });
}

/** What a fold collects in is its own: a constant `[]` would be filled for all evaluations. */
function ownCopy(value: Value): Value {
  if (value instanceof ArrayList && value.size === 0) return new ArrayList([]);
  return value instanceof EntryMap && value.size === 0 ? new EntryMap() : value;
}

/** `accumulator + [element]` appends in place, at the cost of the sum: the list is nobody else's. */
function planStep(
  step: Expression,
  node: Comprehension,
  planner: Planning,
  accumulator: number,
): Step {
  if (step.kind === "call" && step.name === "_?_:_" && isAppend(step.args[1], node)) {
    const condition = planner.plan(step.args[0]!);
    const append = appendStep(step.args[1] as Call, planner, accumulator);
    return {
      evaluate(frame) {
        const value = condition.evaluate(frame);
        if (value === true) return append.evaluate(frame);
        if (value === false) return frame.locals[accumulator]!;
        return value instanceof Failure
          ? value
          : new Failure(`no such overload: _?_:_(${typeNameOf(value)})`);
      },
    };
  }
  return isAppend(step, node) ? appendStep(step as Call, planner, accumulator) : planner.plan(step);
}

function isAppend(step: Expression | undefined, { accuVar, init }: Comprehension): boolean {
  if (step?.kind !== "call" || step.name !== "_+_" || init.kind !== "list") return false;
  const [left, right] = step.args;
  return left?.kind === "ident" && left.name === accuVar && right?.kind === "list" &&
    right.elements.length === 1 && right.optional.size === 0;
}

function appendStep(step: Call, planner: Planning, accumulator: number): Step {
  const list = step.args[1] as Extract<Expression, { kind: "list" }>; // isAppend has looked
  const element = planner.plan(list.elements[0]!);
  const cost = 2 + (element.constant ? 0 : LIST_COST); // the name, the sum, the list
  return {
    evaluate(frame) {
      const value = element.evaluate(frame);
      frame.meter.charge(cost);
      if (value instanceof Failure) return value;
      const collected = frame.locals[accumulator]!;
      if (!(collected instanceof ArrayList)) return collected; // an error of an earlier element
      collected.items.push(value);
      return collected;
    },
  };
}

function run(fold: Fold, frame: Frame): Value {
  const range = fold.range.evaluate(frame);
  if (range instanceof Failure) return range;
  const { locals } = frame;
  const outer = locals[fold.accumulator]!;
  locals[fold.accumulator] = fold.init(frame);
  if (range instanceof ListValue) overList(fold, frame, range);
  else if (range instanceof MapValue) overMap(fold, frame, range);
  else return new Failure(`got '${typeNameOf(range)}', expected iterable type`);
  const result = fold.result.evaluate(frame);
  locals[fold.accumulator] = outer;
  return result;
}

function overList(fold: Fold, frame: Frame, list: ListValue): void {
  const [first, second] = fold.variables;
  for (let index = 0; index < list.size; index++) {
    if (second === undefined) frame.locals[first!] = list.at(index);
    else {
      frame.locals[first!] = BigInt(index);
      frame.locals[second] = list.at(index);
    }
    if (!goesOn(fold, frame)) return;
  }
}

function overMap(fold: Fold, frame: Frame, map: MapValue): void {
  const [first, second] = fold.variables;
  for (const key of map.keys()) {
    frame.locals[first!] = key;
    if (second !== undefined) frame.locals[second] = map.get(key)!;
    if (!goesOn(fold, frame)) return;
  }
}

/** Takes one element in; false when none are to follow. */
function goesOn(fold: Fold, frame: Frame): boolean {
  frame.meter.work(1);
  if (fold.condition.evaluate(frame) === false) return false;
  frame.locals[fold.accumulator] = fold.step.evaluate(frame);
  return true;
}

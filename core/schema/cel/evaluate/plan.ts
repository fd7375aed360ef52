import { CelError } from "../values/cel_error.ts";
import type { Checked } from "../check/checker.ts";
import { CONVERTING } from "../functions/conversions.ts";
import { isOfType, type Overload } from "../functions/overloads.ts";
import type { Call, Expression, Ident, ListLiteral, MapLiteral } from "../syntax/expressions.ts";
import { isNumber } from "../values/equality.ts";
import { Meter } from "../values/meter.ts";
import {
  ArrayList,
  EntryMap,
  Failure,
  ListValue,
  OptionalValue,
  typeNameOf,
  TypeValue,
  type Value,
} from "../values/values.ts";
import { callCostOf, LIST_COST, MAP_COST } from "./costs.ts";
import { planFold } from "./folds.ts";
import type { Frame, Planning, Step } from "./frame.ts";
import {
  conditionStep,
  fallbackStep,
  indexStep,
  logicStep,
  notStrictlyFalseStep,
  selectStep,
} from "./steps.ts";

/** What a constant may cost that is worked out when an expression is compiled. */
const CONSTANT_COST_MAX = 100_000;

const FALLBACKS: ReadonlySet<string> = new Set(["optional_or_optional", "optional_orValue_value"]);
const MATCHING: ReadonlySet<string> = new Set(["matches", "find", "findAll"]);

/** Turns a checked expression into a step that evaluates it. Throws a {@linkcode CelError} for a wrong constant. */
export function plan(checked: Checked): { step: Step; locals: number } {
  const planner = new Planner(checked);
  return { step: planner.plan(checked.expression), locals: planner.localsMax };
}

class Planner implements Planning {
  readonly #checked: Checked;
  readonly #locals: string[] = [];
  localsMax = 0;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  plan(node: Expression): Step {
    switch (node.kind) {
      case "literal":
        return constantStep(node.value);
      case "ident":
        return this.#nameStep(node);
      case "select": {
        if (this.#checked.names.has(node)) return this.#nameStep(node);
        return selectStep(this.plan(node.operand), node.field, {
          test: node.test,
          optional: false,
        });
      }
      case "call":
        return this.#callStep(node);
      case "list":
        return this.#listStep(node);
      case "map":
        return this.#mapStep(node);
      case "struct":
        throw new CelError("type", `unsupported type: ${node.name}`);
      case "comprehension":
        return planFold(node, this);
    }
  }

  withLocals<T>(names: readonly string[], make: (places: readonly number[]) => T): T {
    const start = this.#locals.length;
    this.#locals.push(...names);
    this.localsMax = Math.max(this.localsMax, this.#locals.length);
    const made = make(names.map((_, index) => start + index));
    this.#locals.length = start;
    return made;
  }

  #nameStep(node: Expression): Step {
    const name = this.#checked.names.get(node) ?? (node as Ident).name;
    const place = this.#locals.lastIndexOf(name);
    if (place >= 0) return chargedStep(({ locals }) => locals[place]!);
    const type = this.#checked.types.get(node)!;
    if (type.kind === "type") {
      const value = new TypeValue(type.params[0]?.name ?? name);
      return chargedStep(({ bindings }) => orElse(bindings.get(name), value));
    }
    const missing = new Failure(`no such attribute(s): ${name}`);
    return chargedStep(({ bindings }) => orElse(bindings.get(name), missing));
  }

  #callStep(node: Call): Step {
    const args = node.args;
    switch (node.name) {
      case "_&&_":
        return logicStep(args.map((arg) => this.plan(arg)), false);
      case "_||_":
        return logicStep(args.map((arg) => this.plan(arg)), true);
      case "_?_:_":
        return conditionStep(this.plan(args[0]!), this.plan(args[1]!), this.plan(args[2]!));
      case "_[_]":
      case "_[?_]":
        return indexStep(this.plan(args[0]!), this.plan(args[1]!), node.name === "_[?_]");
      case "_?._": {
        const { value } = args[1] as { value: string }; // the parser makes no other
        return selectStep(this.plan(args[0]!), value, { test: false, optional: true });
      }
      case "@not_strictly_false":
        return notStrictlyFalseStep(this.plan(args[0]!));
      default:
        return this.#functionStep(node);
    }
  }

  #functionStep(node: Call): Step {
    const { overloads, name, isMember } = this.#checked.calls.get(node)!;
    const all = isMember ? [node.target!, ...node.args] : node.args;
    const steps = all.map((arg) => this.plan(arg));
    if (overloads.length === 1 && FALLBACKS.has(overloads[0]!.id)) {
      return fallbackStep(name, steps[0]!, steps[1]!);
    }
    const step = invocation(name, overloads, steps);
    const isConstant = steps.length === 1 && steps[0]!.constant && CONVERTING.has(name);
    if (isConstant) return worked(step);
    const isMembership = overloads.length === 1 && overloads[0]!.id === "in_list";
    return isMembership ? membershipStep(step, steps) : step;
  }

  #listStep({ elements, optional }: ListLiteral): Step {
    const steps = elements.map((element) => this.plan(element));
    if (optional.size === 0 && steps.every(({ constant }) => constant)) {
      return constantStep(new ArrayList(steps.map(({ constant }) => constant!.value)));
    }
    return {
      evaluate(frame) {
        const items: Value[] = [];
        let failure: Value | undefined;
        for (const [index, step] of steps.entries()) {
          const value = step.evaluate(frame);
          if (value instanceof Failure) {
            failure = value;
            break;
          }
          const isOptional = optional.has(index) && value instanceof OptionalValue;
          if (!isOptional) items.push(value);
          else if (value.value !== undefined) items.push(value.value);
        }
        frame.meter.charge(LIST_COST);
        return failure ?? new ArrayList(items);
      },
    };
  }

  #mapStep({ entries }: MapLiteral): Step {
    const steps = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const step: Step = {
      evaluate(frame) {
        const made = mapOf(steps, frame);
        frame.meter.charge(MAP_COST);
        return made;
      },
    };
    const isConstant = steps.every(({ key, value, optional }) =>
      !optional && key.constant && value.constant
    );
    return isConstant ? worked(step) : step;
  }
}

function mapOf(
  steps: readonly { key: Step; value: Step; optional: boolean }[],
  frame: Frame,
): Value {
  const map = new EntryMap();
  for (const { key, value, optional } of steps) {
    const name = key.evaluate(frame);
    if (name instanceof Failure) return name;
    const entry = value.evaluate(frame);
    if (entry instanceof Failure) return entry;
    const isKey = isNumber(name) || typeof name === "string" || typeof name === "boolean";
    if (!isKey) return new Failure(`unsupported key type: ${typeNameOf(name)}`);
    const isOptional = optional && entry instanceof OptionalValue;
    const content = isOptional ? entry.value : entry;
    if (content !== undefined && !map.insert(name, content)) {
      return new Failure(`Failed with repeated key: ${String(name)}`);
    }
  }
  return map;
}

export function constantStep(value: Value): Step {
  return { constant: { value }, evaluate: () => value };
}

/** Not `??`: null is a value. */
function orElse(value: Value | undefined, fallback: Value): Value {
  return value === undefined ? fallback : value;
}

/** A step that costs one, unless it is evaluated bare. */
function chargedStep(bare: (frame: Frame) => Value): Step {
  return {
    bare,
    evaluate(frame) {
      frame.meter.charge(1);
      return bare(frame);
    },
  };
}

/** The value of a step that needs nothing of an evaluation. */
function worked(step: Step): Step {
  const meter = new Meter(CONSTANT_COST_MAX);
  const value = step.evaluate({ meter, bindings: new Map(), locals: [] });
  if (value instanceof Failure) throw new CelError("type", value.message);
  return constantStep(value);
}

function invocation(name: string, overloads: readonly Overload[], steps: readonly Step[]): Step {
  const isPattern = MATCHING.has(name) && steps[1]?.constant !== undefined;
  const stopsAtFailure = isPattern || steps.length > 2; // there cel-go does not count the call, either
  const costOf = callCostOf(name, overloads);
  return {
    evaluate(frame) {
      const args: Value[] = [];
      let failure: Failure | undefined;
      for (const step of steps) {
        const value = step.evaluate(frame);
        args.push(value);
        if (!(value instanceof Failure)) continue;
        failure ??= value;
        if (stopsAtFailure) return value;
      }
      frame.meter.charge(costOf ? costOf(args, frame.meter) : 1);
      return failure ?? invoke(name, overloads, args, frame.meter);
    },
  };
}

function invoke(
  name: string,
  overloads: readonly Overload[],
  args: readonly Value[],
  meter: Meter,
): Value {
  for (const overload of overloads) {
    if (fits(overload, args)) return overload.run(args, meter);
  }
  return new Failure(`no such overload: ${name}(${args.map(typeNameOf).join(", ")})`);
}

function fits({ args: types }: Overload, args: readonly Value[]): boolean {
  for (let index = 0; index < args.length; index++) {
    if (!isOfType(args[index]!, types[index]!)) return false;
  }
  return true;
}

/** `x in [constants]`: cel-go looks it up, and does not count it. */
function membershipStep(step: Step, [value, list]: readonly Step[]): Step {
  const elements = list!.constant?.value;
  if (!(elements instanceof ListValue)) return step;
  if (elements.size === 0) return constantStep(false);
  const all = Array.from({ length: elements.size }, (_, index) => elements.at(index));
  if (all.some((item) => item !== null && typeof item === "object" && !isNumber(item))) return step;
  const known = new EntryMap(all.map((item) => [item, item] as const));
  return {
    evaluate(frame) {
      const given = value!.evaluate(frame);
      if (given instanceof Failure) return given;
      return known.get(given) !== undefined || (given === null && all.includes(null));
    },
  };
}

import type { Value } from "../values/values.ts";
import { ACCUMULATOR, type Call, type Comprehension, type Expression } from "./expressions.ts";

/** A macro that is used wrongly. */
export class MacroIssue extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

type Expand = (call: Call) => Expression | undefined;

/**
 * Macros by name and number of arguments; those called on something have a dot before. What they become follows
 * cel-go's, since costs are counted by it.
 */
const MACROS: ReadonlyMap<string, Expand> = new Map<string, Expand>([
  ["has/1", has],
  ...["all", "exists", "exists_one", "existsOne"].flatMap((name): [string, Expand][] => [
    [`.${name}/2`, (call) => quantifier(call, name)],
    [`.${name}/3`, (call) => quantifier(call, name)],
  ]),
  [".map/2", (call) => mapped(call, undefined, call.args[1]!)],
  [".map/3", (call) => mapped(call, call.args[1]!, call.args[2]!)],
  [".filter/2", (call) => mapped(call, call.args[1]!, call.args[0]!)],
  [".transformList/3", (call) => listed(call, undefined, call.args[2]!)],
  [".transformList/4", (call) => listed(call, call.args[2]!, call.args[3]!)],
  [".transformMap/3", (call) => keyed(call, undefined, call.args[2]!)],
  [".transformMap/4", (call) => keyed(call, call.args[2]!, call.args[3]!)],
  [".transformMapEntry/3", (call) => merged(call, undefined, call.args[2]!)],
  [".transformMapEntry/4", (call) => merged(call, call.args[2]!, call.args[3]!)],
  [".optMap/2", (call) => whenPresent(call, true)],
  [".optFlatMap/2", (call) => whenPresent(call, false)],
  [".sortBy/2", sortedBy],
]);

/** What a call becomes if it is one of a macro. @throws {MacroIssue} */
export function expandMacro(call: Call): Expression | undefined {
  const key = `${call.target ? "." : ""}${call.name}/${call.args.length}`;
  return MACROS.get(key)?.(call);
}

function has({ args: [field] }: Call): Expression {
  if (field?.kind !== "select") {
    throw new MacroIssue(field!.offset, "invalid argument to has() macro");
  }
  return { ...field, test: true };
}

function quantifier(call: Call, name: string): Comprehension {
  const predicate = call.args.at(-1)!;
  const make = maker(call);
  const variables = call.args.length === 3
    ? pairOfVariables(call)
    : { iterVar: variable(call.args[0]!, "argument must be a simple name") };
  const base = { ...make.base, ...variables };
  if (name === "all") {
    return {
      ...base,
      init: make.literal(true),
      condition: make.call("@not_strictly_false", make.accumulator()),
      step: make.call("_&&_", make.accumulator(), predicate),
    };
  }
  if (name === "exists") {
    return {
      ...base,
      init: make.literal(false),
      condition: make.call("@not_strictly_false", make.call("!_", make.accumulator())),
      step: make.call("_||_", make.accumulator(), predicate),
    };
  }
  const oneMore = make.call("_+_", make.accumulator(), make.literal(1n));
  return {
    ...base,
    init: make.literal(0n),
    condition: make.literal(true),
    step: make.call("_?_:_", predicate, oneMore, make.accumulator()),
    result: make.call("_==_", make.accumulator(), make.literal(1n)),
  };
}

function mapped(call: Call, filter: Expression | undefined, element: Expression): Comprehension {
  const iterVar = variable(call.args[0]!, "argument is not an identifier");
  return { ...collected(call, filter, element), iterVar };
}

function listed(call: Call, filter: Expression | undefined, element: Expression): Comprehension {
  return { ...collected(call, filter, element), ...pairOfVariables(call) };
}

/** A fold that appends `element`, of all or of those that `filter` lets pass. */
function collected(call: Call, filter: Expression | undefined, element: Expression) {
  const make = maker(call);
  const append = make.call("_+_", make.accumulator(), make.list([element]));
  return folded(call, make.list([]), filter, append);
}

function keyed(call: Call, filter: Expression | undefined, value: Expression): Comprehension {
  const variables = pairOfVariables(call);
  const make = maker(call);
  const key: Expression = { kind: "ident", offset: call.args[0]!.offset, name: variables.iterVar };
  const insert = make.call("cel.@mapInsert", make.accumulator(), key, value);
  return { ...folded(call, make.map(), filter, insert), ...variables };
}

function merged(call: Call, filter: Expression | undefined, entries: Expression): Comprehension {
  const make = maker(call);
  const insert = make.call("cel.@mapInsert", make.accumulator(), entries);
  return { ...folded(call, make.map(), filter, insert), ...pairOfVariables(call) };
}

function folded(call: Call, init: Expression, filter: Expression | undefined, step: Expression) {
  const make = maker(call);
  return {
    ...make.base,
    init,
    condition: make.literal(true),
    step: filter ? make.call("_?_:_", filter, step, make.accumulator()) : step,
  };
}

/** `x.optMap(v, f)`: `x.hasValue() ? optional.of(f with v = x.value()) : optional.none()`. */
function whenPresent(call: Call, wrap: boolean): Expression {
  const make = maker(call);
  const name = variable(
    call.args[0]!,
    `${call.name}() variable name must be a simple identifier`,
  );
  const input = make.ident("@target");
  const inner = bound(call, name, make.member(input, "value"), call.args[1]!);
  const present = wrap ? make.call("optional.of", inner) : inner;
  const choice = make.call(
    "_?_:_",
    make.member(input, "hasValue"),
    present,
    make.call("optional.none"),
  );
  return bound(call, "@target", call.target!, choice);
}

/** `x.sortBy(v, key)`: the elements of x in the order of their keys. */
function sortedBy(call: Call): Expression {
  const make = maker(call);
  const input = make.ident("@sortByInput");
  variable(call.args[0]!, "sortBy can only be applied to a list, with a simple variable");
  const keys = mapped({ ...call, target: input }, undefined, call.args[1]!);
  const sorted = make.member(input, "@sortByAssociatedKeys", keys);
  return bound(call, "@sortByInput", call.target!, sorted);
}

/** `result` with a name for a value in it: a fold over nothing. */
function bound(call: Call, name: string, value: Expression, result: Expression): Comprehension {
  const make = maker(call);
  return {
    ...make.base,
    range: make.list([]),
    iterVar: "#unused",
    accuVar: name,
    init: value,
    condition: make.literal(false),
    step: make.ident(name),
    result,
  };
}

function pairOfVariables({ args }: Call): { iterVar: string; iterVar2: string } {
  const message = "argument must be an identifier";
  const [iterVar, iterVar2] = [variable(args[0]!, message), variable(args[1]!, message)];
  if (iterVar === iterVar2) {
    throw new MacroIssue(args[1]!.offset, `duplicate variable name: ${iterVar}`);
  }
  return { iterVar, iterVar2 };
}

function variable(argument: Expression, message: string): string {
  if (argument.kind !== "ident" || argument.name.startsWith(".")) {
    throw new MacroIssue(argument.offset, message);
  }
  if (argument.name === "__result__") {
    throw new MacroIssue(
      argument.offset,
      "iteration variable overwrites accumulator variable",
    );
  }
  return argument.name;
}

/** Makes expressions that stand where the call stood. */
function maker({ offset, target }: Call) {
  const ident = (name: string): Expression => ({ kind: "ident", offset, name });
  return {
    base: {
      kind: "comprehension" as const,
      offset,
      range: target!,
      accuVar: ACCUMULATOR,
      result: ident(ACCUMULATOR),
    },
    ident,
    accumulator: (): Expression => ident(ACCUMULATOR),
    literal: (value: Value): Expression => ({ kind: "literal", offset, value }),
    list: (elements: Expression[]): Expression => ({
      kind: "list",
      offset,
      elements,
      optional: new Set(),
    }),
    map: (): Expression => ({ kind: "map", offset, entries: [] }),
    call: (name: string, ...args: Expression[]): Expression => ({
      kind: "call",
      offset,
      name,
      args,
    }),
    member: (target: Expression, name: string, ...args: Expression[]): Expression => ({
      kind: "call",
      offset,
      name,
      target,
      args,
    }),
  };
}

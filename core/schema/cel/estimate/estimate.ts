import type { Checked } from "../check/checker.ts";
import { LIST_COST, MAP_COST, STRUCT_COST } from "../evaluate/costs.ts";
import {
  ACCUMULATOR,
  type Call,
  type Comprehension,
  type Expression,
} from "../syntax/expressions.ts";
import type { CelType } from "../types/cel_types.ts";
import { type Argument, type CallEstimate, estimateCall } from "./calls.ts";
import { EMPTY, exactly, product, type Range, sum, union, UNKNOWN } from "./ranges.ts";

/** The size of what lies at a path such as `self`, `items`, `@items`; `undefined` when nothing is known. */
export type SizeAt = (path: readonly string[]) => Range | undefined;

/**
 * What an expression can cost at least and at most, whatever it is evaluated on.
 * Source: cel-go checker/cost.go, whose estimates decide which rules Kubernetes takes.
 */
export function estimateCost(checked: Checked, sizeAt: SizeAt): Range {
  return new Estimator(checked, sizeAt).cost(checked.expression);
}

/** Sizes of the keys and the values of a list or a map. */
interface Entries {
  readonly isList: boolean;
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly path: readonly string[];
  readonly size: Range | undefined;
  readonly entries: Entries | undefined;
}

const ONE = exactly(1);

class Estimator {
  readonly #checked: Checked;
  readonly #sizeAt: SizeAt;
  readonly #paths = new Map<Expression, readonly string[]>();
  readonly #sizes = new Map<Expression, Range>();
  readonly #entries = new Map<Expression, Entries>();
  readonly #locals = new Map<string, Local[]>();

  constructor(checked: Checked, sizeAt: SizeAt) {
    this.#checked = checked;
    this.#sizeAt = sizeAt;
  }

  cost(node: Expression): Range {
    switch (node.kind) {
      case "literal":
        return exactly(0);
      case "ident":
        return this.#name(node, node.name);
      case "select":
        return this.#select(node);
      case "call":
        return this.#call(node);
      case "list":
        return this.#list(node);
      case "map":
        return this.#map(node);
      case "struct":
        return sum(exactly(STRUCT_COST), ...node.fields.map(({ value }) => this.cost(value)));
      case "comprehension":
        return isBinding(node) ? this.#binding(node) : this.#fold(node);
    }
  }

  #name(node: Expression, name: string): Range {
    this.#paths.set(node, this.#localOf(name)?.path ?? [name]);
    return ONE;
  }

  #localOf(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #select(node: Extract<Expression, { kind: "select" }>): Range {
    const name = this.#checked.names.get(node);
    if (name !== undefined) return this.#name(node, name);
    const operand = this.cost(node.operand);
    if (node.test) return operand;
    this.#paths.set(node, [...this.#pathOf(node.operand), node.field]);
    const { kind } = this.#typeOf(node.operand);
    return kind === "map" || kind === "struct" || kind === "param" ? sum(operand, ONE) : operand;
  }

  #typeOf(node: Expression): CelType {
    return this.#checked.types.get(node)!;
  }

  #pathOf(node: Expression): readonly string[] {
    const local = node.kind === "ident" ? this.#localOf(node.name) : undefined;
    return local?.path ?? this.#paths.get(node) ?? [];
  }

  #sizeOf(node: Expression): Range | undefined {
    const known = this.#sizes.get(node) ?? literalSize(node);
    if (known) return known;
    const path = this.#pathOf(node);
    const atPath = path.length && path[0] !== ACCUMULATOR ? this.#sizeAt(path) : undefined;
    if (atPath) this.#sizes.set(node, atPath);
    if (atPath ?? isScalar(this.#typeOf(node))) return atPath ?? ONE;
    return node.kind === "ident" ? this.#localOf(node.name)?.size : undefined;
  }

  #entriesOf(node: Expression): Entries | undefined {
    const local = node.kind === "ident" ? this.#localOf(node.name) : undefined;
    return this.#entries.get(node) ?? local?.entries;
  }

  #list(node: Extract<Expression, { kind: "list" }>): Range {
    const costs = node.elements.map((element) => this.cost(element));
    this.#entries.set(node, { isList: true, key: ONE, value: this.#sizeOfAny(node.elements) });
    return sum(exactly(LIST_COST), ...costs);
  }

  #map(node: Extract<Expression, { kind: "map" }>): Range {
    const costs = node.entries.map(({ key, value }) => sum(this.cost(key), this.cost(value)));
    const key = this.#sizeOfAny(node.entries.map((entry) => entry.key));
    const value = this.#sizeOfAny(node.entries.map((entry) => entry.value));
    this.#entries.set(node, { isList: false, key, value });
    return sum(exactly(MAP_COST), ...costs);
  }

  #sizeOfAny(nodes: readonly Expression[]): Range {
    if (nodes.length === 0) return exactly(0);
    return nodes.reduce((all, node) => union(all, this.#sizeOf(node) ?? UNKNOWN), EMPTY);
  }

  #call(node: Call): Range {
    if (node.name === "dyn") {
      const cost = this.cost(node.args[0]!);
      this.#copySizes(node, node.args[0]!);
      return sum(ONE, cost);
    }
    const args = node.name === "_?._" ? [node.args[0]!] : node.args;
    const costs = args.map((argument) => this.cost(argument));
    const resolution = this.#checked.calls.get(node);
    if (!resolution) return sum(...costs);
    const { name, isMember, overloads } = resolution;
    const target = isMember ? node.target! : undefined;
    const targetCost = target ? this.cost(target) : exactly(0);
    let all = EMPTY;
    let size: Range | undefined;
    for (const { id } of overloads) {
      const estimate = this.#special(node, id, costs) ?? this.#plain(node, name, id, costs, target);
      all = union(all, estimate.cost);
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size;
      size = this.#indexed(node, id) ?? size;
      size ??= this.#sizeOf(node);
    }
    if (size) this.#sizes.set(node, size);
    return sum(targetCost, all);
  }

  #plain(
    node: Call,
    name: string,
    overload: string,
    costs: readonly Range[],
    target: Expression | undefined,
  ): CallEstimate {
    const args = node.args.map((argument) => this.#argument(argument));
    const estimate = estimateCall(name, overload, args, target && this.#argument(target));
    if (overload.startsWith("add_")) this.#mergeEntries(node, node.args[0], node.args[1]);
    return { ...estimate, cost: sum(estimate.cost, ...costs) };
  }

  #argument(node: Expression): Argument {
    const path = this.#pathOf(node);
    const elements = path.length && path[0] !== ACCUMULATOR
      ? this.#sizeAt([...path, "@items"])
      : undefined;
    const isInt = node.kind === "literal" && typeof node.value === "bigint";
    return {
      type: this.#typeOf(node),
      size: this.#sizeOf(node),
      elementSize: elements,
      literal: isInt ? node.value as bigint : undefined,
    };
  }

  /** Of operators that do not evaluate all of their arguments. */
  #special(node: Call, overload: string, costs: readonly Range[]): CallEstimate | undefined {
    const [first, second, third] = costs;
    if (overload === "logical_and" || overload === "logical_or") {
      return { cost: { min: first!.min, max: sum(first!, second!).max } };
    }
    if (overload !== "conditional") return undefined;
    const [, whenTrue, whenFalse] = node.args;
    this.#mergeEntries(node, whenTrue, whenFalse);
    const sizes = [whenTrue, whenFalse].map((branch) => this.#sizeOf(branch!) ?? UNKNOWN);
    return { cost: sum(first!, union(second!, third!)), size: union(sizes[0]!, sizes[1]!) };
  }

  #mergeEntries(node: Expression, a: Expression | undefined, b: Expression | undefined): void {
    const [left, right] = [a && this.#entriesOf(a), b && this.#entriesOf(b)];
    if (!left || !right) return;
    this.#entries.set(node, {
      isList: left.isList,
      key: union(left.key, right.key),
      value: union(left.value, right.value),
    });
  }

  /** The size of an element that is looked up, and its path. */
  #indexed(node: Call, overload: string): Range | undefined {
    const part = overload === "index_list" ? "@items" : overload === "index_map" ? "@values" : "";
    if (!part) return undefined;
    this.#paths.set(node, [...this.#pathOf(node.args[0]!), part]);
    return this.#entriesOf(node.args[0]!)?.value;
  }

  #copySizes(to: Expression, from: Expression): void {
    const [size, entries] = [this.#sizeOf(from), this.#entriesOf(from)];
    if (size) this.#sizes.set(to, size);
    if (entries) this.#entries.set(to, entries);
  }

  #binding(node: Comprehension): Range {
    const start = sum(this.cost(node.range), this.cost(node.init));
    this.#enter(node.accuVar, {
      path: this.#pathOf(node.init),
      size: this.#sizeOf(node.init),
      entries: this.#entriesOf(node.init),
    });
    const result = this.cost(node.result);
    this.#leave(node.accuVar);
    this.#copySizes(node, node.result);
    return sum(start, result);
  }

  #fold(node: Comprehension): Range {
    const start = sum(this.cost(node.range), this.cost(node.init));
    this.#enter(node.accuVar, {
      path: this.#pathOf(node.init),
      size: this.#sizeOf(node.init),
      entries: this.#entriesOf(node.init),
    });
    this.#enterIterated(node);
    const each = sum(this.cost(node.condition), this.cost(node.step));
    this.#leave(node.iterVar);
    if (node.iterVar2 !== undefined) this.#leave(node.iterVar2);
    const result = this.cost(node.result);
    this.#leave(node.accuVar);
    const count = this.#sizeOf(node.range) ?? UNKNOWN;
    this.#setFoldSize(node, count);
    return sum(start, result, product(count, each));
  }

  #enterIterated({ iterVar, iterVar2, range }: Comprehension): void {
    const entries = this.#entriesOf(range);
    const path = this.#pathOf(range);
    const isList = entries ? entries.isList : this.#typeOf(range).kind === "list";
    const key = { path: [...path, isList ? "@indices" : "@keys"], size: entries?.key };
    const value = { path: [...path, isList ? "@items" : "@values"], size: entries?.value };
    const first = iterVar2 === undefined && isList ? value : key;
    this.#enter(iterVar, { ...first, entries: undefined });
    if (iterVar2 !== undefined) this.#enter(iterVar2, { ...value, entries: undefined });
  }

  #setFoldSize(node: Comprehension, count: Range): void {
    const { init, step } = node;
    if (init.kind === "literal") {
      const size = this.#sizeOf(init);
      if (size) this.#sizes.set(node, size);
    } else if (init.kind === "list" || init.kind === "map") {
      this.#sizes.set(node, count);
      const entries = this.#entriesOf(step);
      if (entries) this.#entries.set(node, entries);
    }
  }

  #enter(name: string, local: Local): void {
    const stack = this.#locals.get(name) ?? [];
    this.#locals.set(name, stack);
    stack.push(local);
  }

  #leave(name: string): void {
    this.#locals.get(name)!.pop();
  }
}

function isBinding({ range, condition, accuVar }: Comprehension): boolean {
  return range.kind === "list" && range.elements.length === 0 && condition.kind === "literal" &&
    condition.value === false && accuVar !== ACCUMULATOR;
}

function literalSize(node: Expression): Range | undefined {
  if (node.kind === "list") return exactly(node.elements.length);
  if (node.kind === "map") return exactly(node.entries.length);
  if (node.kind !== "literal") return undefined;
  if (typeof node.value === "string") return exactly([...node.value].length);
  return node.value instanceof Uint8Array ? exactly(node.value.length) : ONE;
}

const SCALARS = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);

function isScalar({ kind, name, params }: CelType): boolean {
  return SCALARS.has(kind) || (name === "optional_type" && isScalar(params[0]!));
}

import { CelError, describeIssues, type Issue } from "../values/cel_error.ts";
import type { Overload } from "../functions/overloads.ts";
import type {
  Call,
  Comprehension,
  Expression,
  ListLiteral,
  MapLiteral,
  Select,
  StructLiteral,
} from "../syntax/expressions.ts";
import { Substitution } from "../types/substitution.ts";
import {
  BOOL,
  BYTES,
  type CelType,
  describeType,
  DOUBLE,
  DYN,
  ERROR,
  INT,
  isDyn,
  isDynOrError,
  isOptional,
  isSameType,
  listOf,
  mapOf,
  NULL,
  optionalOf,
  STRING,
  typeOf,
  UINT,
} from "../types/cel_types.ts";
import { type Value } from "../values/values.ts";
import { type Environment, functionsCalled, TYPE_NAMES } from "./environment.ts";

/** What checking finds out about an expression. */
export interface Checked {
  readonly expression: Expression;
  readonly type: CelType;
  readonly types: ReadonlyMap<Expression, CelType>;
  /** Names that stand for variables or types, with those written as `a.b`. */
  readonly names: ReadonlyMap<Expression, string>;
  /** The forms of a function that fit a call, and whether it is called on something. */
  readonly calls: ReadonlyMap<Expression, Resolution>;
}

export interface Resolution {
  readonly overloads: readonly Overload[];
  readonly name: string;
  /** Whether the target is an argument, and not part of the name: `sets.contains`. */
  readonly isMember: boolean;
}

/**
 * Finds the types in an expression, as cel-go does.
 *
 * @throws {CelError} of kind `type`, with cel-go's texts
 */
export function check(
  text: string,
  expression: Expression,
  environment: Environment,
): Checked {
  return new Checker(text, environment).check(expression);
}

class Checker {
  readonly #text: string;
  readonly #environment: Environment;
  readonly #issues: Issue[] = [];
  readonly #substitution = new Substitution();
  readonly #types = new Map<Expression, CelType>();
  readonly #names = new Map<Expression, string>();
  readonly #calls = new Map<Expression, Resolution>();
  readonly #locals = new Map<string, CelType[]>();

  constructor(text: string, environment: Environment) {
    this.#text = text;
    this.#environment = environment;
  }

  check(expression: Expression): Checked {
    this.#check(expression);
    if (this.#issues.length > 0) {
      throw new CelError("type", describeIssues(this.#text, this.#issues));
    }
    for (const [node, type] of this.#types) this.#types.set(node, this.#closed(type));
    const type = this.#types.get(expression)!;
    return { expression, type, types: this.#types, names: this.#names, calls: this.#calls };
  }

  #closed(type: CelType): CelType {
    return this.#substitution.apply(type, { close: true });
  }

  #issue({ offset }: { offset: number }, message: string): CelType {
    this.#issues.push({ offset, message });
    return ERROR;
  }

  #check(node: Expression): CelType {
    const known = this.#types.get(node);
    if (known) return known;
    const type = this.#typeOf(node);
    this.#types.set(node, type);
    return type;
  }

  #typeOf(node: Expression): CelType {
    switch (node.kind) {
      case "literal":
        return literalType(node.value);
      case "ident":
        return this.#named(node, node.name) ?? this.#undeclared(node, node.name);
      case "select":
        return this.#selectType(node);
      case "call":
        return this.#callType(node);
      case "list":
        return this.#listType(node);
      case "map":
        return this.#mapType(node);
      case "struct":
        return this.#structType(node);
      case "comprehension":
        return this.#comprehensionType(node);
    }
  }

  #undeclared(node: Expression, name: string): CelType {
    return this.#issue(node, `undeclared reference to '${name}' (in container '')`);
  }

  #named(node: Expression, written: string): CelType | undefined {
    const name = written.replace(/^\./, "");
    const local = this.#locals.get(written)?.at(-1);
    const type = local ?? this.#environment.variables.get(name);
    const named = type ? undefined : TYPE_NAMES.get(name) ?? this.#environment.structs?.get(name);
    if (!type && !named) return undefined;
    this.#names.set(node, local ? written : name);
    return type ?? typeOf(named);
  }

  #selectType(node: Select): CelType {
    const name = node.test ? undefined : qualifiedName(node);
    const variable = name === undefined || this.#isLocal(name)
      ? undefined
      : this.#named(node, name);
    if (variable) return variable;
    const type = this.#fieldType(node, node.operand, node.field, false);
    return node.test ? BOOL : type;
  }

  /** Whether the first part of a name is a variable of a macro. */
  #isLocal(name: string): boolean {
    return (this.#locals.get(name.split(".")[0]!)?.length ?? 0) > 0;
  }

  #fieldType(node: Expression, operand: Expression, field: string, optional: boolean): CelType {
    const given = this.#substitution.apply(this.#check(operand));
    const isWrapped = isOptional(given);
    const target = isWrapped ? given.params[0]! : given;
    const type = this.#fieldIn(node, target, field);
    return this.#substitution.apply(isWrapped || optional ? optionalOf(type) : type);
  }

  #fieldIn(node: Expression, target: CelType, field: string): CelType {
    if (target.kind === "map") return target.params[1]!;
    if (target.kind === "struct") {
      return target.fields?.get(field) ?? this.#issue(node, `undefined field '${field}'`);
    }
    if (target.kind === "param") this.#substitution.isAssignable(DYN, target);
    else if (!isDynOrError(target)) {
      this.#issue(node, `type '${describeType(target)}' does not support field selection`);
    }
    return DYN;
  }

  #callType(node: Call): CelType {
    if (node.name === "_?._") {
      const [operand, field] = node.args;
      const { value } = field as { value: string }; // the parser makes no other
      this.#types.set(field!, STRING);
      return this.#fieldType(node, operand!, value, true);
    }
    for (const argument of node.args) this.#check(argument);
    const { target } = node;
    if (target) {
      const prefix = qualifiedName(target);
      const namespaced = prefix === undefined ? undefined : `${prefix}.${node.name}`;
      const functions = namespaced === undefined ? undefined : functionsCalled(namespaced);
      if (functions) return this.#resolve(node, namespaced!, functions, undefined);
      this.#check(target);
    }
    const functions = functionsCalled(node.name);
    if (!functions) return this.#undeclared(node, node.name);
    return this.#resolve(node, node.name, functions, target);
  }

  #resolve(
    node: Call,
    name: string,
    overloads: readonly Overload[],
    target: Expression | undefined,
  ): CelType {
    if (name === "_&&_" || name === "_||_") return this.#logicType(node, name, overloads);
    const given = [...target ? [target] : [], ...node.args].map((arg) => this.#types.get(arg)!);
    const fitting: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.isMember !== (target !== undefined)) continue;
      if (overload.args.length !== given.length) continue;
      const [own, ...args] = overload.isGeneric
        ? this.#substitution.instance([overload.result, ...overload.args])
        : [overload.result, ...overload.args];
      if (!this.#substitution.areAssignable(given, args)) continue;
      fitting.push(overload);
      const type = this.#substitution.apply(own!);
      if (!result) result = type;
      else if (!isDyn(result) && !isSameType(result, type)) result = DYN;
    }
    if (!result) return this.#noOverload(node, name, given, target !== undefined);
    this.#calls.set(node, { overloads: fitting, name, isMember: target !== undefined });
    return result;
  }

  #noOverload(node: Call, name: string, given: readonly CelType[], isMember: boolean): CelType {
    const types = given.map((type) => describeType(this.#closed(type)));
    const receiver = isMember ? `${types.shift()}.` : "";
    const signature = `${receiver}(${types.join(", ")})`;
    return this.#issue(node, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  #logicType(node: Call, name: string, overloads: readonly Overload[]): CelType {
    const wrong = node.args.filter((argument) => !this.#expect(argument, BOOL));
    this.#calls.set(node, { overloads, name, isMember: false });
    return wrong.length ? ERROR : BOOL;
  }

  /** Whether an expression has a type; an issue if not. */
  #expect(node: Expression, type: CelType): boolean {
    const given = this.#types.get(node)!;
    if (this.#substitution.isAssignable(given, type)) return true;
    this.#mismatch(node, type, given);
    return false;
  }

  #mismatch(node: Expression, expected: CelType, found: CelType): CelType {
    const [wanted, given] = [expected, found].map((type) =>
      describeType(this.#substitution.apply(type))
    );
    return this.#issue(node, `expected type '${wanted}' but found '${given}'`);
  }

  #listType({ elements, optional }: ListLiteral): CelType {
    let type: CelType | undefined;
    for (const [index, element] of elements.entries()) {
      const own = this.#check(element);
      type = this.#joined(type, optional.has(index) ? this.#inner(element, own) : own);
    }
    return listOf(type ?? this.#substitution.open());
  }

  /** What is in an optional that may be left out. */
  #inner(node: Expression, type: CelType): CelType {
    if (isOptional(type)) return type.params[0]!;
    if (!isDyn(type)) this.#mismatch(node, optionalOf(type), type);
    return type;
  }

  #joined(previous: CelType | undefined, current: CelType): CelType {
    if (!previous) return current;
    if (this.#substitution.isAssignable(previous, current)) {
      return this.#substitution.mostGeneral(previous, current);
    }
    return DYN;
  }

  #mapType({ entries }: MapLiteral): CelType {
    let [keys, values]: (CelType | undefined)[] = [];
    for (const { key, value, optional } of entries) {
      keys = this.#joined(keys, this.#check(key));
      const own = this.#check(value);
      values = this.#joined(values, optional ? this.#inner(value, own) : own);
    }
    return mapOf(keys ?? this.#substitution.open(), values ?? this.#substitution.open());
  }

  #structType(node: StructLiteral): CelType {
    const type = this.#environment.structs?.get(node.name);
    for (const { value } of node.fields) this.#check(value);
    if (!type) return this.#undeclared(node, node.name);
    for (const field of node.fields) {
      const own = this.#types.get(field.value)!;
      const given = field.optional ? this.#inner(field.value, own) : own;
      const wanted = type.fields?.get(field.name);
      if (!wanted) this.#issue(field, `undefined field '${field.name}'`);
      else if (!this.#substitution.isAssignable(wanted, given)) {
        const [left, right] = [describeType(wanted), describeType(given)];
        this.#issue(
          field,
          `expected type of field '${field.name}' is '${left}' but provided type is '${right}'`,
        );
      }
    }
    return type;
  }

  #comprehensionType(node: Comprehension): CelType {
    const range = this.#substitution.apply(this.#check(node.range));
    const accumulated = this.#check(node.init);
    const [first, second] = this.#iterated(node, range);
    this.#enter(node.accuVar, accumulated);
    this.#enter(node.iterVar, first);
    if (node.iterVar2 !== undefined) this.#enter(node.iterVar2, second);
    this.#check(node.condition);
    this.#expect(node.condition, BOOL);
    this.#check(node.step);
    this.#expect(node.step, accumulated);
    this.#leave(node.iterVar);
    if (node.iterVar2 !== undefined) this.#leave(node.iterVar2);
    const type = this.#check(node.result);
    this.#leave(node.accuVar);
    return this.#substitution.apply(type);
  }

  /** Types of the variables of a fold: of the only one, or of both. */
  #iterated(node: Comprehension, range: CelType): [CelType, CelType] {
    const isPair = node.iterVar2 !== undefined;
    if (range.kind === "list") return isPair ? [INT, range.params[0]!] : [range.params[0]!, DYN];
    if (range.kind === "map") return [range.params[0]!, range.params[1]!];
    if (range.kind === "param") this.#substitution.isAssignable(DYN, range);
    else if (!isDynOrError(range)) {
      const message = `expression of type '${
        describeType(range)
      }' cannot be range of a comprehension (must be list, map, or dynamic)`;
      this.#issue(node.range, message);
      return [ERROR, ERROR];
    }
    return [DYN, DYN];
  }

  #enter(name: string, type: CelType): void {
    const types = this.#locals.get(name) ?? [];
    this.#locals.set(name, types);
    types.push(type);
  }

  #leave(name: string): void {
    this.#locals.get(name)!.pop();
  }
}

/** The name that an expression such as `a.b.c` could be. */
export function qualifiedName(node: Expression): string | undefined {
  if (node.kind === "ident") return node.name;
  if (node.kind !== "select" || node.test) return undefined;
  const prefix = qualifiedName(node.operand);
  return prefix === undefined ? undefined : `${prefix}.${node.field}`;
}

function literalType(value: Value): CelType {
  switch (typeof value) {
    case "boolean":
      return BOOL;
    case "bigint":
      return INT;
    case "number":
      return DOUBLE;
    case "string":
      return STRING;
  }
  return value === null ? NULL : value instanceof Uint8Array ? BYTES : UINT;
}

import type { Budget } from "../values/budget.ts";
import { ExpressionError } from "../values/expression_error.ts";
import { fetch, fieldsOf, kindOf, lengthOf } from "../values/members.ts";
import { elementOf, isDictionaryType, isInteger, isListType } from "../values/value_types.ts";
import {
  ANY,
  byBytes,
  DICTIONARY,
  isDictionary,
  isList,
  LIST,
  type List,
  NIL,
  type Type,
  typeOf,
  type Value,
  valueText,
} from "../values/values.ts";
import { type BuiltIn, checked, overloaded, type Values } from "./built_in.ts";

export const LISTS: readonly (readonly [string, BuiltIn])[] = [
  checked("len", [1], lengthType, ([value], budget) => BigInt(lengthOf(value!, budget))),
  overloaded("type", [{ parameters: [ANY], result: "string" }], ([value]) => nameOfType(value!)),
  checked("sum", [1], list("sum", ANY), ([value], budget) => sum(value!, budget)),
  checked("mean", [1], list("avg", "float64"), ([value], budget) => mean(value!, budget)),
  checked("median", [1], list("median", "float64"), ([value], budget) => median(value!, budget)),
  checked("first", [1], edge("first"), ([value], budget) => fetchedOrNil(value!, 0n, budget)),
  checked("last", [1], edge("last"), ([value], budget) => fetchedOrNil(value!, -1n, budget)),
  checked("get", [2], fieldType, ([value, key], budget) => fetchedOrNil(value!, key!, budget)),
  checked("take", [2], takenType, ([value, count], budget) => taken(value!, count!, budget)),
  checked("keys", [1], fields("keys"), keys),
  checked("values", [1], fields("values"), values),
  checked("sort", [1, 2], sortable, ([value, order], budget) => sorted(value!, { order, budget })),
  checked("sortBy", [2, 3], sortable, sortBy),
];

function lengthType([type]: readonly Type[]): Type {
  if (isListType(type!) || isDictionaryType(type!) || type === ANY || type === "string") {
    return "int";
  }
  throw new ExpressionError(`invalid argument for len (type ${nilled(type!)})`);
}

function takenType([type, count]: readonly Type[]): Type {
  if (!isListType(type!) && type !== ANY) {
    throw new ExpressionError(`cannot take from ${nilled(type!)}`);
  }
  if (isInteger(count!) || count === ANY) return type!;
  throw new ExpressionError(`cannot take ${nilled(count!)} elements`);
}

/** Of each element that is put in its place. */
const SORT_STEPS = 8;

/** Go prints the type of nil in this place otherwise. */
function nilled(type: Type): string {
  return type === NIL ? "%!s(<nil>)" : type;
}

function list(act: string, result: Type): (types: readonly Type[]) => Type {
  return ([type]) => {
    if (isListType(type!) || type === ANY) return result;
    throw new ExpressionError(`cannot ${act} ${nilled(type!)}`);
  };
}

function edge(which: string): (types: readonly Type[]) => Type {
  return ([type]) => {
    if (type === ANY) return ANY;
    if (isListType(type!)) return elementOf(type!);
    throw new ExpressionError(`cannot get ${which} element from ${nilled(type!)}`);
  };
}

function fields(which: string): (types: readonly Type[]) => Type {
  return ([type]) => {
    if (type === ANY || isDictionaryType(type!)) return LIST;
    throw new ExpressionError(`cannot get ${which} from ${nilled(type!)}`);
  };
}

function fieldType([type, key]: readonly Type[]): Type {
  if (type === ANY) return ANY;
  if (isListType(type!)) {
    if (key === NIL) throw new ExpressionError("cannot use nil as slice index");
    if (isInteger(key!) || key === ANY) return elementOf(type!);
    throw new ExpressionError(`non-integer slice index ${key}`);
  }
  if (!isDictionaryType(type!)) {
    throw new ExpressionError(`type ${type} does not support indexing`);
  }
  if (key === NIL) throw new ExpressionError("cannot use nil as map index");
  if (key === "string" || key === ANY) return ANY;
  throw new ExpressionError(`cannot use ${key} to get an element from ${DICTIONARY}`);
}

function sortable([type, ...texts]: readonly Type[]): Type {
  if (!isListType(type!) && type !== ANY) {
    throw new ExpressionError(`cannot sort ${nilled(type!)}`);
  }
  const wrong = texts.find((text) => text !== "string" && text !== ANY);
  if (wrong === undefined) return LIST;
  throw new ExpressionError(
    `invalid argument for sort (expected string, got ${nilled(texts[0]!)})`,
  );
}

/** As `type()` names the types of values. */
function nameOfType(value: Value): string {
  const type = typeOf(value);
  const names: Record<string, string> = { [NIL]: "nil", int64: "int", float64: "float" };
  if (type in names) return names[type]!;
  if (isList(value)) return "array";
  if (isDictionary(value)) return "map";
  return type.startsWith("func") ? "func" : type;
}

function listIn(act: string, value: Value, budget: Budget): List {
  if (!isList(value)) throw new ExpressionError(`cannot ${act} ${kindOf(value)}`);
  budget.step(value.length);
  return value;
}

function sum(value: Value, budget: Budget): Value {
  let whole = 0n;
  let broken: number | undefined;
  for (const item of listIn("sum", value, budget)) {
    if (typeof item === "bigint" && broken === undefined) whole += item;
    else if (typeof item === "bigint" || typeof item === "number") {
      broken = (broken ?? Number(whole)) + Number(item);
    } else throw new ExpressionError(`cannot sum ${kindOf(item)}`);
  }
  return broken ?? BigInt.asIntN(64, whole);
}

function numbersIn(act: string, value: Value, budget: Budget): number[] {
  return Array.from<Value, number>(listIn(act, value, budget), (item) => {
    if (typeof item === "bigint" || typeof item === "number") return Number(item);
    throw new ExpressionError(`cannot ${act} ${kindOf(item)}`);
  });
}

function mean(value: Value, budget: Budget): number {
  const numbers = numbersIn("mean", value, budget);
  return numbers.length === 0 ? 0 : numbers.reduce((one, two) => one + two, 0) / numbers.length;
}

function median(value: Value, budget: Budget): number {
  const numbers = numbersIn("median", value, budget).sort((one, two) => one - two);
  budget.step(numbers.length * SORT_STEPS);
  const half = numbers.length >> 1;
  if (numbers.length === 0) return 0;
  return numbers.length % 2 ? numbers[half]! : (numbers[half - 1]! + numbers[half]!) / 2;
}

function fetchedOrNil(value: Value, key: Value, budget: Budget): Value {
  try {
    return fetch(value, key, budget);
  } catch (error) {
    if (error instanceof ExpressionError) return null;
    throw error;
  }
}

function taken(value: Value, count: Value, budget: Budget): Value {
  if (!isList(value)) throw new ExpressionError(`cannot take from ${kindOf(value)}`);
  if (typeof count !== "bigint") throw new ExpressionError(`cannot take ${kindOf(count)} elements`);
  if (count < 0n) throw new ExpressionError("reflect.Value.Slice: slice index out of bounds");
  if (count > BigInt(value.length)) return value;
  budget.list(Number(count));
  return value.slice(0, Number(count));
}

function keys([value]: Values, budget: Budget): Value {
  if (!isDictionary(value!)) throw new ExpressionError(`cannot get keys from ${kindOf(value!)}`);
  return [...fieldsOf(value, budget)];
}

function values([value]: Values, budget: Budget): Value {
  if (!isDictionary(value!)) throw new ExpressionError(`cannot get values from ${kindOf(value!)}`);
  return fieldsOf(value, budget).map((field) => value[field]!);
}

function sortBy([value, field, order]: Values, budget: Budget): Value {
  if (typeof field === "string") return sorted(value!, { field, order, budget });
  throw new ExpressionError(
    `invalid argument for sort (expected string, got ${typeOf(field!)})`,
  );
}

interface SortOptions {
  /** Of dictionaries. */
  field?: string;
  order: Value | undefined;
  budget: Budget;
}

function sorted(value: Value, { field = "", order, budget }: SortOptions): Value {
  const items = listIn("sort", value, budget);
  const isDescending = order !== undefined && isDescendingOrder(order);
  const keyed = Array.from<Value, { item: Value; key: Value }>(items, (item) => ({
    item,
    key: isDictionary(item) ? fetch(item, field, budget) : item,
  }));
  refuseMixed(keyed.map(({ key }) => key));
  budget.step(keyed.length * SORT_STEPS);
  keyed.sort((one, two) => orderOf(one.key, two.key) * (isDescending ? -1 : 1));
  return keyed.map(({ item }) => item);
}

function isDescendingOrder(order: Value): boolean {
  if (order === "desc" || order === "asc") return order === "desc";
  throw new ExpressionError(
    `invalid argument for sort (expected "asc" or "desc", got ${JSON.stringify(valueText(order))})`,
  );
}

function refuseMixed(keys: readonly Value[]): void {
  for (const [i, key] of keys.entries()) {
    const [type, previous] = [typeOf(key), typeOf(keys[Math.max(0, i - 1)]!)];
    if (type !== previous) {
      throw new ExpressionError(
        `cannot sort array of different types (${type} and ${previous})`,
      );
    }
  }
}

function orderOf(one: Value, two: Value): number {
  if (typeof one === "string" && typeof two === "string") return byBytes(one, two);
  if (typeof one === "number" && typeof two === "number") return one - two;
  if (typeof one === "bigint" && typeof two === "bigint") return one < two ? -1 : one > two ? 1 : 0;
  throw new ExpressionError(`sort: unsupported type ${kindOf(one)}`);
}

import { ANY, DICTIONARY, NIL, type Type } from "./values.ts";

/** Questions about types, as the checks of antonmedv/expr ask them. */

/** Durations are integers to it. */
export function isInteger(type: Type): boolean {
  return type === "int" || type === "int64" || type === "time.Duration";
}

export function isNumber(type: Type): boolean {
  return type === "float64" || isInteger(type);
}

export function isListType(type: Type): boolean {
  return type.startsWith("[]");
}

/** The type of a list's elements. */
export function elementOf(type: Type): Type {
  return type.slice("[]".length);
}

export function listOf(type: Type): Type {
  return `[]${type}`;
}

export function isDictionaryType(type: Type): boolean {
  return type === DICTIONARY;
}

/** Go's kind of a type: what types that are alike have in common. */
export function kindOfType(type: Type): string {
  if (isListType(type)) return "slice";
  if (isDictionaryType(type)) return "map";
  if (type.startsWith("func")) return "func";
  return type === "time.Duration" ? "int64" : type;
}

export function isComparable(one: Type, other: Type): boolean {
  return one === NIL || other === NIL || one === ANY || other === ANY ||
    kindOfType(one) === kindOfType(other) || isNumber(one) && isNumber(other);
}

/** Whether both are of no known type, or one is and the other one of those that `fits` accepts. */
export function orUnknown(one: Type, other: Type, fits: (type: Type) => boolean): boolean {
  if (one === ANY) return other === ANY || fits(other);
  return other === ANY && fits(one);
}

/** The type of a sum. */
export function combined(one: Type, other: Type): Type {
  if (kindOfType(one) === kindOfType(other)) return one;
  return one === "float64" || other === "float64" ? "float64" : "int";
}

export function isAssignable(type: Type, to: Type): boolean {
  return to === ANY || type === to;
}

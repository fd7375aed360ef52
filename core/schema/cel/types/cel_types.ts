/**
 * Types of CEL. `param` stands for any type: of a signature (`T`), or one that is still to be found out (`_var1`).
 * `struct` types have fields, or none that can be named; `opaque` ones have parameters: `optional_type(T)`.
 */
export interface CelType {
  readonly kind: TypeKind;
  readonly name: string;
  readonly params: readonly CelType[];
  /** Fields by the name that expressions use. */
  readonly fields?: ReadonlyMap<string, CelType>;
}

export type TypeKind =
  | "dyn"
  | "error"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "duration"
  | "timestamp"
  | "list"
  | "map"
  | "struct"
  | "opaque"
  | "type"
  | "param";

function simple(kind: TypeKind, name: string = kind): CelType {
  return { kind, name, params: [] };
}

export const DYN = simple("dyn");
export const ERROR = simple("error", "!error!");
export const NULL = simple("null", "null_type");
export const BOOL = simple("bool");
export const INT = simple("int");
export const UINT = simple("uint");
export const DOUBLE = simple("double");
export const STRING = simple("string");
export const BYTES = simple("bytes");
export const DURATION = simple("duration", "google.protobuf.Duration");
export const TIMESTAMP = simple("timestamp", "google.protobuf.Timestamp");

export const IP = simple("opaque", "net.IP");
export const CIDR = simple("opaque", "net.CIDR");
export const URL_TYPE = simple("struct", "kubernetes.URL");
export const QUANTITY = simple("struct", "kubernetes.Quantity");
export const SEMVER = simple("struct", "kubernetes.Semver");
export const FORMAT = simple("struct", "kubernetes.NamedFormat");
export const AUTHORIZER = simple("struct", "kubernetes.authorization.Authorizer");
export const PATH_CHECK = simple("struct", "kubernetes.authorization.PathCheck");
export const GROUP_CHECK = simple("struct", "kubernetes.authorization.GroupCheck");
export const RESOURCE_CHECK = simple("struct", "kubernetes.authorization.ResourceCheck");
export const DECISION = simple("struct", "kubernetes.authorization.Decision");

export function listOf(element: CelType): CelType {
  return { kind: "list", name: "list", params: [element] };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: "map", name: "map", params: [key, value] };
}

export function optionalOf(value: CelType): CelType {
  return { kind: "opaque", name: "optional_type", params: [value] };
}

export function typeOf(type?: CelType): CelType {
  return { kind: "type", name: "type", params: type ? [type] : [] };
}

export function structOf(name: string, fields: ReadonlyMap<string, CelType>): CelType {
  return { kind: "struct", name, params: [], fields };
}

export function param(name: string): CelType {
  return simple("param", name);
}

export function isDyn(type: CelType): boolean {
  return type.kind === "dyn";
}

export function isDynOrError(type: CelType): boolean {
  return type.kind === "dyn" || type.kind === "error";
}

export function isOptional(type: CelType): boolean {
  return type.kind === "opaque" && type.name === "optional_type";
}

export function isSameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  return a.kind === b.kind && a.name === b.name && a.params.length === b.params.length &&
    a.params.every((one, index) => isSameType(one, b.params[index]!));
}

/** Characters of a type's description; what goes on is cut off. */
const DESCRIPTION_MAX = 2000;

/** A type as cel-go prints it: `list(int)`, `map(string, dyn)`. */
export function describeType(type: CelType): string {
  const parts: string[] = [];
  describeInto(type, parts, { left: DESCRIPTION_MAX });
  return parts.join("");
}

function describeInto(type: CelType, parts: string[], budget: { left: number }): void {
  const name = type.kind === "struct" || type.kind === "opaque" || type.kind === "param"
    ? type.name
    : type.kind === "error"
    ? "!error!"
    : type.kind;
  parts.push(name);
  budget.left -= name.length;
  if (type.params.length === 0 || budget.left < 0) return;
  parts.push("(");
  for (const [index, inner] of type.params.entries()) {
    if (index > 0) parts.push(", ");
    describeInto(inner, parts, budget);
  }
  parts.push(")");
}

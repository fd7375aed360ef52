import {
  AUTHORIZER,
  BOOL,
  BYTES,
  type CelType,
  CIDR,
  DECISION,
  DOUBLE,
  DURATION,
  DYN,
  FORMAT,
  GROUP_CHECK,
  INT,
  IP,
  NULL,
  optionalOf,
  PATH_CHECK,
  QUANTITY,
  RESOURCE_CHECK,
  SEMVER,
  STRING,
  TIMESTAMP,
  typeOf,
  UINT,
  URL_TYPE,
} from "../types/cel_types.ts";
import { splitTypes, typeFrom } from "../types/substitution.ts";
import {
  Duration,
  Failure,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "../values/values.ts";
import type { Meter } from "../values/meter.ts";

/** What a function does; what it is called on comes first. Answers a {@linkcode Failure} for an error. */
// deno-lint-ignore no-explicit-any -- the signature beside it says which values it gets
export type Implementation = (...args: any[]) => Value;

/** One of the forms of a function. */
export interface Overload {
  /** The name that cel-go gives the form: costs depend on it. */
  readonly id: string;
  readonly name: string;
  readonly isMember: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly isGeneric: boolean;
  run(args: readonly Value[], meter: Meter): Value;
}

/**
 * A form as it is written down: id, signature, implementation. `string.size(): int` is called on a string,
 * `size(string): int` is not; capital letters stand for any type. The implementation gets the meter last.
 */
export type Declaration = readonly [id: string, signature: string, run: Implementation];

const NAMED: ReadonlyMap<string, CelType> = new Map([
  ["dyn", DYN],
  ["null", NULL],
  ["bool", BOOL],
  ["int", INT],
  ["uint", UINT],
  ["double", DOUBLE],
  ["string", STRING],
  ["bytes", BYTES],
  ["duration", DURATION],
  ["timestamp", TIMESTAMP],
  ["type", typeOf()],
  ["optional", optionalOf(DYN)],
  ["IP", IP],
  ["CIDR", CIDR],
  ["URL", URL_TYPE],
  ["Quantity", QUANTITY],
  ["Semver", SEMVER],
  ["Format", FORMAT],
  ["Authorizer", AUTHORIZER],
  ["PathCheck", PATH_CHECK],
  ["GroupCheck", GROUP_CHECK],
  ["ResourceCheck", RESOURCE_CHECK],
  ["Decision", DECISION],
]);

/** The form that a declaration describes; of members, the first argument is what they are called on. */
export function overloadOf([id, signature, run]: Declaration): Overload {
  const open = signature.indexOf("(", memberEnd(signature));
  const close = signature.lastIndexOf("): ");
  const head = signature.slice(0, open);
  const receiver = memberEnd(signature) > 0 ? signature.slice(0, memberEnd(signature) - 1) : "";
  const name = receiver ? head.slice(receiver.length + 1) : head;
  const args = splitTypes(signature.slice(open + 1, close)).map((text) => typeFrom(text, NAMED));
  const all = receiver ? [typeFrom(receiver, NAMED), ...args] : args;
  const result = typeFrom(signature.slice(close + 3), NAMED);
  return {
    id,
    name,
    isMember: receiver !== "",
    args: all,
    result,
    isGeneric: [...all, result].some(isGeneric),
    run: (values, meter) => run(...values, meter),
  };
}

/** Where the name begins in a signature of a member: behind the type it is called on; 0 if it is none. */
function memberEnd(signature: string): number {
  const match = /^(?:[a-zA-Z]+(?:\((?:[^()]|\([^()]*\))*\))?)\.(?=[a-zA-Z@]+\()/.exec(signature);
  const type = match?.[0].slice(0, -1).replace(/\(.*/, "");
  if (type === undefined) return 0;
  const isGenericName = type === "list" || type === "map" || type === "optional";
  const isType = isGenericName ? match![0].includes("(") : NAMED.has(type);
  return isType ? match![0].length : 0;
}

function isGeneric({ kind, params }: CelType): boolean {
  return kind === "param" || params.some(isGeneric);
}

/** Whether a value is of a type, as far as can be seen at run time. */
export function isOfType(value: Value, { kind, name }: CelType): boolean {
  switch (kind) {
    case "dyn":
    case "param":
      return true;
    case "null":
      return value === null;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof Uint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return value instanceof Uint8Array;
    case "duration":
      return value instanceof Duration;
    case "timestamp":
      return value instanceof Timestamp;
    case "list":
      return value instanceof ListValue;
    case "map":
      return value instanceof MapValue;
    case "type":
      return value instanceof TypeValue;
    case "error":
      return value instanceof Failure;
    default:
      return name === "optional_type"
        ? value instanceof OptionalValue
        : value instanceof OpaqueValue && value.typeName === name;
  }
}

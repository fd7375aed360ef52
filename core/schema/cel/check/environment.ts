import { functionsByName } from "../functions/mod.ts";
import type { Overload } from "../functions/overloads.ts";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  NULL,
  STRING,
  TIMESTAMP,
  typeOf,
  UINT,
} from "../types/cel_types.ts";

/** What the names of an expression can mean. */
export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>;
  /** Types that expressions may make values of by name: `Object{…}`. */
  readonly structs?: ReadonlyMap<string, CelType>;
}

/** Types that are also values: `type(x) == int`. */
export const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map([
  ["bool", BOOL],
  ["int", INT],
  ["uint", UINT],
  ["double", DOUBLE],
  ["string", STRING],
  ["bytes", BYTES],
  ["list", listOf(DYN)],
  ["map", mapOf(DYN, DYN)],
  ["null_type", NULL],
  ["type", typeOf()],
  ["google.protobuf.Duration", DURATION],
  ["google.protobuf.Timestamp", TIMESTAMP],
]);

export function functionsCalled(name: string): readonly Overload[] | undefined {
  return functionsByName().get(name.replace(/^\./, ""));
}

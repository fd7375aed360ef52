import { ADDRESSES } from "./addresses.ts";
import { AUTHORIZATION } from "./authorization.ts";
import { COMPARISONS } from "./comparisons.ts";
import { CONVERSIONS } from "./conversions.ts";
import { FORMATTING } from "./formatting.ts";
import { LISTS } from "./lists.ts";
import { MATH } from "./math.ts";
import { NAME_FORMATS } from "./name_formats.ts";
import { OPERATORS } from "./operators.ts";
import { OPTIONALS } from "./optionals.ts";
import { type Declaration, type Overload, overloadOf } from "./overloads.ts";
import { QUANTITIES } from "./quantities.ts";
import { PATTERNS } from "./patterns.ts";
import { SEMVERS } from "./semvers.ts";
import { STRINGS } from "./strings.ts";
import { TIMES } from "./times.ts";
import { URLS } from "./urls.ts";

/** All functions: those of CEL, and those of Kubernetes 1.34. A library more is one file and one line here. */
const LIBRARIES: readonly (readonly Declaration[])[] = [
  OPERATORS,
  MATH,
  COMPARISONS,
  CONVERSIONS,
  TIMES,
  STRINGS,
  FORMATTING,
  PATTERNS,
  LISTS,
  OPTIONALS,
  URLS,
  ADDRESSES,
  QUANTITIES,
  SEMVERS,
  NAME_FORMATS,
  AUTHORIZATION,
];

let byName: Map<string, Overload[]> | undefined;

/** The forms of each function; made when first asked for. */
export function functionsByName(): ReadonlyMap<string, readonly Overload[]> {
  if (byName) return byName;
  byName = new Map();
  for (const overload of LIBRARIES.flat().map(overloadOf)) {
    const forms = byName.get(overload.name) ?? [];
    byName.set(overload.name, forms);
    forms.push(overload);
  }
  return byName;
}

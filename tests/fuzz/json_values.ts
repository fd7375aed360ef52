import fc from "fast-check";
import { cloneJson, isJsonObject } from "../../core/lib/json/json_value.ts";

/** Names that mean something to JavaScript. */
const LOADED_NAMES = [
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "length",
];

const shortText = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "\0",
    "\u2028",
    "\ufeff",
    "\ud800",
  ),
  fc.constantFrom(
    "100m",
    "1Gi",
    "1h",
    "a/b",
    "A_B",
    "a=b,c",
    "../..",
    "$(X)",
    "%",
    "{{}}",
    "a".repeat(300),
  ),
  fc.constantFrom("10.0.0.1", "::1", "80", "2026-01-01T00:00:00Z", "AAAA", "In", "Always", "TCP"),
  fc.constantFrom(...LOADED_NAMES),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const longText = fc.constantFrom(
  ..."a9=".split("").map((sign) => sign.repeat(5_000)),
  "1h".repeat(2_500),
);

/** Texts that have broken readers before: signs, control characters, halves of pairs, invalid numbers. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 100, arbitrary: shortText },
  { weight: 1, arbitrary: longText },
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    2.5,
    65_535,
    65_536,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    2 ** 63,
    1e300,
    -1e300,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const scalar: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false),
  hostileNumber,
  hostileText,
);

/** Any JSON, as JSON.parse would give it; `names`: fields that objects often have. */
export function jsonValue(names: readonly string[] = []): fc.Arbitrary<unknown> {
  const name = fc.oneof(fc.constantFrom(...LOADED_NAMES, ...names), hostileText);
  return fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small", maxDepth: 5 },
      scalar,
      fc.array(tie("any"), { maxLength: 5 }),
      fc.dictionary(name, tie("any"), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).any.map((value) => withoutLoadedPrototype(value));
}

/** JSON.parse makes `__proto__` an own field; the product refuses it before. */
function withoutLoadedPrototype(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner) => key === "__proto__" ? undefined : inner);
}

/** A place in JSON: which of its values, counted in the order of its text, is meant. */
export type Place = number;

export const place: fc.Arbitrary<Place> = fc.nat({ max: 10_000 });

/** A copy in which one value is replaced, or taken away for `undefined`. */
export function mutated(value: unknown, at: Place, by: unknown): unknown {
  const copy = cloneJson(value);
  const places = placesIn(copy);
  const chosen = places[at % places.length];
  if (chosen === undefined) return by ?? null;
  const { holder, key } = chosen;
  if (by !== undefined) (holder as Record<string | number, unknown>)[key] = cloneJson(by);
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete (holder as Record<string, unknown>)[key];
  return copy;
}

interface Slot {
  holder: object;
  key: string | number;
}

function placesIn(value: unknown): Slot[] {
  if (Array.isArray(value)) {
    return value.flatMap((inner, key) => [{ holder: value, key }, ...placesIn(inner)]);
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap((
    [key, inner],
  ) => [{ holder: value, key }, ...placesIn(inner)]);
}

/** Freezes it deeply, so that changing an argument is detected. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}

import { PatternError } from "./pattern_error.ts";

export const CODE_POINT_MAX = 0x10ffff;

/** A set of characters: ranges of code points, ends included, and Unicode properties; or all others. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly properties: readonly Property[];
  readonly negated: boolean;
}

export interface Property {
  /** Decides about single characters only. */
  readonly test: RegExp;
  readonly negated: boolean;
}

export function setOf(...ranges: (readonly [number, number])[]): CharacterSet {
  return { ranges, properties: [], negated: false };
}

export function contains({ ranges, properties, negated }: CharacterSet, point: number): boolean {
  const isIn = ranges.some(([first, last]) => point >= first && point <= last) ||
    properties.some((property) => has(property, point));
  return isIn !== negated;
}

export function has({ test, negated }: Property, point: number): boolean {
  return test.test(String.fromCodePoint(point)) !== negated;
}

const code = (character: string) => character.codePointAt(0)!;
const span = (text: string): readonly (readonly [number, number])[] =>
  (text.match(/..?/gsu) ?? []).map((pair) => {
    const [first, last = first] = [...pair];
    return [code(first!), code(last!)] as const;
  });

const DIGIT = span("09");
const WORD = span("09AZ__az");
const SPACE = [[9, 10], [12, 13], [32, 32]] as const;

/** `\d`, `\w`, `\s`, and the rest with capital letters. */
export const PERL: ReadonlyMap<string, readonly (readonly [number, number])[]> = new Map([
  ["d", DIGIT],
  ["w", WORD],
  ["s", SPACE],
]);

/** `[[:alpha:]]` and its like. */
export const POSIX: ReadonlyMap<string, readonly (readonly [number, number])[]> = new Map([
  ["alnum", span("09AZaz")],
  ["alpha", span("AZaz")],
  ["ascii", [[0, 0x7f]]],
  ["blank", [[9, 9], [32, 32]]],
  ["cntrl", [[0, 0x1f], [0x7f, 0x7f]]],
  ["digit", DIGIT],
  ["graph", [[0x21, 0x7e]]],
  ["lower", span("az")],
  ["print", [[0x20, 0x7e]]],
  ["punct", [[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]]],
  ["space", [[9, 13], [32, 32]]],
  ["upper", span("AZ")],
  ["word", WORD],
  ["xdigit", span("09AFaf")],
]);

/** Everything that is in none of the ranges. */
export function outside(
  ranges: readonly (readonly [number, number])[],
): (readonly [number, number])[] {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const rest: [number, number][] = [];
  let next = 0;
  for (const [first, last] of sorted) {
    if (first > next) rest.push([next, first - 1]);
    next = Math.max(next, last + 1);
  }
  if (next <= CODE_POINT_MAX) rest.push([next, CODE_POINT_MAX]);
  return rest;
}

/** A general category or script of Unicode: `\pL`, `\p{Greek}`. */
export function propertyOf(name: string, negated: boolean, written: string): Property {
  const isInverse = name.startsWith("^");
  const plain = isInverse ? name.slice(1) : name;
  const known = plain === "Any" ? "Any" : /^[A-Z][a-z]?$/.test(plain) ? plain : `Script=${plain}`;
  try {
    if (!/^[A-Za-z_]{1,40}$/.test(plain)) throw new SyntaxError();
    return { test: new RegExp(`^\\p{${known}}$`, "u"), negated: negated !== isInverse };
  } catch {
    throw new PatternError("invalid character class range", written); // the runtime knows no such property
  }
}

/** Characters that a set's fold into: the other case of letters. */
export function folded(
  ranges: readonly (readonly [number, number])[],
): (readonly [number, number])[] {
  const more: (readonly [number, number])[] = [...ranges];
  for (const [first, last] of ranges) {
    const [upper, lower] = [overlap(first, last, 65, 90), overlap(first, last, 97, 122)];
    if (upper) more.push([upper[0] + 32, upper[1] + 32]);
    if (lower) more.push([lower[0] - 32, lower[1] - 32]);
    if (first <= 0x6b && last >= 0x6b || first <= 0x4b && last >= 0x4b) more.push([0x212a, 0x212a]);
    if (first <= 0x73 && last >= 0x73 || first <= 0x53 && last >= 0x53) more.push([0x17f, 0x17f]);
    if (first === last && first > 0x7f) more.push(...casesOf(first));
  }
  return more;
}

function overlap(
  first: number,
  last: number,
  from: number,
  to: number,
): [number, number] | undefined {
  const [start, end] = [Math.max(first, from), Math.min(last, to)];
  return start <= end ? [start, end] : undefined;
}

function casesOf(point: number): (readonly [number, number])[] {
  const character = String.fromCodePoint(point);
  return [character.toLowerCase(), character.toUpperCase()]
    .filter((other) => [...other].length === 1)
    .map((other) => [code(other), code(other)] as const);
}

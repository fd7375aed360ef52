/** The least and the most that something can be: a size, or a cost in Kubernetes' units. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Where counting ends: the largest number of 64 bits. */
export const UNLIMITED = 2 ** 64;

const capped = (value: number) => Math.min(value, UNLIMITED);

export const UNKNOWN: Range = { min: 0, max: UNLIMITED };
/** What a union begins with. */
export const EMPTY: Range = { min: UNLIMITED, max: 0 };

export function exactly(value: number): Range {
  return { min: value, max: value };
}

export function sum(...ranges: readonly Range[]): Range {
  let [min, max] = [0, 0];
  for (const range of ranges) {
    min = capped(min + range.min);
    max = capped(max + range.max);
  }
  return { min, max };
}

export function product(a: Range, b: Range): Range {
  return { min: capped(a.min * b.min), max: capped(a.max * b.max) };
}

/** So many times a cost per element or character, rounded up. */
export function times(range: Range, factor: number): Range {
  return { min: capped(Math.ceil(range.min * factor)), max: capped(Math.ceil(range.max * factor)) };
}

export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

const INTEGER = /^[+-]?[0-9]+$/;
const MAX = 2n ** 63n - 1n;

/** The number that a text says, as Go's `strconv.ParseInt` for 64 bits reads it; `undefined` for what is none. */
export function int64Of(text: string | undefined): bigint | undefined {
  if (text === undefined || !INTEGER.test(text) || text.length > 64) return undefined;
  const value = BigInt(text.replace("+", ""));
  return -MAX - 1n <= value && value <= MAX ? value : undefined;
}

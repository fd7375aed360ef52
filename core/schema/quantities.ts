/**
 * Quantities as Kubernetes writes them: `100m` of a CPU, `1.5Gi` of memory.
 *
 * Source: k8s.io/apimachinery/pkg/api/resource/quantity.go. As there, what is finer than a billionth is
 * rounded up, away from zero. Unlike there, `+`, `.` and a lone suffix are no amounts, and neither is
 * what has more than 128 characters or an exponent beyond ±64.
 */
export interface Quantity {
  /** The amount in billionths; exact. */
  readonly nanos: bigint;
  /** How the amount was written, and is to be written again: `1k`, `1Ki`, `1e3`. */
  readonly format: "decimal" | "binary" | "exponent";
}

/** The text is not a quantity. The message is that of Kubernetes. */
export class QuantityError extends Error {
  override name = "QuantityError";
}

const FORMAT_WRONG =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG = "unable to parse quantity's suffix";
const NUMBER_WRONG = "unable to parse numeric part of quantity";

const CHARS_MAX = 128;
const EXPONENT_MAX = 64;
const NANO_DIGITS = 9;
/** Kubernetes caps amounts written with a binary suffix here. */
const BINARY_NANOS_MAX = (2n ** 63n - 1n) * 10n ** 9n;

const PARTS = /^([+-]?)(?:([0-9]+)\.?([0-9]*)|\.([0-9]+))([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const DECIMAL_EXPONENTS = new Map(
  ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map((suffix, i) => [suffix, 3 * i - 9]),
);
const BINARY_EXPONENTS = new Map(
  ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, i) => [suffix, 10 * (i + 1)]),
);

/** Throws {@linkcode QuantityError} when `text` is not a quantity. */
export function parseQuantity(text: string): Quantity {
  const parts = text.length <= CHARS_MAX ? PARTS.exec(text) : null;
  if (!parts) throw new QuantityError(FORMAT_WRONG);
  const [, sign, whole = "0", digits = "", bareDigits = "", suffix = ""] = parts;
  const fraction = digits || bareDigits;
  const mantissa = BigInt(whole + fraction);
  const { format, exponent } = scaleOf(suffix);
  if (Math.abs(exponent) > EXPONENT_MAX) throw new QuantityError(NUMBER_WRONG);
  const nanos = format === "binary"
    ? least(scaled(mantissa << BigInt(exponent), NANO_DIGITS - fraction.length), BINARY_NANOS_MAX)
    : scaled(mantissa, exponent + NANO_DIGITS - fraction.length);
  const isSmall = nanos > 0n && nanos < 10n ** 9n;
  return {
    nanos: sign === "-" ? -nanos : nanos,
    format: format === "binary" && isSmall ? "decimal" : format,
  };
}

function scaleOf(suffix: string): { format: Quantity["format"]; exponent: number } {
  const decimal = DECIMAL_EXPONENTS.get(suffix);
  if (decimal !== undefined) return { format: "decimal", exponent: decimal };
  const binary = BINARY_EXPONENTS.get(suffix);
  if (binary !== undefined) return { format: "binary", exponent: binary };
  const exponent = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  if (!exponent) throw new QuantityError(SUFFIX_WRONG);
  return { format: "exponent", exponent: Number(exponent[1]) };
}

/** `value` × 10 to the power of `digits`, rounded up. `value` is not negative. */
function scaled(value: bigint, digits: number): bigint {
  if (digits >= 0) return value * 10n ** BigInt(digits);
  const divisor = 10n ** BigInt(-digits);
  return (value + divisor - 1n) / divisor;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Why `text` is not a quantity; `undefined` when it is one. */
export function quantityFault(text: string): string | undefined {
  if (SIMPLE.test(text)) return undefined;
  try {
    parseQuantity(text);
    return undefined;
  } catch (error) {
    if (error instanceof QuantityError) return error.message;
    throw error;
  }
}

/** The usual form of a quantity, which is read without big integers. */
const SIMPLE = /^([0-9]{1,15})(m|k|M|G|Ki|Mi|Gi)?$/;
const SIMPLE_FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/**
 * The amount in thousandths, rounded up: `cpuMillis` of `"1.5"` is 1500. Exact below 2^53.
 * Throws {@linkcode QuantityError} when `text` is not a quantity.
 */
export function milliValueOf(text: string): number {
  const simple = SIMPLE.exec(text);
  if (simple) {
    const suffix = simple[2];
    const factor = suffix === undefined
      ? 1000
      : suffix === "m"
      ? 1
      : SIMPLE_FACTORS[suffix]! * 1000;
    const millis = Number(simple[1]) * factor;
    if (millis <= Number.MAX_SAFE_INTEGER) return millis;
  }
  return Number(roundedUp(parseQuantity(text).nanos, 10n ** 6n));
}

/**
 * The amount in whole units, rounded up: bytes of `"1Ki"` are 1024. Exact below 2^53.
 * Throws {@linkcode QuantityError} when `text` is not a quantity.
 */
export function unitsOf(text: string): number {
  const simple = SIMPLE.exec(text);
  if (simple && simple[2] !== "m") {
    const units = Number(simple[1]) * (simple[2] === undefined ? 1 : SIMPLE_FACTORS[simple[2]]!);
    if (units <= Number.MAX_SAFE_INTEGER) return units;
  }
  return Number(roundedUp(parseQuantity(text).nanos, 10n ** 9n));
}

/** Away from zero, as Kubernetes rounds. */
function roundedUp(nanos: bigint, unit: bigint): bigint {
  return nanos < 0n ? -((-nanos + unit - 1n) / unit) : (nanos + unit - 1n) / unit;
}

/** Negative when `a` is less than `b`, 0 when they are equal, positive when it is more. */
export function compareQuantities(a: string, b: string): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum, in canonical form and the format of the first amount that is not zero: `100m` and `900m` make `1`. */
export function sumOfQuantities(...texts: readonly string[]): string {
  let sum: Quantity = { nanos: 0n, format: "decimal" };
  for (const text of texts) {
    const next = parseQuantity(text);
    const format = sum.nanos === 0n ? next.format : sum.format;
    sum = { nanos: sum.nanos + next.nanos, format };
  }
  return formatQuantity(sum);
}

/** `a` less `b`, in canonical form and the format of `a`, or of `b` when `a` is zero. */
export function differenceOfQuantities(a: string, b: string): string {
  const [from, less] = [parseQuantity(a), parseQuantity(b)];
  const format = from.nanos === 0n ? less.format : from.format;
  return formatQuantity({ nanos: from.nanos - less.nanos, format });
}

/** The one way to write what `text` says: `1000m` is `1`, `1024Mi` is `1Gi`, `1.5Gi` is `1536Mi`. */
export function canonicalQuantity(text: string): string {
  return isPlainlyCanonical(text) ? text : formatQuantity(parseQuantity(text));
}

/** This many digits stay below every limit, whatever the suffix. */
const PLAIN_DIGITS_MAX = 9;

/** Whether the suffix is as large as possible, when that is visible without big integers, as for nearly all quantities. */
function isPlainlyCanonical(text: string): boolean {
  const [, digits = "0", suffix = ""] = SIMPLE.exec(text) ?? [];
  if (digits.startsWith("0") || digits.length > PLAIN_DIGITS_MAX) return false;
  return Number(digits) % (suffix.endsWith("i") ? 1024 : 1000) !== 0;
}

/** A number of thousandths as an amount: 1500 is `1500m`, 2000 is `2`. */
export function quantityOfMillis(millis: number): string {
  return formatQuantity({ nanos: BigInt(Math.ceil(millis)) * 10n ** 6n, format: "decimal" });
}

/** A number of bytes as an amount, with a binary suffix where one divides it: 1048576 is `1Mi`, 2000 is `2k`. */
export function quantityOfBytes(bytes: number): string {
  const text = formatQuantity({ nanos: BigInt(Math.ceil(bytes)) * 10n ** 9n, format: "binary" });
  return canonicalQuantity(text);
}

/**
 * The canonical form: no fraction, no precision lost, the suffix as large as possible. As in Kubernetes,
 * a binary amount with a fraction, or within ±1024, is written with a decimal suffix.
 */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const isWhole = nanos % 10n ** 9n === 0n;
  const units = nanos / 10n ** 9n;
  if (format === "binary" && isWhole && (units >= 1024n || units <= -1024n)) {
    return binaryText(units);
  }
  return decimalText(nanos, format === "exponent");
}

function binaryText(units: bigint): string {
  const suffixes = ["", ...BINARY_EXPONENTS.keys()];
  let power = 0;
  while (units % 1024n === 0n && power < suffixes.length - 1) {
    units /= 1024n;
    power++;
  }
  return `${units}${suffixes[power]}`;
}

function decimalText(nanos: bigint, asExponent: boolean): string {
  let exponent = -NANO_DIGITS;
  const exponentMax = asExponent ? Infinity : 18;
  while (nanos % 1000n === 0n && exponent < exponentMax) {
    nanos /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? `${nanos}` : `${nanos}e${exponent}`;
  const suffix = [...DECIMAL_EXPONENTS].find(([, of]) => of === exponent)![0];
  return `${nanos}${suffix}`;
}

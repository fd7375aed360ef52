import { ExpressionError } from "./expression_error.ts";

/** Numbers as Go reads and writes them. */

const INTEGER_MAX = 2n ** 63n - 1n;
const INTEGER_MIN = -(2n ** 63n);

/** As `strconv.ParseInt`; a hexadecimal one begins with `0x`. Throws an {@linkcode ExpressionError} with its text. */
export function integerText(text: string, base: 10 | 16): bigint {
  const pattern = base === 16 ? /^[+-]?0x[\da-fA-F]+$/ : /^[+-]?\d+$/;
  if (!pattern.test(text)) throw notParsed("ParseInt", text, "invalid syntax");
  const isNegative = text.startsWith("-");
  const size = BigInt(text.replace(/^[+-]/, ""));
  const value = isNegative ? -size : size;
  if (value > INTEGER_MAX || value < INTEGER_MIN) {
    throw notParsed("ParseInt", text, "value out of range");
  }
  return value;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL =
  /^([+-]?)0[xX](?=[\da-fA-F.]*[\da-fA-F])([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)$/;

/** As `strconv.ParseFloat`. Throws an {@linkcode ExpressionError} with its text. */
export function goNumber(text: string): number {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const value = DECIMAL.test(text) ? Number(text) : hexadecimal(text);
  if (value === undefined) throw notParsed("ParseFloat", text, "invalid syntax");
  if (!Number.isFinite(value)) throw notParsed("ParseFloat", text, "value out of range");
  return value;
}

function hexadecimal(text: string): number | undefined {
  const [, sign, whole = "", fraction = "", exponent] = HEXADECIMAL.exec(text) ?? [];
  if (exponent === undefined) return undefined;
  const digits = Number(`0x${whole}${fraction}`);
  const value = digits * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -value : value;
}

function notParsed(act: string, text: string, why: string): ExpressionError {
  return new ExpressionError(`strconv.${act}: parsing ${JSON.stringify(text)}: ${why}`);
}

/** A float as Go's `%v` prints it: `1e+21` from 21 digits on, `1e-05` below 0.0001. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [, digits = "", exponent = ""] = /^(.*)e([+-]\d+)$/.exec(value.toExponential()) ?? [];
  const power = Number(exponent);
  if (power >= -4 && power < 21) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** A float cut to an integer of 64 bits, as Go does on amd64: what does not fit is the smallest one. */
export function truncated(value: number): bigint {
  if (!Number.isFinite(value)) return INTEGER_MIN;
  const whole = BigInt(Math.trunc(value));
  return whole > INTEGER_MAX || whole < INTEGER_MIN ? INTEGER_MIN : whole;
}

/** What is left of an integer in 64 bits. */
export function wrapped(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

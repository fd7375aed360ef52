import type { Meter } from "../values/meter.ts";
import {
  Duration,
  Failure,
  ListValue,
  MapValue,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
  type Value,
} from "../values/values.ts";
import { goQuoted } from "./go_text.ts";
import type { Declaration } from "./overloads.ts";
import { sortedTexts } from "./strings.ts";
import { secondsText, timestampText } from "./times.ts";

/** `"%s is %d".format([…])`. */
export const FORMATTING: readonly Declaration[] = [
  ["string_format", "string.format(list(dyn)): string", format],
];

/** Places that a number may be asked for; Go would make any. */
const PRECISION_MAX = 100;
const DEFAULT_PRECISION = 6;
const CLAUSE = /%(?:\.(\d{0,9}))?(%|[^%]|$)/gsu;

function format(text: string, args: ListValue, meter: Meter): Value {
  let index = 0;
  let length = text.length;
  let failure: Failure | undefined;
  const result = text.replace(CLAUSE, (whole, precision: string | undefined, letter: string) => {
    if (failure) return "";
    if (whole === "%%") return "%";
    if (index >= args.size) {
      failure = new Failure(`index ${index} out of range`);
      return "";
    }
    const part = clause(letter, args.at(index++), precision, meter);
    if (part instanceof Failure) {
      failure = part;
      return "";
    }
    length += part.length;
    meter.string(length);
    return part;
  });
  return failure ?? result;
}

function clause(
  letter: string,
  value: Value,
  precision: string | undefined,
  meter: Meter,
): string | Failure {
  const digits = precision ? Number(precision) : DEFAULT_PRECISION;
  if (digits > PRECISION_MAX) return new Failure("error while parsing precision: too large");
  switch (letter) {
    case "s":
      return text(value, meter);
    case "d":
      return decimal(value);
    case "f":
      return double(value, "fixed-point", (amount) => grouped(amount, digits));
    case "e":
      return double(value, "scientific", (amount) => powerOfTen(amount, digits));
    case "b":
      return binary(value);
    case "o":
      return octal(value);
    case "x":
    case "X": {
      const hex = hexadecimal(value);
      return letter === "x" || hex instanceof Failure ? hex : hex.toUpperCase();
    }
    default:
      return new Failure(
        `could not parse formatting clause: unrecognized formatting clause "${letter}"`,
      );
  }
}

function wrongType(fault: string, value: Value): Failure {
  return new Failure(`error during formatting: ${fault}, was given ${typeNameOf(value)}`);
}

function wholeOf(value: Value): bigint | undefined {
  const amount = value instanceof Uint ? value.value : value;
  return typeof amount === "bigint" ? amount : undefined;
}

function decimal(value: Value): string | Failure {
  const amount = wholeOf(value);
  return amount === undefined
    ? wrongType("decimal clause can only be used on integers", value)
    : String(amount);
}

function double(
  value: Value,
  kind: string,
  print: (amount: number) => string,
): string | Failure {
  if (typeof value !== "number") {
    return wrongType(`${kind} clause can only be used on doubles`, value);
  }
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? print(value) : value > 0 ? "∞" : "-∞";
}

/** As in English: `1,234.50`. */
function grouped(value: number, digits: number): string {
  const [whole, fraction] = value.toFixed(digits).split(".");
  const groups = whole!.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** `3.140000×10⁰⁰` */
function powerOfTen(value: number, digits: number): string {
  const [mantissa, exponent = ""] = value.toExponential(digits).split("e");
  const sign = exponent.startsWith("-") ? "⁻" : "";
  const power = exponent.slice(1).padStart(2, "0").replace(
    /\d/g,
    (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!,
  );
  return `${mantissa}×10${sign}${power}`;
}

function binary(value: Value): string | Failure {
  const amount = typeof value === "boolean" ? BigInt(value) : wholeOf(value);
  return amount === undefined
    ? wrongType("only integers and bools can be formatted as binary", value)
    : amount.toString(2);
}

function octal(value: Value): string | Failure {
  const amount = wholeOf(value);
  return amount === undefined
    ? wrongType("octal clause can only be used on integers", value)
    : amount.toString(8);
}

function hexadecimal(value: Value): string | Failure {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (bytes instanceof Uint8Array) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const amount = wholeOf(bytes);
  return amount === undefined
    ? wrongType("only integers, byte buffers, and strings can be formatted as hex", value)
    : amount.toString(16);
}

/** A double without exponent: all the digits that tell it apart. */
function doubleDigits(value: number | bigint): string {
  const text = String(value);
  if (typeof value === "bigint" || !text.includes("e")) return text;
  const [, sign, whole, fraction = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)!;
  const shift = Number(exponent);
  const digits = whole! + fraction;
  return shift < 0
    ? `${sign}0.${"0".repeat(-shift - 1)}${digits}`
    : `${sign}${digits.padEnd(shift + 1, "0")}`;
}

/** A double as Go's `%g` prints it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const exponent = value === 0 ? 0 : Number(value.toExponential().split("e")[1]);
  if (exponent >= -4 && exponent < 21) return doubleDigits(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

/** What `%s` makes of a value. */
function text(value: Value, meter: Meter): string | Failure {
  meter.work(1);
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return doubleText(value);
  if (typeof value !== "object") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof Duration) return secondsText(value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof ListValue) return listText(value, meter);
  if (value instanceof MapValue) return mapText(value, meter);
  return wrongType(
    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
    value,
  );
}

/** The same in a list or a map: as it could be written in an expression. */
function literal(value: Value, meter: Meter): string | Failure {
  if (typeof value === "string") return goQuoted(value);
  if (typeof value === "number") {
    return Number.isFinite(value) ? value.toFixed(DEFAULT_PRECISION) : goQuoted(doubleText(value));
  }
  const written = text(value, meter);
  if (written instanceof Failure) return written;
  if (value instanceof Uint8Array) return `b${goQuoted(written)}`;
  if (value instanceof Duration) return `duration(${goQuoted(written)})`;
  return value instanceof Timestamp ? `timestamp(${goQuoted(written)})` : written;
}

function listText(list: ListValue, meter: Meter): string | Failure {
  const parts: string[] = [];
  let length = 2;
  for (let index = 0; index < list.size; index++) {
    const part = literal(list.at(index), meter);
    if (part instanceof Failure) return part;
    length += part.length + 2;
    meter.string(length);
    parts.push(part);
  }
  return `[${parts.join(", ")}]`;
}

function mapText(map: MapValue, meter: Meter): string | Failure {
  const parts = new Map<string, string>();
  let length = 2;
  for (const key of map.keys()) {
    const [name, value] = [literal(key, meter), literal(map.get(key)!, meter)];
    if (name instanceof Failure) return name;
    if (value instanceof Failure) return value;
    length += name.length + value.length + 4;
    meter.string(length);
    parts.set(name, value);
  }
  return `{${
    sortedTexts([...parts.keys()]).map((name) => `${name}:${parts.get(name)}`).join(", ")
  }}`;
}

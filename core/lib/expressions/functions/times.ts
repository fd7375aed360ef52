import { asserted } from "../values/arithmetic.ts";
import { ExpressionError } from "../values/expression_error.ts";
import { Duration, Instant } from "../values/values.ts";
import { type BuiltIn, overloaded } from "./built_in.ts";

/** `now()` by a clock in milliseconds. */
export function timesBy(nowMs: () => number): readonly (readonly [string, BuiltIn])[] {
  return [
    overloaded(
      "now",
      [{ parameters: [], result: "time.Time" }],
      () => new Instant(BigInt(Math.round(nowMs())) * 1_000_000n),
    ),
    overloaded(
      "duration",
      [{ parameters: ["string"], result: "time.Duration" }],
      ([text]) => new Duration(goDuration(asserted(text!, "string"))),
    ),
    overloaded(
      "date",
      [{ parameters: ["string"], result: "time.Time" }],
      ([text]) => dateOf(asserted(text!, "string")),
    ),
  ];
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3,
  "μs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
const NS_MAX = 2n ** 63n - 1n;

/** A duration as Go reads it, in nanoseconds: `1h30m`, `-1.5s`, `0`. Throws an {@linkcode ExpressionError} with its text. */
export function goDuration(text: string): bigint {
  const invalid = new ExpressionError(`time: invalid duration ${JSON.stringify(text)}`);
  const size = text.replace(/^[+-]/, "");
  if (size === "0") return 0n;
  if (size === "") throw invalid;
  let ns = 0n;
  for (let at = 0; at < size.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const [, number, unit] = PART.exec(size) ?? [];
    if (number === undefined || unit === undefined) throw faultAt(text, size.slice(at));
    ns += partNs(number, BigInt(UNIT_NS[unit]!));
  }
  if (ns > NS_MAX) throw invalid;
  return text.startsWith("-") ? -ns : ns;
}

/** Digits after the point count down to nanoseconds. */
function partNs(number: string, unitNs: bigint): bigint {
  const [whole = "", fraction = ""] = number.split(".");
  const digits = fraction.slice(0, 18);
  return BigInt(whole || "0") * unitNs +
    BigInt(digits || "0") * unitNs / 10n ** BigInt(digits.length);
}

function faultAt(text: string, rest: string): ExpressionError {
  const quoted = JSON.stringify(text);
  const [, number, unit] = /^(\d+\.?\d*|\.\d+)?([^\d.]*)/.exec(rest)!;
  if (number === undefined) return new ExpressionError(`time: invalid duration ${quoted}`);
  if (unit === "") return new ExpressionError(`time: missing unit in duration ${quoted}`);
  return new ExpressionError(
    `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`,
  );
}

const DATES = /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** A date, with or without time and zone: without, it is UTC. */
function dateOf(text: string): Instant {
  const isZoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(text) && text.length > "2006-01-02".length;
  const ms = DATES.test(text)
    ? Date.parse(isZoned ? text : text.length === 10 ? text : `${text.replace(" ", "T")}Z`)
    : NaN;
  if (Number.isNaN(ms)) throw new ExpressionError(`invalid date ${text}`);
  return new Instant(BigInt(ms) * 1_000_000n);
}

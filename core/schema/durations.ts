/** The text is not a duration. The message is that of Go's `time.ParseDuration`. */
export class DurationError extends Error {
  override name = "DurationError";
}

const QUOTED_CHARS_MAX = 200;
const UNIT_NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3, // U+00B5, the micro sign
  "μs": 1e3, // U+03BC, the Greek letter mu
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};
const MS_NANOS = 1e6;
/** Go counts nanoseconds in 63 bits: about 292 years. */
const GO_MS_MAX = 2 ** 63 / MS_NANOS;
/** Further digits are finer than a nanosecond in all units but the hour, where they change it by as little. */
const FRACTION_DIGITS_MAX = 12;

/**
 * Milliseconds of a duration as Go writes it: `1h30m`, `1.5s`, `-10ms`, `0`.
 * Throws {@linkcode DurationError}. https://pkg.go.dev/time#ParseDuration
 */
export function durationMsOf(text: string): number {
  const unsigned = text.replace(/^[+-]/, "");
  if (unsigned === "0") return 0;
  if (unsigned === "") throw invalid(text);
  let [sumMs, sumNanos] = [0, 0];
  for (let at = 0; at < unsigned.length;) {
    const [number, unit] = numberAndUnit(unsigned, at, text);
    const [ms, nanos] = partsOf(number, UNIT_NANOS[unit]!);
    sumMs += ms;
    sumNanos += nanos;
    at += number.length + unit.length;
  }
  sumMs += sumNanos / MS_NANOS;
  if (sumMs >= GO_MS_MAX) throw invalid(text);
  return text.startsWith("-") ? 0 - sumMs : sumMs;
}

/** Both whole, so that `2.03s` is 2030 milliseconds and not a little less. */
function partsOf(number: string, unitNanos: number): [ms: number, nanos: number] {
  const [whole, fraction = ""] = number.split(".");
  const digits = fraction.slice(0, FRACTION_DIGITS_MAX);
  const nanos = Math.trunc(Number(digits) * unitNanos / 10 ** digits.length);
  return unitNanos < MS_NANOS
    ? [0, Number(whole) * unitNanos + nanos]
    : [Number(whole) * (unitNanos / MS_NANOS), nanos];
}

/** Parses the part at `at` in place: a copy of the rest for each part would take quadratic time. */
function numberAndUnit(unsigned: string, at: number, text: string): [string, string] {
  const number = matchAt(/(?:[0-9]+\.?[0-9]*|\.[0-9]+)/y, unsigned, at);
  if (number === undefined) throw invalid(text);
  const unit = matchAt(/[^.0-9]+/y, unsigned, at + number.length);
  if (unit === undefined) {
    throw new DurationError(`time: missing unit in duration ${quoted(text)}`);
  }
  if (!Object.hasOwn(UNIT_NANOS, unit)) {
    throw new DurationError(
      `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`,
    );
  }
  return [number, unit];
}

function matchAt(expression: RegExp, text: string, at: number): string | undefined {
  expression.lastIndex = at;
  return expression.exec(text)?.[0];
}

function invalid(text: string): DurationError {
  return new DurationError(`time: invalid duration ${quoted(text)}`);
}

/** A text that is far too long is not repeated whole. */
function quoted(text: string): string {
  const isLong = text.length > QUOTED_CHARS_MAX;
  return JSON.stringify(isLong ? `${text.slice(0, QUOTED_CHARS_MAX)}...` : text);
}

/** Why `text` is not a duration; `undefined` when it is one. */
export function durationFault(text: string): string | undefined {
  try {
    durationMsOf(text);
    return undefined;
  } catch (error) {
    if (error instanceof DurationError) return error.message;
    throw error;
  }
}

const GATEWAY_DURATION = /^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}$/;

/**
 * Milliseconds of a duration as the Gateway API writes it: like Go's, but of at most four parts,
 * without signs and fractions. `0s` is 0. Throws {@linkcode DurationError}.
 * https://gateway-api.sigs.k8s.io/geps/gep-2257/
 */
export function gatewayDurationMsOf(text: string): number {
  if (!GATEWAY_DURATION.test(text)) throw invalid(text);
  return durationMsOf(text);
}

/** A duration as Go writes it: 5,400,000 is `1h30m0s`, 1.5 is `1.5ms`, 0 is `0s`. */
export function formatDuration(ms: number): string {
  const nanos = Math.round(Math.abs(ms) * 1e6);
  if (nanos === 0) return "0s";
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (nanos < 1000) return `${nanos}ns`;
  if (nanos < 1e6) return `${nanos / 1000}µs`;
  if (nanos < 1e9) return `${nanos / 1e6}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${Math.round((ms % 60_000) * 1e6) / 1e9}s`;
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${seconds}`;
}

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const YEAR_S = 365 * DAY_S;

/**
 * A duration for people, with two or three figures: `5s`, `3m20s`, `2h`, `3d4h`, `2y10d`.
 * The words of k8s.io/apimachinery/pkg/util/duration, HumanDuration. Down to minus two seconds
 * counts as zero: two clocks may differ.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1 || Number.isNaN(seconds)) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE_S) return `${seconds}s`;
  if (seconds < 10 * MINUTE_S) return inTwo(seconds, MINUTE_S, "m", 1, "s");
  if (seconds < 3 * HOUR_S) return inOne(seconds, MINUTE_S, "m");
  if (seconds < 8 * HOUR_S) return inTwo(seconds, HOUR_S, "h", MINUTE_S, "m");
  if (seconds < 2 * DAY_S) return inOne(seconds, HOUR_S, "h");
  if (seconds < 8 * DAY_S) return inTwo(seconds, DAY_S, "d", HOUR_S, "h");
  if (seconds < 2 * YEAR_S) return inOne(seconds, DAY_S, "d");
  if (seconds < 8 * YEAR_S) return inTwo(seconds, YEAR_S, "y", DAY_S, "d");
  return inOne(seconds, YEAR_S, "y");
}

function inOne(seconds: number, size: number, unit: string): string {
  return `${Math.floor(seconds / size)}${unit}`;
}

function inTwo(
  seconds: number,
  size: number,
  unit: string,
  smallSize: number,
  smallUnit: string,
): string {
  const rest = Math.floor((seconds % size) / smallSize);
  return inOne(seconds, size, unit) + (rest ? `${rest}${smallUnit}` : "");
}

/** How long ago the RFC 3339 `time` was, as kubectl prints ages; `<unknown>` without a time. */
export function ageOf(time: string | undefined, nowMs: number): string {
  return time === undefined ? "<unknown>" : humanDuration(nowMs - Date.parse(time));
}

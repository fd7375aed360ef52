import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DurationError,
  durationFault,
  durationMsOf,
  formatDuration,
  gatewayDurationMsOf,
  humanDuration,
} from "../../core/schema/durations.ts";
import {
  canonicalQuantity,
  compareQuantities,
  differenceOfQuantities,
  milliValueOf,
  parseQuantity,
  QuantityError,
  quantityFault,
  sumOfQuantities,
  unitsOf,
} from "../../core/schema/quantities.ts";
import { hostileText } from "./json_values.ts";
import { property } from "./property.ts";

/** An exact amount: a fraction of two whole numbers. The model of k8s.io/apimachinery's resource.Quantity. */
interface Amount {
  text: string;
  numerator: bigint;
  denominator: bigint;
  isBinary: boolean;
}

const DECIMAL: readonly (readonly [suffix: string, power: number])[] = [
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
  ["e3", 3],
  ["E-2", -2],
  ["e+18", 18],
  ["e0", 0],
  ["E6", 6],
];
const BINARY: readonly (readonly [suffix: string, power: number])[] = [
  ["Ki", 10],
  ["Mi", 20],
  ["Gi", 30],
  ["Ti", 40],
  ["Pi", 50],
  ["Ei", 60],
];
/** resource.Quantity caps what has a binary suffix at 2^63 - 1. */
const BINARY_MAX = 2n ** 63n - 1n;
const NANO = 10n ** 9n;

const digits = fc.stringMatching(/^[0-9]{0,18}$/);

const amount: fc.Arbitrary<Amount> = fc.tuple(
  fc.constantFrom("", "+", "-"),
  digits,
  fc.option(digits, { nil: undefined }),
  fc.constantFrom(
    ...DECIMAL.map((one) => [...one, false] as const),
    ...BINARY.map((one) => [...one, true] as const),
  ),
).filter(([, whole, fraction = ""]) => whole + fraction !== "").map(
  ([sign, whole, fraction, [suffix, power, isBinary]]) => {
    const mantissa = BigInt(whole + (fraction ?? "")) * (sign === "-" ? -1n : 1n);
    const base = isBinary ? 2n : 10n;
    return {
      text: `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${suffix}`,
      numerator: mantissa * (power > 0 ? base ** BigInt(power) : 1n),
      denominator: 10n ** BigInt((fraction ?? "").length) *
        (power < 0 ? 10n ** BigInt(-power) : 1n),
      isBinary,
    };
  },
);

/** In billionths, what is finer rounded away from zero. */
function nanosOf({ numerator, denominator, isBinary }: Amount): bigint {
  const size = numerator < 0n ? -numerator : numerator;
  const rounded = (size * NANO + denominator - 1n) / denominator;
  const capped = isBinary && rounded > BINARY_MAX * NANO ? BINARY_MAX * NANO : rounded;
  return numerator < 0n ? -capped : capped;
}

/** Rounded away from zero. */
function inUnits(nanos: bigint, unit: bigint): bigint {
  return nanos < 0n ? -((-nanos + unit - 1n) / unit) : (nanos + unit - 1n) / unit;
}

property("an amount is what an exact fraction says", {
  share: 5_000,
  of: amount,
  holds(amount) {
    const nanos = nanosOf(amount);
    assert.equal(parseQuantity(amount.text).nanos, nanos);
    assert.equal(unitsOf(amount.text), Number(inUnits(nanos, NANO)));
    assert.equal(milliValueOf(amount.text), Number(inUnits(nanos, 10n ** 6n)));
  },
});

property("the canonical form means the same, is the only one, and has no fraction", {
  share: 4_000,
  of: amount,
  holds({ text }) {
    const canonical = canonicalQuantity(text);
    assert.equal(parseQuantity(canonical).nanos, parseQuantity(text).nanos);
    assert.equal(canonicalQuantity(canonical), canonical);
    assert.match(canonical, /^(0|-?[1-9]\d*([numkMGTPE]|[KMGTPE]i|e-?\d+)?)$/);
    const [, whole, suffix] = /^(-?\d+)(.*)$/.exec(canonical)!;
    if (suffix === "E" || suffix === "Ei" || whole === "0") return;
    assert.notEqual(
      BigInt(whole!) % (suffix!.endsWith("i") ? 1024n : 1000n),
      0n,
      `${canonical} has a larger suffix`,
    );
  },
});

property("amounts are compared, added and taken away as exact fractions are", {
  share: 4_000,
  of: fc.tuple(amount, amount),
  holds([a, b]) {
    const difference = nanosOf(a) - nanosOf(b);
    assert.equal(compareQuantities(a.text, b.text), difference < 0n ? -1 : difference > 0n ? 1 : 0);
    assert.equal(wide(sumOfQuantities(a.text, b.text)), nanosOf(a) + nanosOf(b));
    assert.equal(wide(differenceOfQuantities(a.text, b.text)), difference);
  },
});

/** A sum may be larger than what may be written with a binary suffix. */
function wide(text: string): bigint {
  const binary = /^(-?\d+)([KMGTPE])i$/.exec(text);
  if (!binary) return parseQuantity(text).nanos;
  return BigInt(binary[1]!) * 1024n ** BigInt("KMGTPE".indexOf(binary[2]!) + 1) * NANO;
}

const number = fc.stringMatching(/^[0-9]{1,6}(\.[0-9]{0,3})?$/);
const span = fc.tuple(
  fc.constantFrom("", "-", "+"),
  fc.array(fc.tuple(number, fc.constantFrom("ns", "us", "µs", "μs", "ms", "s", "m", "h")), {
    minLength: 1,
    maxLength: 4,
  }),
);
const NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3,
  "μs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** What is finer than a nanosecond is dropped from each part. */
const FINER_MS = 5e-6;

property("a length of time is the sum of its parts", {
  share: 4_000,
  of: span,
  holds([sign, parts]) {
    const text = sign + parts.map(([number, unit]) => number + unit).join("");
    // In millionths of a nanosecond, so that nothing is rounded.
    const exact = parts.reduce((sum, [number, unit]) => {
      const [whole = "", fraction = ""] = number.split(".");
      return sum + BigInt(whole + fraction.padEnd(3, "0")) * BigInt(NANOS[unit]!);
    }, 0n);
    const expectedMs = Number(exact) / 1e9 * (sign === "-" ? -1 : 1);
    const gotMs = durationMsOf(text);
    assert.ok(
      Math.abs(gotMs - expectedMs) <= Math.abs(expectedMs) * 1e-12 + FINER_MS,
      `${gotMs} for ${expectedMs}`,
    );
    if (Number.isInteger(gotMs)) assert.equal(durationMsOf(formatDuration(gotMs)), gotMs);
    assert.notEqual(humanDuration(gotMs), "");
  },
});

property("any text is an amount and a length of time, or is refused", {
  share: 5_000,
  of: fc.oneof(
    fc.array(
      fc.oneof(
        fc.constantFrom("1", "0", ".", "-", "+", "e", "E", "i", "K", "m", "n", "h", "s", "µ"),
        hostileText,
      ),
      {
        maxLength: 12,
      },
    ).map((pieces) => pieces.join("")),
    fc.tuple(fc.constantFrom("9", ".", "1h", "-", "e", "0", "1.", "K"), fc.nat({ max: 20_000 }))
      .map(
        ([piece, times]) => piece.repeat(times),
      ),
  ),
  holds(text) {
    assert.equal(
      isRefused(() => canonicalQuantity(text), QuantityError),
      quantityFault(text) !== undefined,
    );
    assert.equal(
      isRefused(() => durationMsOf(text), DurationError),
      durationFault(text) !== undefined,
    );
    isRefused(() => gatewayDurationMsOf(text), DurationError);
  },
});

function isRefused(read: () => unknown, refusal: new () => Error): boolean {
  try {
    read();
    return false;
  } catch (error) {
    assert.ok(error instanceof refusal, String(error));
    return true;
  }
}

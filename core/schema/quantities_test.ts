import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalQuantity,
  compareQuantities,
  differenceOfQuantities,
  milliValueOf,
  QuantityError,
  quantityFault,
  quantityOfBytes,
  quantityOfMillis,
  sumOfQuantities,
  unitsOf,
} from "./quantities.ts";

// Each row is what Go's resource.Quantity gives.
const CANONICAL: readonly [text: string, canonical: string, millis: number, units: number][] = [
  ["0", "0", 0, 0],
  ["00.000", "0", 0, 0],
  ["100m", "100m", 100, 1],
  ["1000m", "1", 1000, 1],
  ["0.5", "500m", 500, 1],
  [".5", "500m", 500, 1],
  ["1.", "1", 1000, 1],
  ["+2", "2", 2000, 2],
  ["-1.5", "-1500m", -1500, -2],
  ["1500k", "1500k", 1_500_000_000, 1_500_000],
  ["1024Ki", "1Mi", 1_048_576_000, 1_048_576],
  ["1.5Gi", "1536Mi", 1_610_612_736_000, 1_610_612_736],
  ["1000Ki", "1000Ki", 1_024_000_000, 1_024_000],
  ["0.5Ki", "512", 512_000, 512],
  ["0.1Ki", "102400m", 102_400, 103],
  ["0.0001Ki", "102400u", 103, 1],
  ["1e3", "1e3", 1_000_000, 1000],
  ["12E2", "1200", 1_200_000, 1200],
  ["1e-3", "1e-3", 1, 1],
  ["100n", "100n", 1, 1],
  ["0.1n", "1n", 1, 1],
  ["250u", "250u", 1, 1],
  ["9Pi", "9Pi", 1.0133099161583616e19, 10_133_099_161_583_616],
];

Deno.test("amounts are read and written as Kubernetes does", () => {
  for (const [text, canonical, millis, units] of CANONICAL) {
    assert.equal(canonicalQuantity(text), canonical, text);
    assert.equal(milliValueOf(text), millis, text);
    assert.equal(unitsOf(text), units, text);
  }
});

Deno.test("what is not a quantity is refused in Kubernetes' words", () => {
  for (const text of ["", "abc", "1.1.M", "1+1.0M", " 1", "1 ", "1_0", "0x10", "-", ".", "Ki"]) {
    assert.match(quantityFault(text) ?? "", /^quantities must match the regular expression/, text);
  }
  for (const text of ["1i", "1mi", "1e", "1kM"]) {
    assert.equal(quantityFault(text), "unable to parse quantity's suffix", text);
  }
  assert.equal(quantityFault("1e1000000000"), "unable to parse numeric part of quantity");
  assert.ok(quantityFault("1".repeat(1_000_000)));
  assert.throws(() => milliValueOf("abc"), QuantityError);
});

Deno.test("sums keep the format of the first amount that is not zero", () => {
  assert.equal(sumOfQuantities("100m", "900m"), "1");
  assert.equal(sumOfQuantities("0", "1Gi", "512Mi"), "1536Mi");
  assert.equal(sumOfQuantities("1Gi", "1"), "1073741825");
  assert.equal(sumOfQuantities("1Gi", "1024"), "1048577Ki");
  assert.equal(sumOfQuantities(), "0");
  assert.equal(differenceOfQuantities("1", "100m"), "900m");
  assert.equal(differenceOfQuantities("0", "1Ki"), "-1Ki");
});

Deno.test("numbers become amounts", () => {
  assert.deepEqual([0, 1, 1500, 2000].map(quantityOfMillis), ["0", "1m", "1500m", "2"]);
  assert.deepEqual([0, 512, 1536, 2000, 2 ** 30].map(quantityOfBytes), [
    "0",
    "512",
    "1536",
    "2k",
    "1Gi",
  ]);
});

const amount = fc.tuple(
  fc.constantFrom("", "", "-", "+"),
  fc.nat(999_999),
  fc.constantFrom("", ".5", ".25", ".001", "."),
  fc.constantFrom(..."n u m k M G T Ki Mi Gi Ti e3 E-2".split(" "), ""),
).map((parts) => parts.join(""));

Deno.test("bytes that no binary suffix divides are a bare number, which is read as a decimal one", () => {
  assert.equal(canonicalQuantity("316562.5Ki"), "324160000"); // as Kubernetes writes it
  assert.equal(canonicalQuantity("324160000"), "324160k");
});

Deno.test("the canonical form is the same quantity, and its own canonical form", () => {
  fc.assert(fc.property(amount, (text) => {
    const canonical = canonicalQuantity(text);
    assert.equal(compareQuantities(text, canonical), 0);
    assert.equal(canonical, sumOfQuantities(text)); // the long way
    const isBareBinary = text.endsWith("i") && /[0-9]$/.test(canonical);
    if (!isBareBinary) assert.equal(canonicalQuantity(canonical), canonical);
    assert.equal(milliValueOf(canonical), milliValueOf(text));
    assert.equal(unitsOf(canonical), unitsOf(text));
  }));
});

Deno.test("what is added can be taken away again", () => {
  fc.assert(fc.property(amount, amount, (a, b) => {
    assert.equal(compareQuantities(differenceOfQuantities(sumOfQuantities(a, b), b), a), 0);
    assert.equal(compareQuantities(sumOfQuantities(a, b), sumOfQuantities(b, a)), 0);
    assert.equal(Math.sign(compareQuantities(a, b)), -Math.sign(compareQuantities(b, a)) + 0);
  }));
});

Deno.test("no text makes the parser throw anything but its own error", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[+-]?[0-9.]*[eEinumkKMGTP]*[-+]?[0-9]*$/));
  fc.assert(fc.property(text, (text) => {
    const fault = quantityFault(text);
    if (fault === undefined) assert.equal(typeof milliValueOf(text), "number");
    else assert.throws(() => unitsOf(text), { name: "QuantityError", message: fault });
  }));
});

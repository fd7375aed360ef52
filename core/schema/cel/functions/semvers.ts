import { Failure, OpaqueValue, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

class SemverValue extends OpaqueValue {
  readonly typeName = "kubernetes.Semver";
  /** Major, minor, patch. */
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];

  constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && order(this, other) === 0;
  }
}

/** Semantic versions. https://semver.org */
export const SEMVERS: readonly Declaration[] = [
  ["string_to_semver", "semver(string): Semver", semverFrom],
  [
    "string_bool_to_semver",
    "semver(string, bool): Semver",
    (text: string, loose: boolean) => loose ? normalized(text) : semverFrom(text),
  ],
  ["is_semver_string", "isSemver(string): bool", (text: string) => isFine(semverFrom(text))],
  [
    "is_semver_string_bool",
    "isSemver(string, bool): bool",
    (text: string, loose: boolean) => isFine(loose ? normalized(text) : semverFrom(text)),
  ],
  [
    "semver_is_greater_than",
    "Semver.isGreaterThan(Semver): bool",
    (a: SemverValue, b: SemverValue) => order(a, b) > 0,
  ],
  [
    "semver_is_less_than",
    "Semver.isLessThan(Semver): bool",
    (a: SemverValue, b: SemverValue) => order(a, b) < 0,
  ],
  [
    "semver_compare_to",
    "Semver.compareTo(Semver): int",
    (a: SemverValue, b: SemverValue) => BigInt(order(a, b)),
  ],
  ["semver_major", "Semver.major(): int", ({ numbers }: SemverValue) => numbers[0]!],
  ["semver_minor", "Semver.minor(): int", ({ numbers }: SemverValue) => numbers[1]!],
  ["semver_patch", "Semver.patch(): int", ({ numbers }: SemverValue) => numbers[2]!],
];

function isFine(value: Value): boolean {
  return !(value instanceof Failure);
}

const VERSION_LENGTH_MAX = 256;
const VERSION =
  /^(0|[1-9]\d{0,19})\.(0|[1-9]\d{0,19})\.(0|[1-9]\d{0,19})(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;

function semverFrom(text: string): Value {
  if (text === "") return new Failure("Version string empty");
  const match = text.length <= VERSION_LENGTH_MAX ? VERSION.exec(text) : null;
  if (!match) return new Failure(faultOf(text));
  const numbers = match.slice(1, 4).map((digits) => BigInt(digits!));
  const prerelease = match[4]?.split(".") ?? [];
  const build = match[5]?.split(".") ?? [];
  if (prerelease.includes("")) return new Failure("Prerelease is empty");
  if (build.includes("")) return new Failure("Build meta data is empty");
  const zeros = prerelease.find((part) => /^0\d+$/.test(part));
  if (zeros !== undefined) {
    return new Failure(
      `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(zeros)}`,
    );
  }
  return new SemverValue(numbers, prerelease);
}

function faultOf(text: string): string {
  const parts = text.split(".", 4);
  if (parts.length < 3) return "No Major.Minor.Patch elements found";
  for (const [index, name] of ["major", "minor"].entries()) {
    const part = JSON.stringify(parts[index]);
    if (!/^\d+$/.test(parts[index]!)) return `Invalid character(s) found in ${name} number ${part}`;
    if (/^0\d/.test(parts[index]!)) {
      const title = name[0]!.toUpperCase() + name.slice(1);
      return `${title} number must not contain leading zeroes ${part}`;
    }
  }
  return "Invalid character(s) found in patch number";
}

/** With a `v` before, leading zeros, or parts left out. */
function normalized(text: string): Value {
  if (text.length > VERSION_LENGTH_MAX) return new Failure("Version string too long");
  const [major = "", minor, ...rest] = text.replace(/^v/, "").split(".");
  const parts = [
    major,
    ...minor === undefined ? [] : [minor],
    ...rest.length ? [rest.join(".")] : [],
  ]
    .map((part) => {
      if (part.length <= 1) return part;
      const trimmed = part.replace(/^0+/, "");
      return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
    });
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) {
    return new Failure("short version cannot contain PreRelease/Build meta data");
  }
  while (parts.length < 3) parts.push("0");
  return semverFrom(parts.join("."));
}

function order(a: SemverValue, b: SemverValue): number {
  for (const [index, number] of a.numbers.entries()) {
    if (number !== b.numbers[index]) return number < b.numbers[index]! ? -1 : 1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  for (const [index, part] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    if (other === undefined) return 1;
    const compared = orderOfParts(part, other);
    if (compared !== 0) return compared;
  }
  return a.prerelease.length < b.prerelease.length ? -1 : 0;
}

function orderOfParts(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

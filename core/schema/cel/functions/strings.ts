import { textOrder } from "../values/equality.ts";
import type { Meter } from "../values/meter.ts";
import { ArrayList, Failure, type ListValue, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

/** Strings: cel-go's extension in version 2. Places count characters, that is code points. */
export const STRINGS: readonly Declaration[] = [
  [
    "contains_string",
    "string.contains(string): bool",
    (s: string, part: string) => s.includes(part),
  ],
  [
    "ends_with_string",
    "string.endsWith(string): bool",
    (s: string, part: string) => s.endsWith(part),
  ],
  [
    "starts_with_string",
    "string.startsWith(string): bool",
    (s: string, part: string) => s.startsWith(part),
  ],
  ["string_char_at_int", "string.charAt(int): string", charAt],
  [
    "string_index_of_string",
    "string.indexOf(string): int",
    (s: string, part: string, meter: Meter) => indexFrom(s, part, 0n, meter),
  ],
  ["string_index_of_string_int", "string.indexOf(string, int): int", indexFrom],
  ["string_last_index_of_string", "string.lastIndexOf(string): int", lastIndex],
  ["string_last_index_of_string_int", "string.lastIndexOf(string, int): int", lastIndexFrom],
  [
    "string_lower_ascii",
    "string.lowerAscii(): string",
    (s: string) => s.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
  ],
  [
    "string_upper_ascii",
    "string.upperAscii(): string",
    (s: string) => s.replace(/[a-z]+/g, (part) => part.toUpperCase()),
  ],
  [
    "string_replace_string_string",
    "string.replace(string, string): string",
    (s: string, old: string, by: string, meter: Meter) => replaced(s, old, by, -1n, meter),
  ],
  ["string_replace_string_string_int", "string.replace(string, string, int): string", replaced],
  [
    "string_split_string",
    "string.split(string): list(string)",
    (s: string, separator: string, meter: Meter) => split(s, separator, -1n, meter),
  ],
  ["string_split_string_int", "string.split(string, int): list(string)", split],
  [
    "string_substring_int",
    "string.substring(int): string",
    (s: string, start: bigint, meter: Meter) =>
      start < 0n || start > BigInt(meter.charactersOf(s))
        ? outOfRange(start)
        : part(s, start, BigInt(meter.charactersOf(s)), meter),
  ],
  ["string_substring_int_int", "string.substring(int, int): string", substring],
  ["string_trim", "string.trim(): string", (s: string) => s.replace(/^[\s\u0085]+/, "").trimEnd()],
  [
    "list_join",
    "list(string).join(): string",
    (list: ListValue, meter: Meter) => join(list, "", meter),
  ],
  ["list_join_string", "list(string).join(string): string", join],
  ["strings_quote", "strings.quote(string): string", (s: string, meter: Meter) => {
    meter.string(2 * s.length);
    return quoted(s);
  }],
  [
    "string_jsonpatch_escapeKey_string",
    "jsonpatch.escapeKey(string): string",
    (s: string) => s.replaceAll("~", "~0").replaceAll("/", "~1"),
  ],
];

function outOfRange(index: bigint): Failure {
  return new Failure(`index out of range: ${index}`);
}

/** Where a character begins, in UTF-16 units. */
function unitOf(s: string, character: number, meter: Meter): number {
  if (meter.charactersOf(s) === s.length) return character;
  meter.work(character >> 4);
  let at = 0;
  for (let count = 0; count < character; count++) at += s.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}

function part(s: string, start: bigint, end: bigint, meter: Meter): string {
  return s.slice(unitOf(s, Number(start), meter), unitOf(s, Number(end), meter));
}

function charAt(s: string, index: bigint, meter: Meter): Value {
  const length = BigInt(meter.charactersOf(s));
  if (index < 0n || index > length) return outOfRange(index);
  return index === length ? "" : part(s, index, index + 1n, meter);
}

function substring(s: string, start: bigint, end: bigint, meter: Meter): Value {
  const length = BigInt(meter.charactersOf(s));
  if (start > end) return new Failure(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > length) return outOfRange(start);
  return end > length ? outOfRange(end) : part(s, start, end, meter);
}

function characterOf(s: string, unit: number, meter: Meter): bigint {
  if (unit < 0) return -1n;
  meter.work(unit >> 6);
  return meter.charactersOf(s) === s.length ? BigInt(unit) : BigInt([...s.slice(0, unit)].length);
}

function indexFrom(s: string, wanted: string, from: bigint, meter: Meter): Value {
  if (wanted === "") return from;
  if (from < 0n) return outOfRange(from);
  if (from >= BigInt(meter.charactersOf(s))) return -1n;
  search(s, wanted, meter);
  return characterOf(s, s.indexOf(wanted, unitOf(s, Number(from), meter)), meter);
}

function lastIndex(s: string, wanted: string, meter: Meter): Value {
  if (wanted === "") return BigInt(meter.charactersOf(s));
  return s.length < wanted.length
    ? -1n
    : characterOf(s, lastFound(s, wanted, s.length, meter), meter);
}

function lastIndexFrom(s: string, wanted: string, from: bigint, meter: Meter): Value {
  if (wanted === "") return from;
  if (from < 0n) return outOfRange(from);
  if (from >= BigInt(meter.charactersOf(s))) return -1n;
  return characterOf(s, lastFound(s, wanted, unitOf(s, Number(from), meter), meter), meter);
}

function lastFound(s: string, wanted: string, from: number, meter: Meter): number {
  search(s, wanted, meter);
  return s.lastIndexOf(wanted, from);
}

/** Counts a search: at worst, each place is compared with all that is looked for. */
function search(s: string, wanted: string, meter: Meter): void {
  meter.work(Math.ceil(s.length * wanted.length / 4096));
}

function replaced(s: string, old: string, by: string, count: bigint, meter: Meter): Value {
  const max = count < 0n ? Infinity : Number(count);
  meter.work(s.length >> 6);
  if (old === "") return interleaved(s, by, max, meter);
  search(s, old, meter);
  const parts = splitAt(s, old, max, meter);
  meter.string(s.length + (parts.length - 1) * by.length);
  return parts.join(by);
}

/** Puts a text before each character, and behind the last. */
function interleaved(s: string, by: string, max: number, meter: Meter): string {
  meter.string(s.length + Math.min(s.length + 1, max) * by.length);
  meter.work(s.length >> 2);
  const characters = [...s];
  const result = characters.map((character, index) => index < max ? by + character : character);
  return result.join("") + (characters.length < max ? by : "");
}

/** The parts between separators, of which no more than `max` are looked at. */
function splitAt(s: string, separator: string, max: number, meter: Meter): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let count = 0; count < max; count++) {
    const found = s.indexOf(separator, start);
    if (found < 0) break;
    parts.push(s.slice(start, found));
    start = found + separator.length;
  }
  meter.work(parts.length >> 2);
  parts.push(s.slice(start));
  return parts;
}

function split(s: string, separator: string, count: bigint, meter: Meter): Value {
  if (count === 0n) return new ArrayList([]);
  const max = count < 0n ? Infinity : Number(count);
  meter.work(s.length >> 6);
  if (separator !== "") return new ArrayList(splitAt(s, separator, max - 1, meter));
  meter.work(Math.min(s.length, max) >> 2);
  const characters = [...s];
  if (characters.length <= max) return new ArrayList(characters);
  return new ArrayList([...characters.slice(0, max - 1), characters.slice(max - 1).join("")]);
}

function join(list: ListValue, separator: string, meter: Meter): Value {
  const parts: string[] = [];
  let length = 0;
  for (let index = 0; index < list.size; index++) {
    const item = list.at(index);
    if (typeof item !== "string") return new Failure(`join: invalid input: ${String(item)}`);
    meter.work(1);
    length += item.length + separator.length;
    meter.string(length);
    parts.push(item);
  }
  const result = parts.join(separator);
  meter.charge(Math.ceil(meter.charactersOf(result) * 2 * 0.1)); // the one cost that depends on the result
  return result;
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

function quoted(s: string): string {
  // deno-lint-ignore no-control-regex -- those that are escaped
  return `"${s.replace(/[\x07\b\f\n\r\t\v\\"]/g, (character) => ESCAPED.get(character)!)}"`;
}

/** Sorts texts as Go does. */
export function sortedTexts(texts: readonly string[]): string[] {
  return texts.toSorted(textOrder);
}

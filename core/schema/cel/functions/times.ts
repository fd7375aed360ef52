import { Duration, Failure, Timestamp, type Value } from "../values/values.ts";
import { duration, timestamp } from "./math.ts";
import type { Declaration } from "./overloads.ts";

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
const DAY_MS = 86_400_000;

/** A part of a date, by what a Date in UTC has. */
const PARTS:
  readonly (readonly [id: string, name: string, part: (date: Date, nanos: bigint) => number])[] = [
    ["timestamp_to_year", "getFullYear", (date) => date.getUTCFullYear()],
    ["timestamp_to_month", "getMonth", (date) => date.getUTCMonth()],
    ["timestamp_to_day_of_year", "getDayOfYear", dayOfYear],
    ["timestamp_to_day_of_month", "getDayOfMonth", (date) => date.getUTCDate() - 1],
    ["timestamp_to_day_of_month_1_based", "getDate", (date) => date.getUTCDate()],
    ["timestamp_to_day_of_week", "getDayOfWeek", (date) => date.getUTCDay()],
    ["timestamp_to_hours", "getHours", (date) => date.getUTCHours()],
    ["timestamp_to_minutes", "getMinutes", (date) => date.getUTCMinutes()],
    ["timestamp_to_seconds", "getSeconds", (date) => date.getUTCSeconds()],
    ["timestamp_to_milliseconds", "getMilliseconds", (date) => date.getUTCMilliseconds()],
  ];

/** Parts of times, in UTC or in a zone; durations in whole units. */
export const TIMES: readonly Declaration[] = [
  ...PARTS.flatMap(([id, name, part]): Declaration[] => [
    [id, `timestamp.${name}(): int`, (time: Timestamp) => BigInt(part(dateOf(time), time.nanos))],
    [
      `${id}_with_tz`,
      `timestamp.${name}(string): int`,
      (time: Timestamp, zone: string) => {
        const local = inZone(time, zone);
        return local instanceof Failure ? local : BigInt(part(local, time.nanos));
      },
    ],
  ]),
  [
    "duration_to_hours",
    "duration.getHours(): int",
    ({ nanos }: Duration) => nanos / (3600n * SECOND),
  ],
  [
    "duration_to_minutes",
    "duration.getMinutes(): int",
    ({ nanos }: Duration) => nanos / (60n * SECOND),
  ],
  ["duration_to_seconds", "duration.getSeconds(): int", ({ nanos }: Duration) => nanos / SECOND],
  [
    "duration_to_milliseconds",
    "duration.getMilliseconds(): int",
    ({ nanos }: Duration) => nanos / MILLISECOND,
  ],
];

function dateOf({ nanos }: Timestamp): Date {
  const ms = nanos / MILLISECOND;
  return new Date(Number(nanos < 0n && nanos % MILLISECOND !== 0n ? ms - 1n : ms));
}

function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS);
}

/** The time of a zone, as a Date whose UTC parts are those of the zone: `Europe/Berlin`, `-08:00`. */
function inZone(time: Timestamp, zone: string): Date | Failure {
  const date = dateOf(time);
  const offset = /^([+-]?)(\d{1,4}):(\d{1,4})$/.exec(zone);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(date.getTime() + (offset[1] === "-" ? -minutes : minutes) * 60_000);
  }
  if (zone === "" || zone === "UTC") return date;
  try {
    return new Date(date.getTime() + zoneOffsetMs(date, zone));
  } catch {
    return new Failure(`unknown time zone ${zone}`); // the runtime does not know it
  }
}

const ZONE_LENGTH_MAX = 64;

function zoneOffsetMs(date: Date, zone: string): number {
  if (zone.length > ZONE_LENGTH_MAX || zone.includes(":")) throw new RangeError("no zone");
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = Object.fromEntries(
    format.formatToParts(date).map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = parts;
  const local = Date.UTC(year!, month! - 1, day!, hour, minute, second);
  return local - Math.floor(date.getTime() / 1000) * 1000;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1000n],
  ["µs", 1000n],
  ["μs", 1000n],
  ["ms", MILLISECOND],
  ["s", SECOND],
  ["m", 60n * SECOND],
  ["h", 3600n * SECOND],
]);
const TEXT_MAX = 200;

/** A duration as Go reads it, to the nanosecond: `1h30m`, `-1.5s`, `0`; `undefined` for anything else. */
export function durationFrom(text: string): Duration | undefined {
  const unsigned = text.replace(/^[+-]/, "");
  if (unsigned === "0") return new Duration(0n);
  if (text.length > TEXT_MAX || !/^(?:(?:\d+\.?\d*|\.\d+)[a-zµμ]+)+$/.test(unsigned)) {
    return undefined;
  }
  let nanos = 0n;
  for (
    const [, whole = "", fraction = "", name] of unsigned.matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)
  ) {
    const unit = UNITS.get(name!);
    if (unit === undefined) return undefined;
    nanos += BigInt(whole || "0") * unit +
      BigInt(fraction || "0") * unit / 10n ** BigInt(fraction.length);
  }
  const value = duration(text.startsWith("-") ? -nanos : nanos);
  return value instanceof Failure ? undefined : value;
}

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|([+-])(\d{2}):(\d{2}))$/;

/** A time of RFC 3339, to the nanosecond; `undefined` for anything else, a failure out of range. */
export function timestampFrom(text: string): Value | undefined {
  const match = text.length <= TEXT_MAX ? RFC3339.exec(text) : null;
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [fraction = "", , sign, zoneHour = "0", zoneMinute = "0"] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day!);
  date.setUTCHours(hour!, minute!, second!);
  const isDate = date.getUTCMonth() === month! - 1 && date.getUTCDate() === day!;
  const isTime = hour! < 24 && minute! < 60 && second! < 60;
  if (!isDate || !isTime || Number(zoneHour) > 23 || Number(zoneMinute) > 59) return undefined;
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === "-" ? -60 : 60);
  const nanos = BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return timestamp((BigInt(date.getTime()) / 1000n - BigInt(offset)) * SECOND + nanos);
}

/** RFC 3339 in UTC, with as many digits of the second as are needed. */
export function timestampText({ nanos }: Timestamp): string {
  const rest = ((nanos % SECOND) + SECOND) % SECOND;
  const date = new Date(Number((nanos - rest) / MILLISECOND));
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  return `${date.toISOString().slice(0, 19)}${fraction && `.${fraction}`}Z`;
}

/** A duration in seconds: `90s`, `1.5s`. */
export function secondsText({ nanos }: Duration): string {
  const absolute = nanos < 0n ? -nanos : nanos;
  const fraction = String(absolute % SECOND).padStart(9, "0").replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${absolute / SECOND}${fraction && `.${fraction}`}s`;
}

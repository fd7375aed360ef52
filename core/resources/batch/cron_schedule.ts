import { ownField } from "../../lib/own_field.ts";
import { DurationError, durationMsOf } from "../../schema/durations.ts";

/** When a schedule is due: at the times that its fields name, or after each `everyMs`. */
export type CronSchedule = CronFields | { everyMs: number };

export interface CronFields {
  minutes: CronField;
  hours: CronField;
  days: CronField;
  months: CronField;
  /** 0 is Sunday. */
  weekdays: CronField;
}

export interface CronField {
  values: ReadonlySet<number>;
  /** A day must be in both of its fields when one of them is `*`, otherwise in one of them. */
  isAny: boolean;
}

const EVERY_MS_MIN = 1_000;

/** Reads a schedule that has no fault, see {@linkcode scheduleFault}; `undefined`: it has one. */
export function cronScheduleOf(schedule: string): CronSchedule | undefined {
  if (scheduleFault(schedule) !== undefined) return undefined;
  const text = withoutTimeZone(schedule);
  if (text.startsWith(EVERY)) {
    const ms = durationMsOf(text.slice(EVERY.length));
    return { everyMs: Math.max(EVERY_MS_MIN, ms - ms % EVERY_MS_MIN) };
  }
  const fields = (ownField(DESCRIPTORS, text) ?? text).trim().split(/\s+/);
  const [minutes, hours, days, months, weekdays] = FIELDS.map((bounds, i) =>
    fieldOf(fields[i]!, bounds)
  );
  return {
    minutes: minutes!,
    hours: hours!,
    days: days!,
    months: months!,
    weekdays: weekdays!,
  };
}

function fieldOf(text: string, bounds: Bounds): CronField {
  const ranges = text.split(",").filter(Boolean).map((part) => rangeIn(part, bounds))
    .filter((range) => typeof range !== "string");
  const values = ranges.flatMap(({ first, last, step }) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)
  );
  return { values: new Set(values), isAny: ranges.some(({ isAny }) => isAny) };
}

/** The time zone that stands before the fields, as older versions of Kubernetes allowed. */
export function timeZoneIn(schedule: string): string | undefined {
  return /^(?:TZ|CRON_TZ)=(\S*)/.exec(schedule)?.[1];
}

/**
 * Why a text is no schedule, in the words of github.com/robfig/cron/v3 (`ParseStandard`), which Kubernetes uses;
 * `undefined`: it is one.
 */
export function scheduleFault(schedule: string): string | undefined {
  const text = withoutTimeZone(schedule);
  if (text.startsWith("@")) return descriptorFault(text);
  const fields = text.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${
      fields.join(" ")
    }]`;
  }
  for (const [i, bounds] of FIELDS.entries()) {
    for (const part of fields[i]!.split(",").filter(Boolean)) {
      const fault = rangeFault(part, bounds);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

interface Bounds {
  least: number;
  most: number;
  names: readonly string[];
}

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DAYS = "sun mon tue wed thu fri sat".split(" ");
const FIELDS: readonly Bounds[] = [
  { least: 0, most: 59, names: [] },
  { least: 0, most: 23, names: [] },
  { least: 1, most: 31, names: [] },
  { least: 1, most: 12, names: MONTHS },
  { least: 0, most: 6, names: DAYS },
];
const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const EVERY = "@every ";

/** Kubernetes refuses a time zone here by a rule of its own; the rest is looked at all the same. */
function withoutTimeZone(schedule: string): string {
  if (!/^(TZ|CRON_TZ)=/.test(schedule)) return schedule;
  const end = schedule.indexOf(" ");
  return end < 0 ? schedule : schedule.slice(end).trim();
}

function descriptorFault(text: string): string | undefined {
  if (Object.hasOwn(DESCRIPTORS, text)) return undefined;
  if (!text.startsWith(EVERY)) return `unrecognized descriptor: ${text}`;
  try {
    durationMsOf(text.slice(EVERY.length));
    return undefined;
  } catch (error) {
    if (error instanceof DurationError) return `failed to parse duration ${text}: ${error.message}`;
    throw error;
  }
}

function rangeFault(part: string, bounds: Bounds): string | undefined {
  const range = rangeIn(part, bounds);
  return typeof range === "string" ? range : undefined;
}

interface Range {
  first: number;
  last: number;
  step: number;
  /** Whether it is `*`, or `?`, without a step: then it does not say which days are meant. */
  isAny: boolean;
}

/** `*`, `3`, `1-5`, each perhaps with `/2`; or why it is none of these. */
function rangeIn(part: string, bounds: Bounds): Range | string {
  const [range = "", stepText, ...moreSteps] = part.split("/");
  const [low = "", high, ...moreEnds] = range.split("-");
  const isAll = low === "*" || low === "?";
  const first = isAll ? bounds.least : numberOf(low, bounds);
  if (typeof first === "string") return first;
  if (!isAll && moreEnds.length > 0) return `too many hyphens: ${part}`;
  const second = isAll ? bounds.most : high === undefined ? first : numberOf(high, bounds);
  if (typeof second === "string") return second;
  const step = stepText === undefined ? 1 : numberOf(stepText);
  if (typeof step === "string") return step;
  if (moreSteps.length > 0) return `too many slashes: ${part}`;
  const last = stepText !== undefined && high === undefined ? bounds.most : second;
  if (first < bounds.least) {
    return `beginning of range (${first}) below minimum (${bounds.least}): ${part}`;
  }
  if (last > bounds.most) return `end of range (${last}) above maximum (${bounds.most}): ${part}`;
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${part}`;
  if (step === 0) return `step of range should be a positive number: ${part}`;
  return { first, last, step, isAny: isAll && step === 1 };
}

/** The number, or why it is none. */
function numberOf(text: string, bounds?: Bounds): number | string {
  const named = bounds?.names.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + bounds!.least;
  const number = Number(text);
  if (/^[+]?[0-9]+$/.test(text) && Number.isSafeInteger(number)) return number;
  const quoted = JSON.stringify(text);
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${quoted}: invalid syntax`;
}

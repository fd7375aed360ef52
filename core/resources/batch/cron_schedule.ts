import { DurationError, durationMsOf } from "../../schema/durations.ts";

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
const DESCRIPTORS = [
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
];
const EVERY = "@every ";

/** Kubernetes refuses a time zone here by a rule of its own; the rest is looked at all the same. */
function withoutTimeZone(schedule: string): string {
  if (!/^(TZ|CRON_TZ)=/.test(schedule)) return schedule;
  const end = schedule.indexOf(" ");
  return end < 0 ? schedule : schedule.slice(end).trim();
}

function descriptorFault(text: string): string | undefined {
  if (DESCRIPTORS.includes(text)) return undefined;
  if (!text.startsWith(EVERY)) return `unrecognized descriptor: ${text}`;
  try {
    durationMsOf(text.slice(EVERY.length));
    return undefined;
  } catch (error) {
    if (error instanceof DurationError) return `failed to parse duration ${text}: ${error.message}`;
    throw error;
  }
}

/** `*`, `3`, `1-5`, each perhaps with `/2`. */
function rangeFault(part: string, bounds: Bounds): string | undefined {
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
  return step === 0 ? `step of range should be a positive number: ${part}` : undefined;
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

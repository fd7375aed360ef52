import type { CronFields, CronSchedule } from "../../resources/batch/cron_schedule.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A schedule that is never due in these years is never due: `0 0 31 2 *`. */
const YEARS_MAX = 5;

/** Milliseconds by which the clocks of a time zone are ahead of UTC at a moment. */
export type ZoneOffset = (ms: number) => number;

/** `undefined`: nobody knows a time zone of that name. Without a name it is that of the server. */
export function zoneOffset(timeZone: string | undefined): ZoneOffset | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    return (ms) => offsetIn(format.format(ms));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Of a text such as `11/30/2026, GMT-05:30`. */
function offsetIn(text: string): number {
  const [, sign, hours = "0", minutes = "0", seconds = "0"] =
    /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(text) ?? [];
  const ms = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS;
  return sign === "-" ? -ms : ms;
}

/**
 * The first time after `afterMs` at which a schedule is due; `undefined`: never.
 *
 * Where clocks are put forward, hours that are left out are not due; where they are put back, the hour that comes twice
 * is due twice. After `SpecSchedule.Next` of github.com/robfig/cron/v3, which Kubernetes uses.
 */
export function nextTime(
  schedule: CronSchedule,
  offset: ZoneOffset,
  afterMs: number,
): number | undefined {
  const fromMs = afterMs - afterMs % SECOND_MS;
  if ("everyMs" in schedule) return fromMs + schedule.everyMs;
  const search = new Search(schedule, offset, fromMs + SECOND_MS);
  return search.run();
}

/** A moment that moves on until all fields fit: months first, minutes last. */
class Search {
  readonly #fields: CronFields;
  readonly #offset: ZoneOffset;
  readonly #lastYear: number;
  #ms: number;

  constructor(fields: CronFields, offset: ZoneOffset, ms: number) {
    this.#fields = fields;
    this.#offset = offset;
    this.#ms = ms;
    this.#lastYear = this.#local.getUTCFullYear() + YEARS_MAX;
  }

  run(): number | undefined {
    while (this.#local.getUTCFullYear() <= this.#lastYear) {
      const isThere = this.#toMonth() && this.#toDay() && this.#toHour() && this.#toMinute();
      if (isThere) return this.#ms;
    }
    return undefined;
  }

  /** What the clocks of the zone show, as if it were UTC. */
  get #local(): Date {
    return new Date(this.#ms + this.#offset(this.#ms));
  }

  /** Goes to the moment at which the clocks show this, or would have shown it had they not been put forward. */
  #show(year: number, month: number, day: number, hour: number): void {
    const shown = Date.UTC(year, month, day, hour);
    const guess = shown - this.#offset(shown);
    this.#ms = shown - this.#offset(guess);
  }

  /** Each of these is false when the field above may fit no longer. */
  #toMonth(): boolean {
    for (let local = this.#local;; local = this.#local) {
      if (this.#fields.months.values.has(local.getUTCMonth() + 1)) return true;
      const [year, beforeMs] = [local.getUTCFullYear(), this.#ms];
      this.#show(year, local.getUTCMonth() + 1, 1, 0);
      if (this.#ms <= beforeMs) this.#ms = beforeMs + HOUR_MS;
      if (this.#local.getUTCFullYear() !== year) return false;
    }
  }

  #toDay(): boolean {
    for (let local = this.#local;; local = this.#local) {
      if (this.#isDay(local)) return true;
      const month = local.getUTCMonth();
      this.#toNextDay(local);
      if (this.#local.getUTCMonth() !== month) return false;
    }
  }

  #isDay(local: Date): boolean {
    const { days, weekdays } = this.#fields;
    const [isDay, isWeekday] = [
      days.values.has(local.getUTCDate()),
      weekdays.values.has(local.getUTCDay()),
    ];
    return days.isAny || weekdays.isAny ? isDay && isWeekday : isDay || isWeekday;
  }

  /** To its first moment, even if its midnight was left out; never back, even if the day was. */
  #toNextDay(local: Date): void {
    const beforeMs = this.#ms;
    const next = new Date(local.getTime() - local.getTime() % DAY_MS + DAY_MS);
    this.#show(next.getUTCFullYear(), next.getUTCMonth(), next.getUTCDate(), 0);
    const isEarly = this.#local.getTime() < next.getTime();
    if (isEarly) this.#ms += HOUR_MS;
    if (this.#ms <= beforeMs) this.#ms = beforeMs + HOUR_MS;
  }

  #toHour(): boolean {
    for (let local = this.#local;; local = this.#local) {
      if (this.#fields.hours.values.has(local.getUTCHours())) return true;
      this.#ms += HOUR_MS - local.getTime() % HOUR_MS;
      if (this.#local.getUTCDate() !== local.getUTCDate()) return false;
    }
  }

  #toMinute(): boolean {
    for (let local = this.#local;; local = this.#local) {
      const isWhole = local.getTime() % MINUTE_MS === 0;
      if (isWhole && this.#fields.minutes.values.has(local.getUTCMinutes())) return true;
      this.#ms += MINUTE_MS - local.getTime() % MINUTE_MS;
      if (this.#local.getUTCHours() !== local.getUTCHours()) return false;
    }
  }
}

/** What a schedule has been due for since a moment. */
export interface DueTime {
  /** The last time that is not in the future. */
  ms: number;
  /** How many times there were, roughly. */
  count: number;
}

/** `never`: the schedule has no two times; `undefined`: none since then. */
export function lastDueTime(
  schedule: CronSchedule,
  offset: ZoneOffset,
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): DueTime | undefined | "never" {
  const first = nextTime(schedule, offset, sinceMs);
  const second = first === undefined ? undefined : nextTime(schedule, offset, first);
  if (first === undefined || second === undefined) return "never";
  if (nowMs < first) return undefined;
  if (nowMs < second) return { ms: first, count: 1 };
  const gapMs = second - first;
  const count = Math.floor((nowMs - first) / gapMs) + 1;
  if ("everyMs" in schedule) return { ms: first + (count - 1) * gapMs, count };
  return { ms: latest(schedule, offset, { fromMs: first, nowMs }), count };
}

/** The later a search begins, the later what it finds: halves the span until only one time is in it. */
function latest(
  schedule: CronSchedule,
  offset: ZoneOffset,
  { fromMs, nowMs }: { fromMs: number; nowMs: number },
): number {
  let found = fromMs;
  let [low, high] = [fromMs, nowMs];
  while (high - low > SECOND_MS) {
    const middle = low + Math.floor((high - low) / 2);
    const next = nextTime(schedule, offset, middle);
    if (next === undefined || next > nowMs) high = middle;
    else [found, low] = [next, next];
  }
  return found;
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { cronScheduleOf } from "../../resources/batch/cron_schedule.ts";
import { lastDueTime, nextTime, zoneOffset } from "./cron_times.ts";

function next(schedule: string, zone: string, after: string): string | undefined {
  const ms = nextTime(cronScheduleOf(schedule)!, zoneOffset(zone)!, Date.parse(after));
  return ms === undefined ? undefined : new Date(ms).toISOString().replace(".000", "");
}

// The right values are those of github.com/robfig/cron/v3.
for (
  const [schedule, zone, after, expected] of [
    ["*/5 * * * *", "UTC", "2026-11-30T10:00:00Z", "2026-11-30T10:05:00Z"],
    ["*/5 * * * *", "UTC", "2026-11-30T09:59:59.999Z", "2026-11-30T10:00:00Z"],
    ["0 0 1 1 *", "UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["0 0 31 2 *", "UTC", "2026-01-01T00:00:00Z", undefined],
    // The 13th, and each Friday; with a star, only Fridays that are in both fields.
    ["0 0 13 * 5", "UTC", "2026-11-30T00:00:00Z", "2026-12-04T00:00:00Z"],
    ["0 0 * * 5", "UTC", "2026-11-30T00:00:00Z", "2026-12-04T00:00:00Z"],
    ["0 0 */2 * 1", "UTC", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"],
    ["30 6-16/4 * * 1-5", "UTC", "2026-11-27T15:00:00Z", "2026-11-30T06:30:00Z"],
    ["@weekly", "UTC", "2026-11-30T00:00:00Z", "2026-12-06T00:00:00Z"],
    ["@every 1h30m", "UTC", "2026-11-30T00:00:07.5Z", "2026-11-30T01:30:07Z"],
    ["0 9 * * *", "Asia/Kolkata", "2026-11-30T00:00:00Z", "2026-11-30T03:30:00Z"],
    // 2:30 is left out on the day when clocks are put forward, and 1:30 comes twice when they are put back.
    ["30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-09T06:30:00Z"],
    ["30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"],
    ["30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"],
    // A midnight that is left out.
    ["0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-24T21:00:00Z"],
    ["0 0 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-12-29T10:00:00Z"],
  ] as const
) {
  Deno.test(`${schedule} in ${zone} after ${after}`, () => {
    assert.equal(next(schedule, zone, after), expected);
  });
}

Deno.test("a zone that nobody knows has no time", () => {
  assert.equal(zoneOffset("Mars/Olympus"), undefined);
});

const anySchedule = fc.constantFrom(
  "* * * * *",
  "*/7 * * * *",
  "0,59 * * * *",
  "* * * 1 *",
  "0 0 13 * 5",
  "30 6-16/4 * * 1-5",
  "0 2 * 3,11 0",
  "@every 37m",
  "@hourly",
);
const anyZone = fc.constantFrom("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu");

Deno.test("the last due time is the last one that walking from time to time would find", () => {
  fc.assert(
    fc.property(
      anySchedule,
      anyZone,
      fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2028, 0) }),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: -90_000, max: 90_000 }),
      (text, zone, sinceMs, steps, moreMs) => {
        const [schedule, offset] = [cronScheduleOf(text)!, zoneOffset(zone)!];
        let nowMs = sinceMs;
        for (let i = 0; i < steps; i++) nowMs = nextTime(schedule, offset, nowMs)!;
        nowMs = Math.max(sinceMs, nowMs + moreMs);
        let last: number | undefined;
        for (let at = nextTime(schedule, offset, sinceMs)!; at <= nowMs;) {
          last = at;
          at = nextTime(schedule, offset, at)!;
        }
        const due = lastDueTime(schedule, offset, { sinceMs, nowMs });
        assert.equal(due === "never" ? due : due?.ms, last);
      },
    ),
    { numRuns: 60 },
  );
});

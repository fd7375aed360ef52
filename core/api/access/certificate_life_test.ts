import assert from "node:assert/strict";
import { ADMIN_LIFE_MS, EARLIEST_NOW_MS, endOfLife, isDue } from "./certificate_life.ts";

const ms = (date: string) => Date.parse(date);

Deno.test("a certificate lives as long as it should, and longer where the clock is behind", () => {
  const table = [
    ["2027-03-01", "2028-02-29"],
    ["1970-01-01", "2027-11-01"],
    ["2020-01-01", "2027-11-01"],
    ["2099-01-01", "2100-01-01"],
  ] as const;
  for (const [now, end] of table) {
    assert.equal(new Date(endOfLife(ms(now), ADMIN_LIFE_MS)).toISOString().slice(0, 10), end, now);
  }
});

Deno.test("a certificate is due when two thirds of its life are over, or when a wrong clock has made it", () => {
  const issued = ms("2027-01-01");
  const end = endOfLife(issued, ADMIN_LIFE_MS);
  const table: [what: string, notAfterMs: number, now: string, due: boolean][] = [
    ["new", end, "2027-01-01", false],
    ["a little after half", end, "2027-07-15", false],
    ["two thirds", end, "2027-09-02", true],
    ["expired", end, "2029-01-01", true],
    ["from before: a hundred years", ms("2120-01-01"), "2027-01-01", true],
    [
      "made while the clock was ahead",
      endOfLife(ms("2099-01-01"), ADMIN_LIFE_MS),
      "2027-01-01",
      true,
    ],
    ["clocks of two servers differ by an hour", end + 3_600_000, "2027-01-01", false],
    ["the clock is behind", endOfLife(0, ADMIN_LIFE_MS), "1970-01-01", false],
    ["the clock has been put right", endOfLife(0, ADMIN_LIFE_MS), "2029-06-01", true],
  ];
  for (const [what, notAfterMs, now, due] of table) {
    assert.equal(isDue(notAfterMs, ms(now), ADMIN_LIFE_MS), due, what);
  }
  assert.ok(EARLIEST_NOW_MS > ms("2026-01-01"));
});

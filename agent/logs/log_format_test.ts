import assert from "node:assert/strict";
import fc from "fast-check";
import type { ShownLog } from "./log_format.ts";
import { logFormatOf } from "./mod.ts";

const SHOWN = { timestamps: false, sinceMs: undefined };
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("a log is the same text however its blocks are cut", () => {
  const entry = fc.record({
    tag: fc.constantFrom("F", "P"),
    text: fc.string({ maxLength: 30 }).map((text) => text.replaceAll("\n", "")),
  });
  fc.assert(fc.property(
    fc.array(entry, { maxLength: 20 }),
    fc.array(fc.nat({ max: 60 }), { maxLength: 20 }),
    fc.boolean(),
    (entries, cuts, timestamps) => {
      const time = "2026-01-01T00:00:00.5Z";
      const log = bytes(entries.map(({ tag, text }) => `${time} stdout ${tag} ${text}\n`).join(""));
      const expected = entries.map(({ tag, text }, index) => {
        const isFirst = index === 0 || entries[index - 1]!.tag === "F";
        return `${timestamps && isFirst ? `${time} ` : ""}${text}${tag === "F" ? "\n" : ""}`;
      }).join("");
      assert.equal(shown(log, cuts, { timestamps }), expected);
    },
  ));
});

Deno.test("times in all their forms are compared, and shown in UTC as the kubelet shows them", () => {
  const shownAt: [time: string, sinceMs: number, shown: string][] = [
    ["2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1), "2026-01-01T00:00:00Z"],
    [
      "2026-01-01T00:00:00.123456789+00:00",
      Date.UTC(2026, 0, 1, 0, 0, 0, 123),
      "2026-01-01T00:00:00.123456789Z",
    ],
    [
      "2026-12-31T23:30:01.5+05:30",
      Date.UTC(2026, 11, 31, 18, 0, 1, 500),
      "2026-12-31T23:30:01.5+05:30",
    ],
    ["2026-12-31T23:30:01-01:00", Date.UTC(2027, 0, 1, 0, 30, 1), "2026-12-31T23:30:01-01:00"],
  ];
  for (const [time, sinceMs, expected] of shownAt) {
    const log = bytes(`${time} stdout F x\n`);
    assert.equal(shown(log, [], { timestamps: true, sinceMs }), `${expected} x\n`);
    assert.equal(shown(log, [], { timestamps: true, sinceMs: sinceMs + 1 }), "", time);
  }
});

Deno.test("what is no entry is left out, and is not kept", () => {
  const good = "2026-01-01T00:00:00Z stdout F good\n";
  assert.equal(shown(bytes(`rubbish\n\n${good}one two\n${good}`), [], {}), "good\ngood\n");
  const text = logFormatOf("cri").text(SHOWN);
  for (let i = 0; i < 100; i++) assert.equal(text.of(bytes("x".repeat(50_000)), 0).length, 0);
  text.of(bytes("\n"), 0);
  assert.equal(new TextDecoder().decode(text.of(bytes(good), 0)), "good\n");
});

Deno.test("a raw log passes through as it is, with the time of the file before each line", () => {
  const text = logFormatOf("raw").text({ timestamps: true, sinceMs: undefined });
  const said = ["one\nt", "w", "o\n\n", "last"].map((part, ms) => text.of(bytes(part), ms * 1_000));
  assert.equal(
    [...said, text.rest()].map((part) => new TextDecoder().decode(part)).join(""),
    "1970-01-01T00:00:00.000Z one\n1970-01-01T00:00:00.000Z two\n" +
      "1970-01-01T00:00:02.000Z \n1970-01-01T00:00:03.000Z last\n",
  );
  const block = bytes("x".repeat(1_000));
  assert.equal(logFormatOf("raw").text(SHOWN).of(block, 0), block);
  assert.equal(logFormatOf("raw").text({ ...SHOWN, sinceMs: 1_000 }).of(block, 999).length, 0);
});

function shown(
  log: Uint8Array,
  cuts: readonly number[],
  options: Partial<ShownLog>,
): string {
  const text = logFormatOf("cri").text({ ...SHOWN, ...options });
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const length of [...cuts, log.length]) {
    parts.push(text.of(log.subarray(start, start + length), 0));
    start += length;
  }
  return [...parts, text.rest()].map((part) => new TextDecoder().decode(part)).join("");
}

import assert from "node:assert/strict";
import { int64Of } from "./int64.ts";

Deno.test("a text is read as a number of 64 bits, or is none", () => {
  const rows: [text: string | undefined, value: bigint | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["-", undefined],
    ["x1", undefined],
    ["1.5", undefined],
    ["1 ", undefined],
    ["0", 0n],
    ["007", 7n],
    ["+7", 7n],
    ["-7", -7n],
    ["3546343826724305833", 3546343826724305833n],
    ["9223372036854775807", 9223372036854775807n],
    ["9223372036854775808", undefined],
    ["-9223372036854775808", -9223372036854775808n],
    ["-9223372036854775809", undefined],
    ["1".repeat(65), undefined],
  ];
  for (const [text, value] of rows) assert.equal(int64Of(text), value, String(text));
});

import assert from "node:assert/strict";
import { warningHeaders } from "./warning_headers.ts";

Deno.test("a warning is told once, quoted, and not at all with control characters", () => {
  assert.deepEqual(warningHeaders(["a", 'b"\\', "a", "", "c\nd", "e\u0085", "\ud800"]), [
    '299 - "a"',
    '299 - "b\\"\\\\"',
  ]);
  assert.deepEqual(warningHeaders(["\u00fc"]), ['299 - "\u00c3\u00bc"']); // UTF-8 as Latin-1
});

Deno.test("warnings over 4,096 characters are cut to 256 each, and those that do not fit are dropped", () => {
  const many = Array.from({ length: 60 }, (_, index) => String(index).padEnd(217, "x"));
  const headers = warningHeaders(many);
  assert.equal(headers.length, 19); // as kube-apiserver answered
  assert.equal(headers[0]!.length, 217 + '299 - ""'.length);
  assert.equal(warningHeaders(["y".repeat(4096)])[0]!.length, 4096 + 8);
  assert.equal(warningHeaders(["y".repeat(4097)])[0]!.length, 256 + 8);
  const emoji = warningHeaders(["\u{1f600}".repeat(4096)])[0]!;
  assert.equal(emoji.length, 4 * 4096 + 8);
  assert.equal(warningHeaders(["\u{1f600}".repeat(4097)])[0]!.length, 4 * 256 + 8);
});

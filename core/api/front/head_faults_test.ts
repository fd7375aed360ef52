import assert from "node:assert/strict";
import { headFault } from "./head_faults.ts";

Deno.test("a head has one Host and a version that is spoken here", () => {
  const HOST = ["host", "a"];
  const heads: readonly [string, string[], number | undefined][] = [
    ["1.1", HOST, undefined],
    ["1.1", ["Accept", "host", "HOST", "a"], undefined],
    ["1.0", [], undefined],
    ["1.0", HOST, undefined],
    ["1.1", [], 400],
    ["1.1", ["accept", "host"], 400],
    ["1.1", [...HOST, "x", "y", "Host", "a"], 400],
    ["1.0", [...HOST, ...HOST], 400],
    ["2.0", HOST, 505],
    ["0.9", HOST, 505],
    ["1.2", HOST, 505],
  ];
  for (const [httpVersion, rawHeaders, code] of heads) {
    assert.equal(
      headFault({ httpVersion, rawHeaders })?.code,
      code,
      `${httpVersion} ${rawHeaders}`,
    );
  }
});

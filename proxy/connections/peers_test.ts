import assert from "node:assert/strict";
import { isInRanges } from "./peers.ts";

const RANGES = ["10.42.0.0/24", "127.0.0.0/8", "192.0.2.7/32"];

for (
  const [address, isIn] of [
    ["10.42.0.9", true],
    ["10.42.1.9", false],
    ["127.1.2.3", true],
    ["192.0.2.7", true],
    ["192.0.2.8", false],
    ["::ffff:10.42.0.9", true],
    ["::ffff:192.0.2.8", false],
    ["::1", false],
    ["", false],
  ] as const
) {
  Deno.test(`a peer "${address}" is ${isIn ? "let in" : "refused"}`, () => {
    assert.equal(isInRanges(RANGES, address), isIn);
  });
}

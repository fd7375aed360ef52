import assert from "node:assert/strict";
import { covers } from "./hostnames.ts";

Deno.test("a host name covers itself, a wildcard the names below it, and none all", () => {
  const rows: [wide: string, narrow: string, isCovered: boolean][] = [
    ["", "a.com", true],
    ["", "*.com", true],
    ["", "", true],
    ["a.com", "a.com", true],
    ["a.com", "b.a.com", false],
    ["a.com", "", false],
    ["*.a.com", "b.a.com", true],
    ["*.a.com", "c.b.a.com", true],
    ["*.a.com", "*.a.com", true],
    ["*.a.com", "*.b.a.com", true],
    ["*.a.com", "a.com", false],
    ["*.a.com", ".a.com", false],
    ["*.a.com", "x.a.com", true],
    ["*.a.com", "ba.com", false],
    ["*.a.com", "xa.com", false],
    ["*.a.com", "xxa.com", false],
    ["*.b.a.com", "*.a.com", false],
    ["x.a.com", "*.a.com", false],
  ];
  for (const [wide, narrow, isCovered] of rows) {
    assert.equal(covers(wide, narrow), isCovered, `${wide} ${narrow}`);
  }
});

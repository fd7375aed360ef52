import assert from "node:assert/strict";
import { formatCidr, formatIp, parseSloppyCidr, parseSloppyIp } from "./ip_text.ts";

/** What is read, and its canonical text; `undefined`: it is no address. */
const ADDRESSES: [string, string | undefined][] = [
  ["10.0.0.1", "10.0.0.1"],
  ["010.000.00.001", "10.0.0.1"],
  ["::ffff:010.0.0.1", "10.0.0.1"],
  ["FE80:0:0:0:0:0:0:0abc", "fe80::abc"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["10.0.0", undefined],
  ["10.0.0.256", undefined],
  ["10.0.0.", undefined],
  ["fe80::1%eth0", undefined],
  ["", undefined],
];

for (const [text, canonical] of ADDRESSES) {
  Deno.test(`the address "${text}" is ${canonical ?? "none"}`, () => {
    const address = parseSloppyIp(text);
    assert.equal(address && formatIp(address), canonical);
  });
}

const RANGES: [string, string | undefined][] = [
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["010.0.0.0/08", "10.0.0.0/8"],
  ["10.1.2.3/32", "10.1.2.3/32"],
  ["10.1.2.3/0", "0.0.0.0/0"],
  ["fd00::ff01/121", "fd00::ff00/121"],
  ["::ffff:1.2.3.4/104", "1.0.0.0/8"],
  ["10.0.0.0/33", undefined],
  ["fd00::/129", undefined],
  ["10.0.0.0", undefined],
  ["10.0.0.0/8/8", undefined],
];

for (const [text, canonical] of RANGES) {
  Deno.test(`the range "${text}" is ${canonical ?? "none"}`, () => {
    const cidr = parseSloppyCidr(text);
    assert.equal(cidr && formatCidr(cidr), canonical);
  });
}

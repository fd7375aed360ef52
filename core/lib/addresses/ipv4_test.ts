import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIpv4, isInRange, parseIpv4, parseIpv4Range, sizeOfRange } from "./ipv4.ts";

Deno.test("an IPv4 address is the same after formatting and parsing", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), (address) => {
    assert.equal(parseIpv4(formatIpv4(address)), address);
  }));
});

Deno.test("what is no IPv4 address is refused", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", " 1.2.3.4"]) {
    assert.equal(parseIpv4(text), undefined, text);
  }
});

Deno.test("a range knows its addresses", () => {
  const range = parseIpv4Range("10.42.3.0/24")!;
  assert.equal(sizeOfRange(range), 256);
  assert.equal(isInRange(parseIpv4("10.42.3.255")!, range), true);
  assert.equal(isInRange(parseIpv4("10.42.4.0")!, range), false);
});

Deno.test("what is no range is refused", () => {
  for (const text of ["10.42.0.0", "10.42.0.1/24", "10.42.0.0/33", "10.42.0.0/24/1", "x/8"]) {
    assert.equal(parseIpv4Range(text), undefined, text);
  }
});

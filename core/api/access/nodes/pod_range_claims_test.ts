import assert from "node:assert/strict";
import { parseIpv4Range } from "../../../lib/addresses/ipv4.ts";
import { claimFault } from "./pod_range_claims.ts";

Deno.test("a node claims no addresses of others for its pods", () => {
  const taken = ["10.42.0.0/24", "10.96.0.0/16"].map((text) => parseIpv4Range(text)!);
  const table: [claim: string, fault: RegExp | undefined][] = [
    ["10.42.1.0/24", undefined],
    ["192.168.7.0/24", undefined],
    ["100.64.0.0/16", undefined],
    ["127.42.0.0/24", undefined],
    ["10.42.0.0/24", /overlaps with 10\.42\.0\.0\/24, which is taken/],
    ["10.42.0.128/25", /overlaps/],
    ["10.42.0.0/16", /overlaps/],
    ["10.96.5.0/24", /overlaps with 10\.96\.0\.0\/16/],
    ["10.0.0.0/8", /too large/],
    ["0.0.0.0/0", /too large/],
    ["8.8.8.0/24", /not private/],
    ["172.32.0.0/16", /not private/],
    ["169.254.169.254/32", /not private/],
    ["fd00::/64", /no range of IPv4/],
    ["x", /no range of IPv4/],
  ];
  for (const [claim, fault] of table) {
    const found = claimFault(claim, taken);
    if (fault === undefined) assert.equal(found, undefined, claim);
    else assert.match(found ?? "", fault, claim);
  }
});

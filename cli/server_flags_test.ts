import assert from "node:assert/strict";
import { analysisTargets, balancerRange, eventLimits } from "./server_flags.ts";

Deno.test("--event-rate-limits takes limits of each type, and nothing else", () => {
  assert.deepEqual(eventLimits("Namespace=50/100, User=5/10"), [
    { type: "Namespace", qps: 50, burst: 100 },
    { type: "User", qps: 5, burst: 10 },
  ]);
  for (
    const text of ["", "Namespace", "Namespace=50", "Node=1/1", "User=0/5", "User=5/0", "User=-1/5"]
  ) {
    assert.throws(() => eventLimits(text), /It must be TYPE=QPS\/BURST/, text);
  }
});

Deno.test("--lb-range takes IPv4 ranges down to one address", () => {
  assert.equal(balancerRange("192.168.1.240/28"), "192.168.1.240/28");
  assert.equal(balancerRange("192.168.1.9/32"), "192.168.1.9/32");
  for (
    const text of [
      "",
      "192.168.1.9",
      "10.0.0.0/8",
      "192.168.1.241/28",
      "fd00::/64",
      "192.168.1.0/33",
    ]
  ) {
    assert.throws(() => balancerRange(text), /It must be an IPv4 range of \/16 to \/32/, text);
  }
});

Deno.test("--analysis-targets takes names, domains, addresses and ranges", () => {
  const targets = ["a.example", "*.b.example", "127.0.0.1", "fd00::/8"];
  assert.deepEqual(analysisTargets(targets.join(", ")), targets);
  for (const text of ["", "a,,b", "http://a", "10.0.0.0/33", "a:80"]) {
    assert.throws(
      () => analysisTargets(text),
      /is neither a name nor an address nor a range/,
      text,
    );
  }
});

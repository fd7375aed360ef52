import assert from "node:assert/strict";
import fc from "fast-check";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { TestCluster } from "../test_cluster.ts";
import {
  areAllAway,
  EVICTION_LIMITS,
  evictionRate,
  isCounted,
  paceAfter,
  paceAt,
  zoneOf,
  zoneStateOf,
} from "./zones.ts";

Deno.test("a zone is in outage from 55 % of its nodes on, and from three", () => {
  const rows: [ready: number, notReady: number, state: string, rate: number][] = [
    [0, 0, "Normal", 0.1],
    [5, 0, "Normal", 0.1],
    [0, 1, "FullDisruption", 0.1],
    [0, 60, "FullDisruption", 0.1],
    [1, 2, "Normal", 0.1], // two of three, but two
    [2, 3, "PartialDisruption", 0],
    [3, 3, "Normal", 0.1], // half of them
    [9, 11, "PartialDisruption", 0], // exactly 55 %
    [10, 11, "Normal", 0.1],
    [20, 30, "PartialDisruption", 0], // 50 nodes are not large
    [20, 31, "PartialDisruption", 0.01],
    [46, 55, "Normal", 0.1],
    [45, 55, "PartialDisruption", 0.01],
  ];
  for (const [ready, notReady, state, rate] of rows) {
    const counts = { ready, notReady };
    assert.equal(zoneStateOf(counts, EVICTION_LIMITS), state, `${ready} ${notReady}`);
    assert.equal(evictionRate(counts, EVICTION_LIMITS), rate, `${ready} ${notReady}`);
  }
});

Deno.test("the server is cut off when all zones are away, not when there are none", () => {
  const away = { ready: 0, notReady: 2 };
  assert.equal(areAllAway([]), false);
  assert.equal(areAllAway([away]), true);
  assert.equal(areAllAway([away, { ready: 1, notReady: 5 }]), false);
});

Deno.test("a zone is that of its region, older labels first", () => {
  const topology = (kind: string) => `topology.kubernetes.io/${kind}`;
  const beta = (kind: string) => `failure-domain.beta.kubernetes.io/${kind}`;
  const rows: [Record<string, string> | undefined, string][] = [
    [undefined, ""],
    [{ [topology("zone")]: "" }, ""],
    [{ [topology("zone")]: "a" }, ":\0:a"],
    [{ [topology("region")]: "r" }, "r:\0:"],
    [{ [topology("region")]: "r", [topology("zone")]: "a" }, "r:\0:a"],
    [{ [topology("zone")]: "a", [beta("zone")]: "b" }, ":\0:b"],
  ];
  for (const [labels, zone] of rows) {
    const node = new TestCluster().put(nodes, { metadata: { name: "n", ...labels && { labels } } });
    assert.equal(zoneOf(node), zone);
    assert.equal(isCounted(node), true);
  }
  const labels = { "node.kubernetes.io/exclude-disruption": "" };
  assert.equal(isCounted(new TestCluster().put(nodes, { metadata: { name: "n", labels } })), false);
});

Deno.test("a pace takes one at once, then by its rate; who waits when it changes waits anew", () => {
  const first = paceAt(0.1, undefined, 5);
  assert.equal(first.nextMs, 5);
  const taken = paceAfter(first, 5);
  assert.equal(taken.nextMs, 10_005);
  assert.equal(paceAt(0.1, taken, 9_000), taken, "the same rate changes nothing");
  assert.equal(paceAt(0.01, taken, 9_000).nextMs, 109_000);
  assert.equal(paceAt(0, taken, 9_000).nextMs, Infinity);
  assert.equal(paceAt(0.1, paceAt(0, taken, 9_000), 20_000).nextMs, 30_000);
  assert.equal(paceAt(0.01, taken, 10_005).nextMs, 10_005, "nobody waited");
});

Deno.test("no pace lets through more than its rate allows", () => {
  const times = fc.array(fc.nat(30_000), { minLength: 1, maxLength: 200 });
  fc.assert(fc.property(times, fc.constantFrom(0.1, 1, 5), (waits, rate) => {
    let [nowMs, taken] = [0, 0];
    let pace = paceAt(rate, undefined, 0);
    for (const wait of waits) {
      nowMs += wait;
      if (pace.nextMs > nowMs) continue;
      taken++;
      pace = paceAfter(pace, nowMs);
    }
    assert.ok(taken <= 1 + nowMs * rate / 1_000);
  }));
});

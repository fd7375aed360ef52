import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { setTrafficMetrics } from "../../core/usage/set_traffic_metrics.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { MeasuredSplit } from "./measured_split.ts";

const SETS = { canary: "new", stable: "old" };

/** A cluster whose proxies have counted so many requests; `undefined`: it tells nothing. */
class Counted {
  readonly clock = new VirtualClock();
  requests: Record<string, number> | undefined = {};
  asked = 0;
  readonly split = new MeasuredSplit(this as unknown as Cluster, this.clock); // it asks for the text alone
  readonly namespace = "shop";

  text(): Promise<string | undefined> {
    this.asked++;
    const of = (namespace: string, proxy: string) =>
      Object.entries(this.requests ?? {}).map(([hash, requests]) => ({
        ...{ namespace, hash, proxy, service: `web-${hash}`, port: 80 },
        counts: { requests, failures: 0, answers: [0, 0, 0, 0, 0] },
      }));
    const all = [...of("shop", "a"), ...of("shop", "b"), ...of("other", "a")];
    return Promise.resolve(this.requests && setTrafficMetrics(all));
  }

  async after(ms: number, requests: Record<string, number> | undefined): Promise<this> {
    await this.clock.advance(ms);
    this.requests = requests;
    await this.split.read();
    return this;
  }
}

Deno.test("a split is measured between two readings, over all proxies, of this namespace", async () => {
  const counted = await new Counted().after(0, { old: 100, new: 50 });
  assert.equal(counted.split.weightOf(SETS), undefined);
  await counted.after(2_000, { old: 180, new: 70 });
  assert.deepEqual(counted.split.weightOf(SETS), { weight: 20, requests: 200, seconds: 2 });
  assert.equal(counted.split.weightOf({ canary: "old", stable: "old" }), undefined);
});

Deno.test("what was long ago no longer counts, and the server is not asked all the time", async () => {
  const counted = await new Counted().after(0, { old: 0, new: 0 });
  await counted.after(3_000, { old: 1_000, new: 0 });
  await counted.after(100, { old: 9_999, new: 9_999 });
  assert.equal(counted.asked, 2);
  await counted.after(3_900, { old: 1_000, new: 10 });
  assert.deepEqual(counted.split.weightOf(SETS), { weight: 100, requests: 20, seconds: 4 });
});

Deno.test("a cluster that tells nothing, or has had no requests, shows no split", async () => {
  const counted = await new Counted().after(0, undefined);
  await counted.after(2_000, undefined);
  assert.equal(counted.split.weightOf(SETS), undefined);
  await counted.after(2_000, { old: 5, new: 5 });
  await counted.after(2_000, { old: 5, new: 5 });
  assert.equal(counted.split.weightOf(SETS), undefined);
});

import assert from "node:assert/strict";
import { VirtualClock } from "../lib/virtual_clock.ts";
import type { ViewEvent } from "../client/client.ts";
import type { KubeObject } from "../resources/resource.ts";
import type { TrafficReport } from "./served_traffic.ts";
import { type OwnCounts, TrafficReports } from "./traffic_reports.ts";

const NOTHING: TrafficReport = { versions: {}, shared: [], addressed: [], busy: [], changed: [] };
const SET = { namespace: "shop", hash: "abc" };

function at(resourceVersion: string): KubeObject {
  return { metadata: { resourceVersion } } as KubeObject;
}

Deno.test("an object is served when all proxies that can be reached serve its version or a later one", () => {
  const { reports, ready } = fixture("here", { edge: true, far: false });
  assert.equal(reports.serves("HTTPRoute", at("5")), false, "the own proxy has said nothing yet");
  reports.take("here", { ...NOTHING, versions: { HTTPRoute: 5, Service: 9 } });
  assert.equal(reports.serves("HTTPRoute", at("5")), true);
  assert.equal(reports.serves("HTTPRoute", at("6")), false);
  assert.equal(reports.serves("Ingress", at("1")), false, "a table without any");
  reports.take("edge", { ...NOTHING, versions: { HTTPRoute: 4 } });
  assert.equal(reports.serves("HTTPRoute", at("5")), false);
  ready("edge", false);
  assert.equal(reports.serves("HTTPRoute", at("5")), true, "nobody waits for who is away");
  ready("edge", true);
  assert.equal(reports.serves("HTTPRoute", at("5")), false);
  reports.take("edge", { ...NOTHING, versions: { HTTPRoute: 5 } });
  reports.take("far", NOTHING);
  assert.equal(reports.serves("HTTPRoute", at("5")), true);
});

Deno.test("a set is free when no table in use leads to it and its requests have ended", () => {
  const { reports } = fixture("here", { edge: true });
  assert.deepEqual(reports.waysTo(SET), [{ service: "", by: "request", proxy: "here" }]);
  reports.take("here", {
    ...NOTHING,
    shared: ["shop/web abc", "shop/web def", "other/web abc"],
    addressed: ["shop/canary abc"],
  });
  reports.take("edge", { ...NOTHING, busy: ["shop/web abc"] });
  assert.deepEqual(reports.waysTo(SET), [
    { service: "web", by: "share", proxy: "here" },
    { service: "canary", by: "address", proxy: "here" },
    { service: "web", by: "request", proxy: "edge" },
  ]);
  reports.take("here", NOTHING);
  reports.take("edge", NOTHING);
  assert.deepEqual(reports.waysTo(SET), []);
});

Deno.test("who waits is told of the namespaces in which something may have changed, and of no others", () => {
  const { reports, ready, told } = fixture("here", { edge: true });
  reports.take("here", { ...NOTHING, changed: ["shop"] });
  reports.take("here", { ...NOTHING, shared: ["blog/web abc"] });
  reports.take("here", { ...NOTHING, shared: ["blog/web abc"] });
  reports.take("here", { ...NOTHING, busy: ["blog/web abc"] });
  reports.take("here", NOTHING);
  assert.deepEqual(told.splice(0), [["shop"], ["blog"], ["blog"], ["blog"]]);
  reports.take("edge", { ...NOTHING, addressed: ["shop/web abc"] });
  ready("edge", false);
  ready("edge", false);
  assert.deepEqual(told.splice(0), [["shop"], ["shop"]]);
  ready("here", false);
  assert.deepEqual(told, []);
});

Deno.test("counts are those of all proxies; old ones are named as such, and asked for again", async () => {
  const { reports, clock } = fixture("here", { edge: true });
  assert.deepEqual(reports.take("edge", NOTHING, [countOf("shop")]), { nextMs: 60_000 });
  await clock.advance(30_000);
  assert.deepEqual((await reports.counts("shop")).map(({ proxy, isStale }) => [proxy, isStale]), [
    ["here", undefined],
    ["edge", undefined],
  ]);
  await clock.advance(1);
  assert.deepEqual((await reports.counts("shop")).map(({ isStale }) => isStale), [undefined, true]);
  assert.deepEqual(await reports.counts("blog"), []);
  assert.deepEqual(reports.take("edge", NOTHING), { nextMs: 5_000 });
});

function countOf(namespace: string): OwnCounts {
  const counts = {
    ...{ requests: 1, inFlight: 0, answers: [0, 1, 0, 0, 0], retries: 0, failures: 0 },
    ...{ latency: [1], latencySumMs: 1 },
  };
  return { namespace, service: "web", port: 80, hash: "abc", counts };
}

function fixture(own: string, readiness: Record<string, boolean>) {
  const clock = new VirtualClock(0);
  const isReady = new Map(Object.entries(readiness));
  const node = (name: string) => ({
    metadata: { name },
    status: { conditions: [{ type: "Ready", status: isReady.get(name) ? "True" : "Unknown" }] },
  });
  let listener: (event: ViewEvent) => void = () => {};
  const reports = new TrafficReports({
    clock,
    view: {
      get: (_resource, { name }) => isReady.has(name) ? node(name) as never : undefined,
      subscribe: (_resource, added) => {
        listener = added as typeof listener;
        return () => {};
      },
    },
    own: { node: own, counts: () => Promise.resolve([countOf("shop")]) },
  });
  reports.followNodes();
  const told: string[][] = [];
  reports.onChange((namespaces) => told.push([...namespaces]));
  const ready = (name: string, is: boolean) => {
    isReady.set(name, is);
    listener({ type: "MODIFIED", object: node(name) as unknown as KubeObject });
  };
  return { reports, clock, ready, told };
}

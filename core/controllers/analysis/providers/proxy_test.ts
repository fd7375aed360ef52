import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import {
  analysisRuns,
  experiments,
  type Metric,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { type BackendCounts, LATENCY_BOUNDS_MS } from "../../../traffic/backend_counts.ts";
import type { SetCounts } from "../../../traffic/served_traffic.ts";
import { TestCluster } from "../../test_cluster.ts";
import type { Answer, Ask } from "../measuring.ts";
import { TargetPolicy } from "../requests/target_policy.ts";
import { measurer } from "./measurer.ts";
import { percentile, trafficBetween } from "./traffic_counts.ts";

const CANARY = "new", STABLE = "old";

/** What the proxies have counted, by the test; and the metric of a run about a rollout. */
class Traffic {
  readonly cluster = new TestCluster();
  readonly clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  readonly counts: { -readonly [field in keyof SetCounts]: SetCounts[field] }[] = [];
  readonly #measure;

  constructor() {
    this.cluster.put(rollouts, {
      metadata: { name: "web" },
      spec: {},
      status: { currentPodHash: CANARY, stableRS: STABLE },
    });
    const ownerReferences = [
      { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r" },
    ];
    this.cluster.put(analysisRuns, {
      metadata: { name: "run", ownerReferences },
      spec: { metrics: [] },
    });
    const { cluster: view, clock } = this;
    this.#measure = measurer({
      ...{ view, clock, policy: new TargetPolicy() },
      environment: () => undefined,
      homeFile: () => Promise.resolve(undefined),
      counts: () => Promise.resolve(structuredClone(this.counts)),
    });
  }

  /** Requests that end at once: `errors` of them with 500. */
  send(
    hash: string,
    requests: number,
    { errors = 0, service = "web", proxy = "node", ms = 3 } = {},
  ) {
    const counts = this.of(hash, { service, proxy });
    counts.requests += requests;
    counts.answers[1]! += requests - errors;
    counts.answers[4]! += errors;
    counts.latency[LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound)]! += requests;
  }

  of(hash: string, { service = "web", proxy = "node" } = {}): BackendCounts {
    const known = this.counts.find((each) =>
      each.hash === hash && each.service === service && each.proxy === proxy
    );
    if (known) return known.counts;
    const counts = noCounts();
    this.counts.push({ namespace: "default", hash, service, port: 80, proxy, counts });
    return counts;
  }

  ask(
    config: object = {},
    metric: Partial<Metric> = {},
    more: Partial<Ask> = {},
    signal = new AbortController().signal,
  ): Promise<Answer> {
    const provider = { plugin: { "coracle.dev/proxy": { window: "10s", ...config } } };
    const run = { namespace: "default", name: "run", uid: "u", labels: {} };
    return this.#measure(
      { run, number: 1, ...more, metric: { name: "m", provider, ...metric } },
      signal,
    );
  }

  /** Looks, lets the window pass with this traffic, and looks again. */
  async measured(traffic: () => void, config: object = {}, metric: Partial<Metric> = {}) {
    const first = await this.ask(config, metric);
    assert.equal(first.phase, "Running");
    await this.clock.advance(10_000);
    traffic();
    return await this.ask(config, metric);
  }
}

function noCounts(): BackendCounts {
  return {
    requests: 0,
    inFlight: 0,
    answers: [0, 0, 0, 0, 0],
    retries: 0,
    failures: 0,
    latency: new Array(LATENCY_BOUNDS_MS.length + 1).fill(0),
    latencySumMs: 0,
  };
}

Deno.test("requests of the canary in the window are judged, beside those of the stable set", async () => {
  const traffic = new Traffic();
  traffic.send(CANARY, 1_000, { errors: 900 }); // before the window
  traffic.send(STABLE, 9_000);
  const condition = "result.errorRatio <= result.baseline.errorRatio + 0.01";
  const answer = await traffic.measured(
    () => {
      traffic.send(CANARY, 200, { errors: 10, ms: 50 });
      traffic.of(CANARY).inFlight += 2;
      traffic.of(CANARY).requests += 2;
      traffic.of(CANARY).retries += 1;
      traffic.send(STABLE, 800, { errors: 8 });
    },
    {},
    { successCondition: condition },
  );
  assert.equal(answer.phase, "Failed");
  const value = JSON.parse(answer.value!);
  assert.deepEqual(value, {
    ...{ requests: 200, rate: 20, errorRatio: 0.05, failures: 0, retries: 1, inFlight: 2 },
    ...{ p50: 37.5, p95: 48.75, p99: 49.75 },
    baseline: {
      ...{ requests: 800, rate: 80, errorRatio: 0.01, failures: 0, retries: 0, inFlight: 0 },
      ...{ p50: 3.5, p95: 4.85, p99: 4.97 },
    },
  });
  assert.deepEqual(answer.metadata, { set: CANARY, baseline: STABLE, windowSeconds: "10" });
  const turned = await traffic.ask({ set: "stable" }, { name: "other" });
  assert.equal(turned.metadata!["set"], STABLE);
  assert.equal(turned.metadata!["baseline"], CANARY);
});

Deno.test("without enough requests a measurement is not finished, whatever its condition says", async () => {
  const traffic = new Traffic();
  for (const [requests, condition] of [[0, "true"], [99, "true"], [99, ""]] as const) {
    const answer = await traffic.measured(
      () => traffic.send(CANARY, requests),
      {},
      { name: `m${requests}${condition}`, successCondition: condition },
    );
    assert.equal(answer.phase, "Running", `${requests}`);
    assert.equal(answer.message, "waiting for 100 requests in 10 s");
    assert.equal(answer.value, undefined);
  }
  for (const minRequests of [1, "1"]) {
    const few = await traffic.measured(
      () => traffic.send(CANARY, 1),
      { minRequests },
      { name: `few ${typeof minRequests}` },
    );
    assert.equal(few.phase, "Successful");
  }
  const hanging = await traffic.measured(
    () => {
      const counts = traffic.of(CANARY);
      counts.requests += 500;
      counts.inFlight += 500;
    },
    {},
    { name: "hanging" },
  );
  assert.equal(hanging.phase, "Running", "requests that have not ended say nothing");
});

Deno.test("a measurement that waits finishes as soon as there were enough requests, and ends with its signal", async () => {
  const traffic = new Traffic();
  const unfinished = await traffic.ask();
  await traffic.clock.advance(10_000);
  const waiting = traffic.ask({}, {}, { unfinished: unfinished as never });
  for (let i = 0; i < 5; i++) {
    await traffic.clock.advance(1_000);
    traffic.send(CANARY, 25);
  }
  await traffic.clock.advance(1_000);
  const answer = await waiting;
  assert.equal(answer.phase, "Successful");
  assert.equal(JSON.parse(answer.value!).requests >= 100, true);
  const stop = new AbortController();
  const metric = { name: "other" };
  await traffic.ask({}, metric);
  const stopped = traffic.ask({}, metric, { unfinished: unfinished as never }, stop.signal);
  await traffic.clock.advance(0);
  stop.abort(new Error("The run has ended"));
  await assert.rejects(stopped, /The run has ended/);
  assert.equal(traffic.clock.pending, 0);
});

Deno.test("the baseline counts only where a condition names it, over all its time if the window has too little", async () => {
  const traffic = new Traffic();
  const own = () => traffic.send(CANARY, 200);
  const compared = { successCondition: "result.errorRatio <= result.baseline.errorRatio" };
  assert.equal((await traffic.measured(own, {}, { name: "plain" })).phase, "Successful");
  const without = await traffic.measured(own, {}, { name: "compared", ...compared });
  assert.equal(without.phase, "Running");
  traffic.send(STABLE, 1_000, { errors: 100 });
  await traffic.clock.advance(10_000);
  const answer = await traffic.measured(own, {}, { name: "later", ...compared });
  assert.equal(answer.phase, "Successful");
  assert.equal(JSON.parse(answer.value!).baseline.errorRatio, 0.1);
});

Deno.test("counts of several proxies are one; of those not heard of, the answer tells; one that began anew counts from there", async () => {
  const traffic = new Traffic();
  traffic.send(CANARY, 500, { proxy: "edge" });
  traffic.send(CANARY, 500, { proxy: "lost" });
  const answer = await traffic.measured(() => {
    traffic.send(CANARY, 50, { errors: 5 });
    Object.assign(traffic.of(CANARY, { proxy: "edge" }), noCounts());
    traffic.send(CANARY, 50, { errors: 5, proxy: "edge" });
    traffic.send(CANARY, 1_000, { errors: 1_000, proxy: "lost" });
    Object.assign(traffic.counts.find(({ proxy }) => proxy === "lost")!, { isStale: true });
  });
  const { requests, errorRatio } = JSON.parse(answer.value!);
  assert.deepEqual([requests, errorRatio], [100, 0.1]);
  assert.equal(answer.metadata!["proxiesLeftOut"], "lost");
});

Deno.test("what a proxy that was not heard of at first has counted before does not count", async () => {
  const traffic = new Traffic();
  traffic.send(CANARY, 5_000, { errors: 5_000, proxy: "edge" });
  const edge = traffic.counts[0]!;
  edge.isStale = true;
  const answer = await traffic.measured(() => {
    delete edge.isStale;
    traffic.send(CANARY, 100, { proxy: "edge" });
  });
  const { requests, errorRatio } = JSON.parse(answer.value!);
  assert.deepEqual([requests, errorRatio], [100, 0]);
});

Deno.test("a service, or those that a rule of a route sends to, can be picked", async () => {
  const traffic = new Traffic();
  traffic.cluster.put(httpRoutes, {
    metadata: { name: "route" },
    spec: {
      rules: [
        { name: "a", backendRefs: [{ name: "one" }, { name: "two" }] },
        { backendRefs: [{ name: "three" }] },
      ],
    },
  });
  const send = () => {
    for (const [service, count] of [["one", 100], ["two", 200], ["three", 400]] as const) {
      traffic.send(CANARY, count, { service });
    }
  };
  const rows: [object, number][] = [
    [{}, 700],
    [{ service: "two" }, 200],
    [{ httpRoute: "route" }, 700],
    [{ httpRoute: "route", rule: "a" }, 300],
    [{ httpRoute: "route", rule: 1 }, 400],
  ];
  for (const [i, [config, requests]] of rows.entries()) {
    const answer = await traffic.measured(send, config, { name: `m${i}` });
    assert.equal(JSON.parse(answer.value!).requests, requests, JSON.stringify(config));
  }
});

Deno.test("a set can be named by its hash, and a run of an experiment finds the rollout", async () => {
  const traffic = new Traffic();
  const owner = (kind: string, name: string) => ({
    ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind, name, uid: name }],
  });
  traffic.cluster.put(experiments, {
    metadata: { name: "e", ...owner("Rollout", "web") },
    spec: { templates: [] },
  });
  traffic.cluster.put(analysisRuns, {
    metadata: { name: "tried", ...owner("Experiment", "e") },
    spec: { metrics: [] },
  });
  const run = { namespace: "default", name: "tried", uid: "t", labels: {} };
  const rows: [object, object][] = [
    [{}, { set: CANARY, baseline: STABLE }],
    [{ set: "stable" }, { set: STABLE, baseline: CANARY }],
    [{ hash: "tried" }, { set: "tried", baseline: STABLE }],
  ];
  for (const [i, [config, sets]] of rows.entries()) {
    const { metadata } = await traffic.ask(config, { name: `m${i}` }, { run });
    assert.deepEqual(metadata, sets);
  }
});

Deno.test("what is wrong with the configuration is said", async () => {
  const traffic = new Traffic();
  const rows: [object, RegExp][] = [
    [{ sett: "x" }, /unknown field "sett"; known are service, httpRoute, rule, set, hash, window/],
    [{ set: "both" }, /set must be "canary" or "stable"; it is "both"/],
    [{ window: "1d" }, /window must be a duration from 1s to 1h, such as 60s; it is "1d"/],
    [{ window: "0s" }, /window must be/],
    [{ window: "2h" }, /window must be/],
    [{ minRequests: 0 }, /minRequests must be a whole number from 1 on; it is "0"/],
    [{ minRequests: "x" }, /minRequests must be/],
    [{ service: "a", httpRoute: "b" }, /service and httpRoute cannot both be set/],
    [{ httpRoute: "none" }, /httpRoute "none" is not there/],
  ];
  for (const [config, message] of rows) {
    const answer = await traffic.ask(config);
    assert.equal(answer.phase, "Error");
    assert.match(answer.message!, message);
  }
  const provider = { plugin: { "argoproj-labs/x": {} } };
  assert.match((await traffic.ask({}, { provider })).message!, /plugin "argoproj-labs\/x" is not/);
  const run = { namespace: "default", name: "alone", uid: "u", labels: {} };
  assert.match((await traffic.ask({}, {}, { run })).message!, /belongs to no rollout/);
});

Deno.test("percentiles lie in the bucket of their rank, and rise", () => {
  assert.equal(percentile(noCounts().latency, 0.99), Infinity);
  const buckets = fc.array(fc.nat(1_000), { minLength: 14, maxLength: 14 });
  fc.assert(fc.property(buckets, (latency) => {
    const total = latency.reduce((sum, count) => sum + count, 0);
    const shares = [0.01, 0.5, 0.95, 0.99, 1];
    const values = shares.map((share) => percentile(latency, share));
    if (total === 0) return values.every((value) => value === Infinity);
    for (const [i, value] of values.entries()) {
      if (i > 0 && value < values[i - 1]!) return false;
      const bucket = LATENCY_BOUNDS_MS.findIndex((bound) => value <= bound);
      const upTo = latency.slice(0, bucket + 1).reduce((sum, count) => sum + count, 0);
      if (upTo < shares[i]! * total - 1e-6 && value < LATENCY_BOUNDS_MS.at(-1)!) return false;
    }
    return true;
  }));
});

Deno.test("whatever the counts are, a ratio lies from 0 to 1 and no number is missing", () => {
  const some = fc.record({
    requests: fc.nat(1_000),
    inFlight: fc.nat(1_000),
    retries: fc.nat(100),
    failures: fc.nat(1_000),
    answers: fc.array(fc.nat(500), { minLength: 5, maxLength: 5 }),
    latency: fc.array(fc.nat(500), { minLength: 14, maxLength: 14 }),
    latencySumMs: fc.nat(),
  });
  fc.assert(fc.property(some, some, fc.integer({ min: 1, max: 100_000 }), (one, two, ms) => {
    const result = trafficBetween(new Map([["a", one]]), new Map([["a", two], ["b", one]]), ms);
    return result.errorRatio >= 0 && result.errorRatio <= 1 && result.requests >= 0 &&
      Object.values(result).every((value) => typeof value === "number" && !Number.isNaN(value));
  }));
});

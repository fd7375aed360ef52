import assert from "node:assert/strict";
import { DEFAULT_SETTINGS, type GatewaySettings } from "../../core/resources/gateway/settings.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { Backends, type LiveBackend } from "../backends/backends.ts";
import { Balancer, slotsOf } from "../backends/balancer.ts";
import { LiveSplit } from "../backends/split.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import { Deadlines } from "../connections/deadlines.ts";
import { ascii } from "../messages/characters.ts";
import { Head } from "../messages/head.ts";
import { parseRequest } from "../messages/request_head.ts";
import type { UpstreamFailure } from "../protocol/downstream.ts";
import type { Upstream } from "../protocol/upstream.ts";
import { NormalPath } from "../routing/normal_path.ts";
import { RouteMatcher } from "../routing/route_matcher.ts";
import type { Rule } from "../table/route_table.ts";
import { Exchange } from "./exchange.ts";
import { HttpService } from "./http_service.ts";

const REFUSED: UpstreamFailure = { kind: "connect", failure: "refused" };
const STALE: UpstreamFailure = { kind: "no answer", isReused: true };
const SILENT: UpstreamFailure = { kind: "no answer", isReused: false };

Deno.test("what cannot be routed is answered, and nothing is claimed for it", () => {
  const cases: [fixture: Fixture, target: string, status: number][] = [
    [new Fixture({ hostname: "other" }), "/", 404],
    [new Fixture({ path: "/a" }), "/b", 404],
    [new Fixture(), "/%2F", 400],
    [new Fixture({ settings: { headBytesMax: 40 } }), `/${"x".repeat(40)}`, 431],
    [new Fixture({ rule: { shares: [] } }), "/", 500],
    [new Fixture({ state: "invalid", endpoints: 0 }), "/", 500],
    [new Fixture({ state: "empty", endpoints: 0 }), "/", 503],
    [new Fixture({ rule: { redirect: { hostname: "new", statusCode: 302 } } }), "/", 302],
    [
      new Fixture({
        rule: { shares: [], answer: { status: 200, fields: [], body: "ok", contentType: "a/b" } },
      }),
      "/",
      200,
    ],
  ];
  for (const [fixture, target, status] of cases) {
    assert.equal(fixture.begin(target), undefined);
    const { answer } = fixture.exchange;
    assert.equal(answer.status, status);
    if (status === 302) {
      assert.deepEqual(answer.fields, [{ name: "Location", value: "https://new:80/" }]);
    }
    assert.equal(answer.isRefusal, status === 400 || status === 431 ? true : undefined);
    assert.equal(fixture.counts.inFlight, 0);
  }
});

Deno.test("a head may be as long as the host's setting says, whatever came before it", () => {
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const fixture = new Fixture({ settings: { headBytesMax: request.length } });
  assert.ok(fixture.begin("/", { before: "\r\n" }));
  assert.equal(fixture.exchange.headBytesMax, request.length);
});

Deno.test("a share that cannot answer counts what its clients get", () => {
  const fixture = new Fixture({ state: "empty", endpoints: 0 });
  fixture.begin("/");
  const { requests, answers, failures, inFlight, latencySumMs } = fixture.counts;
  assert.deepEqual([requests, answers, failures, inFlight], [1, [0, 0, 0, 0, 1], 0, 0]);
  assert.equal(latencySumMs, 0);
});

Deno.test("claim and release: what is counted, and that twice is once", async () => {
  const fixture = new Fixture();
  await fixture.clock.advance(1_000);
  const endpoint = fixture.begin("/")!;
  assert.deepEqual([endpoint.inFlight, fixture.counts.inFlight], [1, 1]);
  await fixture.clock.advance(7);
  fixture.exchange.status = 204;
  fixture.exchange.release(fixture.clock.elapsed());
  fixture.exchange.release(fixture.clock.elapsed());
  const { requests, inFlight, answers, latencySumMs } = fixture.counts;
  assert.deepEqual([requests, inFlight, answers, latencySumMs], [1, 0, [0, 1, 0, 0, 0], 7]);
  assert.equal(endpoint.inFlight, 0);
});

Deno.test("a client that goes before its answer counts as 499", () => {
  const fixture = new Fixture();
  fixture.begin("/");
  fixture.exchange.release(0);
  assert.deepEqual(fixture.counts.answers, [0, 0, 0, 1, 0]);
});

Deno.test("before its first request it holds nobody, and has the limits of any request", () => {
  const { exchange, counts } = new Fixture();
  exchange.release(0);
  assert.deepEqual(counts.answers, [0, 0, 0, 0, 0]);
  const { startedMs, status, deadlineMs, stallMs, headBytesMax } = exchange;
  assert.deepEqual([startedMs, status, deadlineMs, stallMs], [0, 0, Infinity, 60_000]);
  assert.equal(headBytesMax, 16 * 1024);
});

Deno.test("the changes to the fields of an answer are the route's, with those for CORS", () => {
  const edit = { set: [{ name: "A", value: "1" }], add: [], remove: [] };
  assert.equal(begun({ rule: { responseHeaders: edit } }).exchange.answerEdit, edit);
  assert.equal(begun({}).exchange.answerEdit, undefined);
});

Deno.test("the limits of a request are its rule's, the shorter one, else its host's", async () => {
  const cases: [rule: Partial<Rule>, deadlineMs: number, stallMs: number][] = [
    [{}, Infinity, 60_000],
    [{ requestMs: 500 }, 500, 24 * 3600_000],
    [{ requestMs: 500, backendRequestMs: 400 }, 400, 24 * 3600_000],
    [{ requestMs: 300, backendRequestMs: 400 }, 300, 24 * 3600_000],
    [{ requestMs: 0 }, Infinity, 24 * 3600_000],
    [{ backendRequestMs: 0 }, Infinity, 24 * 3600_000],
  ];
  for (const [rule, deadlineMs, stallMs] of cases) {
    const fixture = new Fixture({ rule });
    await fixture.clock.advance(1_000);
    fixture.begin("/");
    const { exchange } = fixture;
    assert.deepEqual([exchange.deadlineMs - 1_000, exchange.stallMs], [deadlineMs, stallMs]);
  }
});

Deno.test("what is sent again, to whom, and what is not", () => {
  const cases: [
    what: string,
    failure: UpstreamFailure,
    expected: "another" | "same" | number,
    more?: { method?: string; isKept?: boolean; endpoints?: number; upgrades?: boolean },
  ][] = [
    ["a refused connection, whatever the method", REFUSED, "another", { method: "POST" }],
    ["a connection that was not fresh", STALE, "same"],
    ["a fresh one that gave no answer", SILENT, "another"],
    ["nothing that is not idempotent", STALE, 502, { method: "POST" }],
    ["nothing that asks for an upgrade", STALE, 502, { upgrades: true }],
    ["nothing of which a part is gone", REFUSED, 502, { isKept: false }],
    ["nothing to a single endpoint that refuses", REFUSED, 502, { endpoints: 1 }],
    ["no bad answer", { kind: "bad answer", problem: "x" }, 502],
    ["a time-out of the connection", { kind: "connect", failure: "timeout" }, 504, {
      endpoints: 1,
    }],
  ];
  for (
    const [what, failure, expected, { method, isKept = true, endpoints = 2, upgrades } = {}]
      of cases
  ) {
    const fixture = new Fixture({ endpoints });
    const first = fixture.begin("/", { method: method ?? "GET", upgrades: upgrades ?? false })!;
    const again = fixture.exchange.again(failure, isKept);
    const isAgain = typeof expected === "string";
    assert.equal(again !== undefined, isAgain, what);
    assert.deepEqual([fixture.counts.retries, fixture.counts.failures], isAgain ? [1, 0] : [0, 1]);
    if (!isAgain) assert.equal(fixture.exchange.answer.status, expected, what);
    else assert.equal(fixture.connected[0] === first, expected === "same", what);
    fixture.exchange.release(0);
    assert.deepEqual(
      fixture.live[0]!.endpoints.map(({ inFlight }) => inFlight),
      Array(endpoints).fill(0),
    );
  }
});

Deno.test("three tries at most, and each request has its own", () => {
  const fixture = begun({ endpoints: 3 });
  assert.ok(fixture.exchange.again(SILENT, true));
  assert.ok(fixture.exchange.again(SILENT, true));
  assert.equal(fixture.exchange.again(SILENT, true), undefined);
  fixture.exchange.release(0);
  fixture.begin("/");
  assert.ok(fixture.exchange.again(SILENT, true));
});

Deno.test("only an endpoint that refuses is a suspect", () => {
  for (const [failure, suspectUntilMs] of [[REFUSED, 1_000], [SILENT, 0]] as const) {
    const fixture = new Fixture();
    const endpoint = fixture.begin("/")!;
    fixture.exchange.again(failure, true);
    assert.equal(endpoint.suspectUntilMs, suspectUntilMs);
  }
});

Deno.test("an endpoint that has left gets nothing again, stale or not", () => {
  const fixture = new Fixture();
  const endpoint = fixture.begin("/")!;
  fixture.backends.drain(endpoint);
  fixture.exchange.again(STALE, true);
  assert.notEqual(fixture.connected[0], endpoint);
});

interface FixtureOptions {
  hostname?: string;
  path?: string;
  rule?: Partial<Rule>;
  settings?: Partial<GatewaySettings>;
  state?: "valid" | "invalid" | "empty";
  endpoints?: number;
}

function begun(options: FixtureOptions): Fixture {
  const fixture = new Fixture(options);
  fixture.begin("/");
  return fixture;
}

/** An exchange on a listener with one route, whose connections to endpoints are only noted. */
class Fixture {
  readonly clock = new VirtualClock(0);
  readonly backends = new Backends(() => {});
  readonly connected: LiveEndpoint[] = [];
  readonly live: LiveBackend[];
  readonly exchange: Exchange;
  readonly #head = new Head();

  constructor(
    { hostname = "", path = "/", rule = {}, settings = {}, state = "valid", endpoints = 2 }:
      FixtureOptions = {},
  ) {
    const addresses = Array.from({ length: endpoints }, (_, i) => `10.0.0.${i + 1}`);
    this.live = this.backends.build([{
      name: "web",
      state,
      endpoints: addresses.map((address) => ({ address, port: 80, podUid: address })),
    }]).live;
    const match = {
      path: { type: "PathPrefix", value: path },
      headers: [],
      queryParams: [],
    } as const;
    const whole: Rule = { key: "r", shares: [{ weight: 1, backend: 0 }], ...rule };
    const balancer = new Balancer(slotsOf(whole.shares.map(() => 1)), new Int32Array(1), 0);
    const host = { hostname, settings: { ...DEFAULT_SETTINGS, ...settings } };
    const matcher = new RouteMatcher(
      [{ ...host, routes: [{ hostname: "", match, rule: whole }] }],
      (rule) => ({
        rule,
        split: new LiveSplit(rule.shares, { balancer, backends: this.live }),
        mirrors: [],
      }),
    );
    const thread = {
      deadlines: new Deadlines(this.clock),
      requestHead: this.#head,
      responseHead: new Head(),
      path: new NormalPath(),
      counts: { refused: 0 },
      mirrors: { inFlight: 0 },
      wallMs: () => this.clock.now(),
      connect: (endpoint: LiveEndpoint) => {
        this.connected.push(endpoint);
        return {} as Upstream; // nothing is sent on it
      },
      current: (backend: LiveBackend) => backend,
    };
    this.exchange = new Exchange(new HttpService(thread, matcher, 80), "https");
  }

  get counts() {
    return this.backends.counts()["web"]!;
  }

  begin(
    target: string,
    { method = "GET", upgrades = false, before = "" } = {},
  ): LiveEndpoint | undefined {
    const upgrade = upgrades ? "Connection: Upgrade\r\nUpgrade: x\r\n" : "";
    const bytes = ascii(`${before}${method} ${target} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    const headEnd = parseRequest(bytes, 0, bytes.length, this.#head);
    return this.exchange.begin(bytes, headEnd, this.#head, this.clock.elapsed());
  }
}

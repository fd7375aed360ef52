import assert from "node:assert/strict";
import { INTERIM_ANSWERS_MAX } from "./upstream_connection.ts";
import { FIRST_BYTE_MS, HEAD_MS, IDLE_MS } from "./time_limits.ts";
import { HttpFixture } from "./exchange_fixture.ts";

const GET = "GET /a?b HTTP/1.1\r\nHost: example.com\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\n\r\nbody";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("an endpoint is told who asked, and a client's own word for it is dropped", () => {
  const fixture = new HttpFixture();
  fixture.client().socket.receive(
    "GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 6.6.6.6\r\nAccept: */*\r\n\r\n",
  );
  assert.equal(
    fixture.upstreams[0]!.socket.sent,
    "GET / HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.1\r\n" +
      "X-Forwarded-Proto: http\r\nX-Forwarded-Host: example.com\r\n\r\n",
  );
});

Deno.test("the scheme that an endpoint is told, and that a redirect keeps, is the connection's own", () => {
  const fixture = new HttpFixture({ isEncrypted: true });
  fixture.client().socket.receive(GET);
  assert.match(fixture.upstreams[0]!.socket.sent, /\r\nX-Forwarded-Proto: https\r\n/);
  const redirect = { hostname: "new", statusCode: 302 };
  const { socket } = new HttpFixture({ isEncrypted: true, rule: { redirect } }).client();
  socket.receive(GET);
  assert.match(socket.sent, /\r\nLocation: https:\/\/new:80\/a\?b\r\n/);
});

Deno.test("a connection to an endpoint is used again", () => {
  const fixture = new HttpFixture({ endpoints: 1 });
  const { socket } = fixture.client();
  for (let i = 0; i < 3; i++) {
    socket.receive(GET);
    fixture.upstreams[0]!.socket.receive(OK);
  }
  assert.equal(fixture.upstreams.length, 1);
  assert.equal(socket.sent, OK.repeat(3));
  assert.equal(fixture.counts.inFlight, 0);
  assert.deepEqual(fixture.counts.answers, [0, 3, 0, 0, 0]);
});

Deno.test("a refused connection: another endpoint gets the request, whatever its method", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  socket.receive(POST);
  fixture.upstreams[0]!.owner.onConnectFailed("refused");
  assert.equal(fixture.upstreams.length, 2);
  assert.notEqual(fixture.upstreams[0]!.endpoint, fixture.upstreams[1]!.endpoint);
  assert.equal(fixture.upstreams[1]!.socket.sent, fixture.upstreams[0]!.socket.sent);
  fixture.upstreams[1]!.socket.receive(OK);
  assert.equal(socket.sent, OK);
  assert.equal(fixture.counts.retries, 1);
});

Deno.test("nobody can be reached: 502, and the connection goes on", () => {
  const fixture = new HttpFixture({ endpoints: 1 });
  const { socket } = fixture.client();
  socket.receive(GET);
  fixture.upstreams[0]!.owner.onConnectFailed("refused");
  assert.match(
    socket.sent,
    /^HTTP\/1.1 502 Bad Gateway\r\nProxy-Status: coracle; error=connection_refused/,
  );
  assert.match(socket.sent, /the backend refused the connection\n$/);
  assert.doesNotMatch(socket.sent, /default|web/);
  socket.receive(GET);
  assert.equal(fixture.upstreams.length, 2);
  assert.equal(fixture.counts.inFlight, 1);
});

Deno.test("a stale connection: GET is sent again on a new one, POST never", () => {
  for (const [request, connections] of [[GET, 2], [POST, 1]] as const) {
    const fixture = new HttpFixture({ endpoints: 1 });
    const { socket } = fixture.client();
    socket.receive(GET);
    fixture.upstreams[0]!.socket.receive(OK);
    socket.receive(request);
    fixture.upstreams[0]!.owner.onClose("broken");
    assert.equal(fixture.upstreams.length, connections);
    if (request === POST) assert.match(socket.sent, /502 Bad Gateway[^]*without an answer/);
    else {
      fixture.upstreams[1]!.socket.receive(OK);
      assert.equal(socket.sent, OK.repeat(2));
    }
  }
});

Deno.test("a request is tried three times at most", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  socket.receive(GET);
  for (let i = 0; i < 3; i++) fixture.upstreams[i]!.owner.onClose("broken");
  assert.equal(fixture.upstreams.length, 3);
  assert.match(socket.sent, /^HTTP\/1.1 502/);
});

Deno.test("an answer that breaks off is broken off", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  socket.receive(GET);
  fixture.upstreams[0]!.socket.receive(OK.slice(0, -1));
  fixture.upstreams[0]!.owner.onClose("ended");
  assert.equal(socket.sent, OK.slice(0, -1));
  assert.equal(socket.isClosed, true);
  assert.equal(fixture.counts.inFlight, 0);
});

Deno.test("an answer without a length ends with the connection", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  socket.receive(GET);
  fixture.upstreams[0]!.socket.receive("HTTP/1.0 200 OK\r\n\r\nall of it");
  fixture.upstreams[0]!.owner.onClose("ended");
  assert.equal(socket.sent, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
  assert.equal(socket.hasEnded, true);
});

Deno.test("an answer that cannot be understood is 502", () => {
  for (
    const answer of [
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "ICY 200 OK\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`,
    ]
  ) {
    const fixture = new HttpFixture();
    const { socket } = fixture.client();
    socket.receive(GET);
    fixture.upstreams[0]!.socket.receive(answer);
    assert.match(
      socket.sent,
      /^HTTP\/1.1 502 Bad Gateway\r\nProxy-Status: coracle; error=http_protocol_error/,
    );
    assert.equal(fixture.upstreams[0]!.socket.isClosed, true);
  }
});

Deno.test("a final answer before the request has ended: neither connection is used again", () => {
  const fixture = new HttpFixture({ endpoints: 1 });
  const { socket } = fixture.client();
  socket.receive(POST.slice(0, -2));
  fixture.upstreams[0]!.socket.receive("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  assert.match(
    socket.sent,
    /^HTTP\/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n/,
  );
  assert.equal(socket.hasEnded, true);
  assert.equal(fixture.upstreams[0]!.socket.isClosed, true);
  socket.receive("dy" + GET);
  assert.equal(fixture.upstreams.length, 1);
});

Deno.test("100 Continue and the body behind it pass", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  const [head, body] = POST.split("\r\n\r\n");
  socket.receive(`${head}\r\nExpect: 100-continue\r\n\r\n`);
  fixture.upstreams[0]!.socket.receive("HTTP/1.1 100 Continue\r\n\r\n");
  assert.equal(socket.sent, "HTTP/1.1 100 Continue\r\n\r\n");
  socket.receive(body!);
  fixture.upstreams[0]!.socket.receive(OK);
  assert.match(fixture.upstreams[0]!.socket.sent, /Expect: 100-continue[^]*\r\n\r\nbody$/);
  assert.match(socket.sent, /ok$/);
});

Deno.test("after an upgrade bytes pass both ways as they are", () => {
  const fixture = new HttpFixture();
  const { socket } = fixture.client();
  socket.receive(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
  );
  const upstream = fixture.upstreams[0]!;
  assert.match(upstream.socket.sent, /Upgrade: websocket\r\n[^]*Connection: Upgrade\r\n\r\n$/);
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n";
  upstream.socket.receive(`${switching}\x01\x02`);
  assert.equal(socket.sent, `${switching}\x01\x02`);
  socket.receive("late");
  assert.match(upstream.socket.sent, /\r\n\r\nearlylate$/);
  upstream.owner.onClose("ended");
  assert.equal(socket.hasEnded, true);
  assert.equal(fixture.counts.inFlight, 0);
});

Deno.test("a client that goes takes its request with it", () => {
  const fixture = new HttpFixture();
  const { socket, connection } = fixture.client();
  socket.receive(GET);
  connection.onClose("ended");
  assert.equal(fixture.upstreams[0]!.socket.isClosed, true);
  assert.equal(fixture.counts.inFlight, 0);
  assert.deepEqual(fixture.counts.answers, [0, 0, 0, 1, 0]);
});

Deno.test("no ready endpoints: 503 and why", () => {
  const fixture = new HttpFixture({ endpoints: 0 });
  const { socket } = fixture.client();
  socket.receive(GET);
  assert.match(
    socket.sent,
    /^HTTP\/1.1 503 Service Unavailable\r\nProxy-Status: coracle; error=destination_unavailable/,
  );
  assert.match(socket.sent, /nobody can answer it at the moment\n$/);
  assert.doesNotMatch(socket.sent, /default|web/);
  socket.receive(POST.slice(0, -1));
  assert.match(socket.sent, /Connection: close/);
});

Deno.test("filters change the request, the answer, or redirect", () => {
  const edit = { set: [{ name: "X-A", value: "1\r\nEvil: 1" }], add: [], remove: ["accept"] };
  const rewrite = { hostname: "new", path: { type: "ReplacePrefixMatch", value: "/v2" } } as const;
  const fixture = new HttpFixture({
    rule: { requestHeaders: edit, responseHeaders: edit, rewrite },
  });
  const { socket } = fixture.client();
  socket.receive("POST /a?b HTTP/1.1\r\nHost: old\r\nAccept: x\r\nContent-Length: 2\r\n\r\nhi");
  const { sent } = fixture.upstreams[0]!.socket;
  assert.match(sent, /^POST \/v2\/a\?b HTTP\/1.1\r\nHost: new\r\nContent-Length: 2\r\n/);
  assert.match(sent, /\r\nX-A: 1 {2}Evil: 1\r\n\r\nhi$/);
  assert.doesNotMatch(sent, /Accept/);
  fixture.upstreams[0]!.socket.receive(OK);
  assert.equal(socket.sent, OK.replace("\r\n\r\n", "\r\nX-A: 1  Evil: 1\r\n\r\n"));

  const redirecting = new HttpFixture({ rule: { redirect: { scheme: "https", statusCode: 301 } } });
  const other = redirecting.client();
  other.socket.receive(GET);
  assert.match(other.socket.sent, /^HTTP\/1.1 301 .*\r\nLocation: https:\/\/example.com\/a\?b\r\n/);
});

Deno.test("scripts of other origins: a preflight is answered here, answers say who may read them", () => {
  const cors = {
    allowOrigins: ["https://a.com"],
    allowMethods: ["PUT"],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: true,
    maxAgeSeconds: 5,
  };
  const fixture = new HttpFixture({ rule: { cors } });
  const { socket } = fixture.client();
  const origin = "Host: a\r\nOrigin: https://a.com\r\n";
  socket.receive(`OPTIONS / HTTP/1.1\r\n${origin}Access-Control-Request-Method: PUT\r\n\r\n`);
  const allowed = "Access-Control-Allow-Origin: https://a.com\r\n" +
    "Access-Control-Allow-Credentials: true\r\n";
  const preflight = `HTTP/1.1 204 No Content\r\n${allowed}Access-Control-Allow-Methods: PUT\r\n` +
    "Access-Control-Max-Age: 5\r\nVary: Origin\r\n\r\n";
  assert.equal(socket.sent, preflight);
  assert.equal(fixture.upstreams.length, 0);
  socket.receive(`GET / HTTP/1.1\r\n${origin}\r\n`);
  const theirs = "access-control-allow-origin: *\r\nVary: Accept\r\n";
  fixture.upstreams[0]!.socket.receive(OK.replace("Content", `${theirs}Content`));
  const answer =
    `HTTP/1.1 200 OK\r\nVary: Accept\r\nContent-Length: 2\r\n${allowed}Vary: Origin\r\n`;
  assert.equal(socket.sent, `${preflight}${answer}\r\nok`);
});

Deno.test("a prefix is rewritten where the normal path has it, and the rest stays as it came", () => {
  const rewrite = { path: { type: "ReplacePrefixMatch", value: "/v2/" } } as const;
  const match = {
    path: { type: "PathPrefix", value: "/api" },
    headers: [],
    queryParams: [],
  } as const;
  const fixture = new HttpFixture({ rule: { rewrite }, match, endpoints: 1 });
  for (
    const [target, expected] of [
      ["/%61pi/x%20y?q=/..", "/v2/x%20y?q=/.."],
      ["/x/../api/y", "/v2/y"],
      ["/api", "/v2"],
      ["/api;v=1/y//z", "/v2/y//z"],
      ["/api;v=1//z", "/v2/z"],
    ]
  ) {
    fixture.client().socket.receive(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(fixture.upstreams.at(-1)!.socket.sent.split(" ")[1], expected);
  }
});

Deno.test("heads of requests and answers are as long as the setting says, and no longer", () => {
  for (const headBytesMax of [16 * 1024, 64 * 1024]) {
    const field = (length: number) => `X: ${"x".repeat(length)}\r\n\r\n`;
    for (const extra of [-100, 1]) {
      const fixture = new HttpFixture({ settings: { headBytesMax }, endpoints: 1 });
      const { socket } = fixture.client();
      const isMore = extra > 0;
      const request = "GET / HTTP/1.1\r\nHost: a\r\n";
      socket.receive(request + field(headBytesMax - request.length - 7 + extra), [1000, 1, 20_000]);
      assert.equal(/^HTTP\/1.1 431 /.test(socket.sent), isMore);
      if (isMore) continue;
      const answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
      fixture.upstreams[0]!.socket.receive(answer + field(headBytesMax - answer.length - 7 - 1));
      assert.match(socket.sent, /^HTTP\/1.1 200 /);
      socket.receive(GET);
      fixture.upstreams[0]!.socket.receive(answer + field(headBytesMax - answer.length - 7 + 1));
      assert.match(socket.sent, /HTTP\/1.1 502 Bad Gateway[^]*its head is too long\n$/);
    }
  }
});

Deno.test("a stream may be silent as long as the setting says, or as the route does", async () => {
  const cases: [fixture: HttpFixture, seconds: number][] = [
    [new HttpFixture(), 60],
    [new HttpFixture({ settings: { streamIdleMs: 600_000 } }), 600],
    [new HttpFixture({ rule: { requestMs: 120_000 } }), 120],
    [new HttpFixture({ rule: { requestMs: 0 } }), 24 * 3600],
  ];
  for (const [fixture, seconds] of cases) {
    const { socket } = fixture.client();
    socket.receive(GET);
    fixture.upstreams[0]!.socket.receive(OK.slice(0, -1));
    await fixture.clock.advance(seconds * 1000 - 100);
    assert.equal(socket.isClosed, false);
    await fixture.clock.advance(200);
    assert.equal(socket.isClosed, true);
    assert.equal(fixture.clock.pending, 0);
  }
});

Deno.test("a flood of interim answers is no answer", () => {
  const fixture = new HttpFixture({ endpoints: 1 });
  const { socket } = fixture.client();
  socket.receive(GET);
  const hint = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  fixture.upstreams[0]!.socket.receive(hint.repeat(INTERIM_ANSWERS_MAX));
  assert.equal(socket.sent, hint.repeat(INTERIM_ANSWERS_MAX));
  fixture.upstreams[0]!.socket.receive(OK);
  socket.receive(GET);
  fixture.upstreams[0]!.socket.receive(hint.repeat(INTERIM_ANSWERS_MAX + 1));
  assert.match(socket.sent, /HTTP\/1.1 502 [^]*too many interim answers\n$/);
  assert.equal(fixture.upstreams[0]!.socket.isClosed, true);
});

Deno.test("who does nothing is not waited for", async () => {
  const silent = new HttpFixture();
  const nothing = silent.client();
  await silent.clock.advance(FIRST_BYTE_MS + 100);
  assert.equal(nothing.socket.isClosed, true);
  assert.equal(silent.clock.pending, 0);

  const idle = new HttpFixture();
  const { socket } = idle.client();
  socket.receive(GET);
  idle.upstreams[0]!.socket.receive(OK);
  await idle.clock.advance(IDLE_MS - 100);
  assert.equal(socket.isClosed, false);
  await idle.clock.advance(200);
  assert.equal(socket.isClosed, true);
  assert.equal(idle.clock.pending, 0);

  const slow = new HttpFixture();
  const half = slow.client();
  half.socket.receive(GET.slice(0, 10));
  await slow.clock.advance(HEAD_MS + 100);
  assert.match(half.socket.sent, /^HTTP\/1.1 408 /);

  const late = new HttpFixture({ rule: { requestMs: 500 } });
  const waiting = late.client();
  waiting.socket.receive(GET);
  await late.clock.advance(600);
  assert.match(waiting.socket.sent, /^HTTP\/1.1 504 [^]*the answer did not come in time\n$/);
  assert.equal(late.upstreams[0]!.socket.isClosed, true);
  assert.equal(late.counts.inFlight, 0);
});

Deno.test("a listener that goes ends connections after their answer", () => {
  const fixture = new HttpFixture();
  const [idle, busy] = [fixture.client(), fixture.client()];
  busy.socket.receive(GET);
  fixture.service.drain();
  assert.equal(idle.socket.isClosed, true);
  fixture.upstreams[0]!.socket.receive(OK);
  assert.match(busy.socket.sent, /\r\nConnection: close\r\n\r\nok$/);
  assert.equal(busy.socket.hasEnded, true);
});

Deno.test("an endpoint that leaves ends what is in flight, then its connections are closed", () => {
  const fixture = new HttpFixture({ endpoints: 1 });
  const { socket } = fixture.client();
  socket.receive(GET);
  const { removed } = fixture.backends.build([]);
  fixture.backends.drain(removed[0]!);
  assert.equal(fixture.upstreams[0]!.socket.isClosed, false);
  fixture.upstreams[0]!.socket.receive(OK);
  assert.equal(socket.sent, OK);
  assert.equal(fixture.upstreams[0]!.socket.isClosed, true);
});

import assert from "node:assert/strict";
import { HttpFixture, type MemoryUpstream } from "./exchange_fixture.ts";
import { MIRROR_MS_MAX, MIRRORED_BYTES_MAX, MIRRORS_MAX } from "./mirrored_request.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** All requests, to the same backend. */
const ALL = { rule: { mirrors: [{ backend: 0, numerator: 1, denominator: 1 }] } };

Deno.test("a copy is what the endpoint gets, and its answer goes to nobody", () => {
  const { fixture, upstreams, client } = began(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nb",
  );
  assert.equal(upstreams.length, 1, "the request is not whole");
  client.receive("ody");
  const [first, copy] = upstreams;
  assert.equal(copy!.socket.sent, first!.socket.sent);
  assert.match(copy!.socket.sent, /\r\n\r\nbody$/);
  copy!.socket.receive("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad");
  assert.equal(client.sent, "");
  first!.socket.receive(OK);
  assert.equal(client.sent, OK);
  assert.equal(fixture.counts.inFlight, 0);
  assert.deepEqual(fixture.counts.answers, [0, 1, 0, 0, 1]);
});

Deno.test("a copy that fails, or hangs, changes nothing for the request", async () => {
  for (const fail of [hang, refuse, breakOff]) {
    const { fixture, upstreams, client } = began("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    fail(upstreams[1]!);
    upstreams[0]!.socket.receive(OK);
    assert.equal(client.sent, OK);
    await fixture.clock.advance(MIRROR_MS_MAX + 100);
    assert.equal(upstreams[1]!.socket.isClosed, true);
    assert.deepEqual([fixture.counts.inFlight, fixture.counts.failures], [0, 1]);
    assert.equal(fixture.service.mirrors.inFlight, 0);
  }
});

Deno.test("mirrors get their exact part", () => {
  const rule = { mirrors: [{ backend: 0, numerator: 3, denominator: 10 }] };
  const fixture = new HttpFixture({ rule });
  fixture.onConnect = ({ socket }) => socket.onSend = () => socket.receive(OK);
  const { socket } = fixture.client();
  for (let i = 0; i < 100; i++) socket.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(fixture.counts.requests, 130);
  const nothing = new HttpFixture({
    rule: { mirrors: [{ backend: 0, numerator: 0, denominator: 10 }] },
  });
  nothing.client().socket.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(nothing.upstreams.length, 1);
});

Deno.test("what is too long, or too much at once, is not copied, and is answered all the same", () => {
  for (const length of [MIRRORED_BYTES_MAX - 1_000, MIRRORED_BYTES_MAX]) {
    const { upstreams, client } = began(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`,
    );
    for (let sent = 0; sent < length; sent += 1_000) {
      client.receive("x".repeat(Math.min(1_000, length - sent)));
    }
    assert.equal(upstreams.length, length === MIRRORED_BYTES_MAX ? 1 : 2);
    upstreams[0]!.socket.receive(OK);
    assert.equal(client.sent, OK);
  }
  const fixture = new HttpFixture(ALL);
  for (let i = 0; i < MIRRORS_MAX + 2; i++) {
    fixture.client().socket.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  assert.equal(fixture.upstreams.length, 2 * MIRRORS_MAX + 2);
});

Deno.test("a request that the client never ends is not copied", () => {
  const { upstreams, client, connection } = began(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nb",
  );
  connection.close();
  assert.deepEqual([upstreams.length, client.isClosed], [1, true]);
});

function began(request: string) {
  const fixture = new HttpFixture(ALL);
  const { upstreams } = fixture;
  const { socket: client, connection } = fixture.client();
  client.receive(request);
  return { fixture, upstreams, client, connection };
}

function hang(): void {}

function refuse({ owner }: MemoryUpstream): void {
  owner.onConnectFailed("refused");
}

function breakOff({ socket, owner }: MemoryUpstream): void {
  socket.receive("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  owner.onClose("broken");
}

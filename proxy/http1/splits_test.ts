import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpFixture, type MemoryUpstream } from "./exchange_fixture.ts";

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const letters = fc.stringMatching(/^[a-z]{0,300}$/);

const chunked = fc.tuple(fc.array(letters.filter(Boolean), { maxLength: 4 }), fc.boolean()).map(
  ([chunks, hasTrailer]) =>
    chunks.map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`).join("") +
    `0\r\n${hasTrailer ? "X-Sum: 1\r\n" : ""}\r\n`,
);

const request = fc.oneof(
  fc.tuple(fc.constantFrom("GET", "HEAD", "DELETE"), word).map(([method, path]) =>
    `${method} /${path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-own\r\nX-Own: 1\r\n\r\n`
  ),
  fc.tuple(word, letters).map(([path, body]) =>
    `POST /${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  ),
  fc.tuple(word, chunked).map(([path, body]) =>
    `PUT /${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
  ),
);

const answer = fc.oneof(
  letters.map((body) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  letters.map((body) =>
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nKeep-Alive: timeout=5\r\n` +
    `Connection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  ),
  chunked.map((body) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
  fc.constantFrom(
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nETag: 1\r\n\r\n",
  ),
);

const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });

Deno.test("however the bytes of requests and answers are split, both sides get the same", () => {
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 4 }),
      answer,
      cuts,
      cuts,
      outcomeIsSame,
    ),
    { numRuns: 500 },
  );
});

Deno.test("what an endpoint gets after one exchange is what it gets on a connection of its own", () => {
  const once = outcome("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", OK, [], []);
  const twice = outcome("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2), OK, [], []);
  assert.equal(twice.endpoint, once.endpoint.repeat(2));
  assert.equal(twice.client, once.client.repeat(2));
});

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function outcomeIsSame(requests: string[], answer: string, asked: number[], answered: number[]) {
  const text = requests.join("");
  const whole = outcome(text, answer, [], []);
  assert.deepEqual(outcome(text, answer, asked, answered), whole);
  const methods = requests.map((request) => request.split(" ")[0]!);
  assert.equal(whole.answers, methods.length);
  assert.doesNotMatch(whole.endpoint, /X-Own|keep-alive|X-Sum/i);
  assert.doesNotMatch(whole.client, /X-Sum/);
}

/** What came out on both sides. The endpoint sends `answer` to each request once it is whole. */
function outcome(text: string, answer: string, asked: number[], answered: number[]) {
  const fixture = new HttpFixture({ endpoints: 1 });
  const busy: MemoryUpstream[] = [];
  fixture.onConnect = (upstream) => upstream.socket.onSend = () => busy.push(upstream);
  const { socket } = fixture.client();
  const seen = new Map<MemoryUpstream, number>();
  let answers = 0;
  const serve = () => {
    for (let next = busy.shift(); next !== undefined; next = busy.shift()) {
      const start = seen.get(next) ?? 0;
      const request = next.socket.sent.slice(start);
      if (!isWhole(request)) continue;
      seen.set(next, start + request.length);
      answers++;
      next.socket.receive(request.startsWith("HEAD") ? headOf(answer) : answer, answered);
    }
  };
  let at = 0;
  for (const size of [...asked, text.length]) {
    if (at < text.length) socket.receive(text.slice(at, at + size));
    at += size;
    serve();
  }
  const endpoint = fixture.upstreams.map((upstream) => upstream.socket.sent).join("");
  return { client: socket.sent, endpoint, answers, connections: fixture.upstreams.length };
}

/** The answer to HEAD: all its heads, no body. */
function headOf(answer: string): string {
  const heads = answer.split("\r\n\r\n");
  return heads.slice(0, answer.startsWith("HTTP/1.1 103") ? 2 : 1).join("\r\n\r\n") + "\r\n\r\n";
}

function isWhole(request: string): boolean {
  const headEnd = request.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const body = request.slice(headEnd + 4);
  const length = /Content-Length: (\d+)/.exec(request);
  if (length) return body.length === Number(length[1]);
  if (!request.includes("chunked")) return true;
  return /(^|\r\n)0\r\n(X-Sum: 1\r\n)?\r\n$/.test(body);
}

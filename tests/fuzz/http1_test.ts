import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyFraming, CHUNKED } from "../../proxy/messages/body_framing.ts";
import { HttpFixture, type MemoryUpstream } from "../../proxy/http1/exchange_fixture.ts";
import { Head, NEED_MORE } from "../../proxy/messages/head.ts";
import { parseRequest } from "../../proxy/messages/request_head.ts";
import { parseResponse } from "../../proxy/messages/response_head.ts";
import { property } from "./property.ts";
import { SMUGGLED_ANSWERS } from "./smuggled_answers.ts";
import { SMUGGLED_REQUESTS } from "./smuggled_requests.ts";
import { answerTo } from "./strict_endpoint.ts";
import { asBytes, messagesIn, nameOf, StrictError } from "./strict_http.ts";

const piece = fc.oneof(
  fc.constantFrom(
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\0",
    "\x7f",
    "\xff",
    "0",
    "5",
    "a",
    "hello",
  ),
  fc.constantFrom(
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Host: a\r\n",
    "Connection: close\r\n",
  ),
  fc.constantFrom(
    "GET /b HTTP/1.1\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "chunked",
  ),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
);

/** A text with some of its bytes removed, doubled or swapped. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const damage = fc.tuple(
    fc.nat({ max: 400 }),
    fc.nat({ max: 3 }),
    fc.oneof(piece, fc.constant("")),
  );
  return fc.tuple(text, fc.array(damage, { maxLength: 3 })).map(([text, damages]) =>
    damages.reduce((text, [at, length, by]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + by + text.slice(start + length);
    }, text)
  );
}

const request = fc.oneof(
  damaged(
    fc.constantFrom(
      ...SMUGGLED_REQUESTS.map(({ bytes }) => bytes).filter(({ length }) => length < 2_000),
    ),
  ),
  fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join("")),
);
const requests = fc.array(request, { minLength: 1, maxLength: 3 }).map((all) => all.join(""));
const answer = damaged(
  fc.constantFrom(
    ...SMUGGLED_ANSWERS.map(({ bytes }) => bytes).filter(({ length }) => length < 2_000),
  ),
);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });

property("a head that comes in parts is understood as a whole one, or refused as it is", {
  share: 8_000,
  of: fc.tuple(request, fc.nat({ max: 300 }), fc.boolean()),
  holds([text, from, isAnswer]) {
    const bytes = asBytes(text);
    const parse = (end: number, head: Head) =>
      isAnswer ? parseResponse(bytes, 0, end, head, false) : parseRequest(bytes, 0, end, head);
    const [whole, part] = [new Head(), new Head()];
    const result = parse(bytes.length, whole);
    let early = NEED_MORE;
    for (let end = from; end < bytes.length && early === NEED_MORE; end++) early = parse(end, part);
    if (early === NEED_MORE) return;
    assert.equal(early, result);
    assert.deepEqual(part, whole);
  },
});

property("chunks that come in parts end where whole ones do, or are broken as they are", {
  share: 8_000,
  of: fc.tuple(
    fc.array(piece, { maxLength: 20 }).map((pieces) => `5\r\nhello\r\n${pieces.join("")}`),
    cuts,
  ),
  holds([text, sizes]) {
    assert.deepEqual(fedBy(text, sizes), fedBy(text, []));
  },
});

property(
  "however requests are split, client and endpoint see the same, and a strict reader agrees",
  {
    share: 6_000,
    of: fc.tuple(requests, cuts),
    holds([text, sizes]) {
      const [whole, split] = [forwarded(text, []), forwarded(text, sizes)];
      assert.deepEqual(split, whole);
      assert.ok(whole.requests.every((name) => !name.includes("\n")));
    },
  },
);

property("however answers are split, the client gets the same, and none that is not its own", {
  share: 5_000,
  of: fc.tuple(answer, fc.constantFrom("GET", "HEAD"), cuts),
  holds([text, method, sizes]) {
    const [whole, split] = [answered(method, text, []), answered(method, text, sizes)];
    assert.deepEqual(split, whole);
  },
});

function fedBy(text: string, sizes: readonly number[]): { end: number; isDone: boolean } {
  const body = new BodyFraming();
  body.start(CHUNKED);
  let at = 0;
  for (const part of partsOf(text, sizes)) {
    const end = body.feed(asBytes(part), 0, part.length);
    if (end < 0) return { end, isDone: false };
    at += end;
    if (body.isDone) break;
  }
  return { end: at, isDone: body.isDone };
}

function partsOf(text: string, sizes: readonly number[]): string[] {
  const parts: string[] = [];
  let at = 0;
  for (const size of [...sizes, text.length]) {
    if (at < text.length) parts.push(text.slice(at, at + size));
    at += size;
  }
  return parts;
}

/**
 * What comes out when a client sends `text`: the answers it gets, and the requests that endpoints read whole. What an
 * endpoint gets of a request that turns out to be broken does not count: its connection ends with it.
 */
function forwarded(text: string, sizes: readonly number[]) {
  const fixture = new HttpFixture({ endpoints: 1 });
  const busy: MemoryUpstream[] = [];
  fixture.onConnect = (upstream) => upstream.socket.onSend = () => busy.push(upstream);
  const { socket } = fixture.client();
  const requests: string[] = [];
  const read = new Map<MemoryUpstream, number>();
  const serve = () => {
    for (let next = busy.shift(); next !== undefined; next = busy.shift()) {
      if (next.socket.isClosed) continue;
      const { messages } = messagesIn(next.socket.sent);
      for (const message of messages.slice(read.get(next) ?? 0)) {
        requests.push(`${nameOf(message)} ${message.body}`);
        read.set(next, (read.get(next) ?? 0) + 1);
        next.socket.receive(answerTo(nameOf(message)));
      }
    }
  };
  for (const part of partsOf(text, sizes)) {
    socket.receive(part);
    serve();
  }
  return {
    requests: requests.map((name) => JSON.stringify(name)),
    answers: socket.sent,
    ends: socket.hasEnded,
  };
}

/** What a client gets when an endpoint answers its request with `text`, and closes after it; and then its next one. */
function answered(method: string, text: string, sizes: readonly number[]) {
  const fixture = new HttpFixture({ endpoints: 1 });
  let isFirst = true;
  fixture.onConnect = (upstream) =>
    upstream.socket.onSend = () => {
      upstream.socket.onSend = () => {};
      const own = isFirst ? text : answerTo("GET /next");
      isFirst = false;
      queue.push(() => {
        for (const part of partsOf(own, sizes)) upstream.socket.receive(part);
        if (!upstream.socket.isClosed) upstream.owner.onClose("ended");
      });
    };
  const queue: (() => void)[] = [];
  const { socket } = fixture.client();
  for (const name of [`${method} /first`, "GET /next"]) {
    if (!socket.isClosed && !socket.hasEnded) socket.receive(`${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) run();
  }
  return outcomeOf(socket.sent, method);
}

/**
 * An answer that breaks off and a 502 in its place are the same thing said in two ways: the split decides which. After the
 * one the connection ends, after the other it goes on.
 */
function outcomeOf(text: string, method: string): unknown {
  try {
    const { messages, rest } = messagesIn(text, [method, "GET"]);
    const [first, next, ...more] = messages.filter(({ first }) => !/^HTTP\/1\.1 1/.test(first));
    if (next) assert.deepEqual([next.body, more], ["GET /next", []]);
    return first === undefined || rest !== "" || first.first.includes(" 502 ") ? "broken" : first;
  } catch (error) {
    if (!(error instanceof StrictError)) throw error;
    return `a client cannot read it: ${error.message}`;
  }
}

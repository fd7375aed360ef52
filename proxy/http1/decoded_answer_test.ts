import assert from "node:assert/strict";
import { Head } from "../messages/head.ts";
import { textOf } from "../messages/characters.ts";
import type { AnswerSink, UpstreamFailure } from "../protocol/downstream.ts";
import type { HeaderEdit, HeaderValue } from "../table/route_table.ts";
import { MemorySocket } from "./exchange_fixture.ts";
import { UpstreamConnection } from "./upstream_connection.ts";

const OK = "HTTP/1.1 200 OK\r\n";

Deno.test("who speaks another protocol gets what an answer says: head, body, trailers, and its end", () => {
  const cases: [answer: string, said: string, sink?: Partial<NotedSink>][] = [
    [
      `${OK}Content-Length: 5\r\nETag: "1"\r\n\r\nhello`,
      '200 Content-Length=5 ETag="1"; hello; answered',
    ],
    [
      `${OK}Transfer-Encoding: chunked\r\nVary: a\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`,
      "200 Vary=a; hello; answered",
    ],
    [
      `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Status: good \r\n\r\n`,
      "200; x; trailers X-Sum=1 X-Status=good; answered",
    ],
    [
      `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n`,
      "200; x; answered",
      { takesTrailers: false },
    ],
    [
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Connection: close, X-Own\r\nX-Own: 1\r\nA: b\r\n\r\n`,
      "103 Link=x; 200 A=b; answered",
    ],
    [`${OK}Content-Length: 5\r\n\r\n`, "200 Content-Length=5; answered", { isHeadRequest: true }],
    [
      `${OK}Server: x\r\nContent-Length: 0\r\n\r\n`,
      "200 Content-Length=0 A=1; answered",
      { answerEdit: { set: [{ name: "A", value: "1" }], add: [], remove: ["server"] } },
    ],
    [`${OK}\r\nuntil the end`, "200; until the end; answered"],
    ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "failed: bad answer"],
    [`${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\nbad`, "200; x; failed: truncated"],
    [`${OK}Content-Length: 3\r\n\r\nhe`, "200 Content-Length=3; he; failed: truncated"],
    ["HTTP/1.1 200", "failed: bad answer"],
    ["", "failed: no answer"],
  ];
  for (const [answer, said, more] of cases) {
    for (const size of [answer.length, 1, 7]) {
      const { sink, socket, upstream } = asked(more);
      socket.receive(answer, Array.from({ length: answer.length }, () => size));
      upstream.onClose("ended");
      assert.equal(sink.said, said, JSON.stringify(answer));
    }
  }
});

Deno.test("a sink that takes no more stops the endpoint, until its socket is resumed", () => {
  const { sink, socket } = asked({ isFull: true });
  const body = "x".repeat(10);
  socket.receive(`${OK}Content-Length: 30\r\n\r\n${body}`);
  socket.receive(body);
  assert.equal(sink.body, body);
  sink.isFull = false;
  socket.resume();
  socket.receive(body);
  assert.equal(sink.body, body.repeat(3));
});

Deno.test("a sink that lets go within the body hears nothing more", () => {
  const { sink, socket, upstream } = asked();
  sink.onBody = () => {
    upstream.abandon();
    return true;
  };
  socket.receive(`${OK}Content-Length: 1\r\n\r\nx`);
  assert.equal(sink.said, "200 Content-Length=1");
  assert.equal(socket.isClosed, true);
});

function asked(more: Partial<NotedSink> = {}) {
  const kept: unknown[] = [];
  const pool = {
    opened: () => {},
    closed: () => {},
    keep: (connection: unknown) => kept.push(connection) > 0,
  };
  const upstream = new UpstreamConnection(pool, new Head());
  const socket = new MemorySocket();
  socket.own(upstream);
  upstream.socket = socket;
  const sink = Object.assign(new NotedSink(), more);
  upstream.ask(sink);
  return { sink, socket, upstream };
}

/** One that notes what an answer says, as one line. */
class NotedSink implements AnswerSink {
  readonly isRaw = false;
  readonly socket = new MemorySocket();
  isHeadRequest = false;
  takesTrailers = true;
  headBytesMax = 16 * 1024;
  answerEdit: HeaderEdit | undefined;
  isFull = false;
  body = "";
  readonly #events: string[] = [];

  get said(): string {
    return this.#events.join("; ");
  }

  isRequestComplete(): boolean {
    return true;
  }
  onProgress(): void {}
  onHead(status: number, fields: readonly HeaderValue[]): void {
    this.#events.push([status, ...fields.map(({ name, value }) => `${name}=${value}`)].join(" "));
  }
  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.body === "") this.#events.push("");
    this.body += textOf(bytes, start, end);
    this.#events[this.#events.length - 1] = this.body;
    return !this.isFull;
  }
  onTrailers(fields: readonly HeaderValue[]): void {
    const said = fields.map(({ name, value }) => `${name}=${value}`);
    this.#events.push(`trailers ${said.join(" ")}`);
  }
  onAnswered(): void {
    this.#events.push("answered");
  }
  onFailed({ kind }: UpstreamFailure): void {
    this.#events.push(`failed: ${kind}`);
  }
}

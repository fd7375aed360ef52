import assert from "node:assert/strict";
import { CHUNKED, UNTIL_CLOSE } from "./body_framing.ts";
import { ascii } from "./characters.ts";
import { Head, NEED_MORE } from "./head.ts";
import { parseResponse } from "./response_head.ts";

const OK = "HTTP/1.1 200 OK\r\n";

const UNDERSTOOD: [text: string, expected: Partial<Head>, isHeadRequest?: boolean][] = [
  [`${OK}Content-Length: 5\r\n\r\n`, { status: 200, length: 5, minorVersion: 1, closes: false }],
  [`${OK}Transfer-Encoding: chunked\r\n\r\n`, { length: CHUNKED, closes: false }],
  [`${OK}\r\n`, { length: UNTIL_CLOSE, hasStrayFraming: false }],
  [`${OK}Content-Length: 5\r\n\r\n`, { length: 0 }, true],
  [`${OK}X_Y: 1\r\nX-Forwarded-For: x\r\nContent-Length: 0\r\n\r\n`, { droppedCount: 0 }],
  ["HTTP/1.1 204 No Content\r\n\r\n", { status: 204, length: 0, hasStrayFraming: false }],
  ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", { length: 0, hasStrayFraming: true }],
  ["HTTP/1.1 100 Continue\r\n\r\n", { status: 100, length: 0 }],
  ["HTTP/1.1 199 X\r\nContent-Length: 1\r\n\r\n", { length: 0, hasStrayFraming: true }],
  ["HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n", { length: 1, hasStrayFraming: false }],
  ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", {
    length: 0,
    hasStrayFraming: false,
  }],
  ["HTTP/1.1 599 \t\r\nContent-Length: 0\r\n\r\n", { status: 599 }],
  ["HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", { status: 404 }],
  ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", {
    minorVersion: 0,
    closes: false,
  }],
  ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", {
    length: CHUNKED,
    closes: true,
  }],
];

const REFUSED: [text: string, problem: string][] = [
  ["HTTP/2.0 200 OK\r\n\r\n", "only HTTP/1.1 and HTTP/1.0 are spoken here"],
  ["ICY 200 OK\r\n\r\n", "no HTTP version"],
  ["HTTP/1.1 099 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 600 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 2x0 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 2a0 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 20a X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 200X", "a bad status line"],
  ["HTTP/1.1 200 OK\rX", "a bad status line"],
  ["HTTP/1.1 20x X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1\t200 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 2000 X\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 200 \x01\r\n\r\n", "a bad status line"],
  ["HTTP/1.1 200 OK\n\n\n", "a bad status line"],
  ["HTTP/1.1 200 OK\rX\r\n\r\n", "a bad status line"],
  [`${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, "two body lengths"],
  [`${OK}: x\r\n\r\n`, "a bad field name"],
];

function parsed(text: string, isHeadRequest = false) {
  const head = new Head(), bytes = ascii(text);
  return { head, end: parseResponse(bytes, 0, bytes.length, head, isHeadRequest) };
}

for (const [text, expected, isHeadRequest] of UNDERSTOOD) {
  Deno.test(`${JSON.stringify(text)} is understood${isHeadRequest ? " after HEAD" : ""}`, () => {
    const { head, end } = parsed(text, isHeadRequest);
    assert.equal(end, text.length);
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(head[name as keyof Head], value, name);
    }
    for (let length = 0; length < text.length; length++) {
      assert.equal(parsed(text.slice(0, length)).end, NEED_MORE, `${length} bytes`);
    }
  });
}

for (const [text, problem] of REFUSED) {
  Deno.test(`${JSON.stringify(text)} is refused: ${problem}`, () => {
    const { head, end } = parsed(text);
    assert.equal(end, -502);
    assert.equal(head.problem, problem);
  });
}

Deno.test("a head that starts later is read from there, and of a long reason nothing is parsed twice", () => {
  const head = new Head(), bytes = ascii(`xx${OK}Content-Length: 0\r\n\r\nbody`);
  assert.equal(parseResponse(bytes, 2, bytes.length, head, false), bytes.length - 4);
  assert.equal(head.start, 2);
  const reason = ascii("HTTP/1.1 200 a long");
  assert.equal(parseResponse(reason, 0, reason.length, head, false), NEED_MORE);
  assert.equal(head.skippable?.[ascii("x")[0]!], 1);
  assert.equal(head.skippable?.[13], 0);
  assert.equal(parseResponse(reason, 0, 4, head, false), NEED_MORE);
  assert.equal(head.skippable, undefined);
});

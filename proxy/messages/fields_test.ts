import assert from "node:assert/strict";
import { ascii } from "./characters.ts";
import { parseFields } from "./fields.ts";
import { Head, HOST_BYTES_MAX, LENGTH_ABSENT, NEED_MORE } from "./head.ts";

function parsed(fields: string, { isResponse = false, minorVersion = 1 } = {}) {
  const head = new Head(), bytes = ascii(`${fields}\r\n`);
  head.isResponse = isResponse;
  head.minorVersion = minorVersion;
  return { head, end: parseFields(bytes, 0, bytes.length, head), length: bytes.length };
}

const MEANS: [fields: string, expected: Partial<Head>, of?: Parameters<typeof parsed>[1]][] = [
  ["Host: a:80 \r\n", {
    hasHost: true,
    hostStart: 6,
    hostEnd: 10,
    hostLineStart: 0,
    hostLineEnd: 13,
  }],
  ["A: b\r\nHOST:a\r\n", { hostStart: 11, hostEnd: 12, hostLineStart: 6, hostLineEnd: 14 }],
  ["TE: trailers\r\n", { takesTrailers: true, droppedCount: 1 }],
  ["TE: gzip\r\n", { takesTrailers: false, droppedCount: 1 }],
  ["Proxy: x\r\n", { droppedCount: 1 }],
  ["Keep-Alive: 5\r\n", { droppedCount: 1, keepsAlive: false }],
  ["Proxy-Connection: close\r\n", { droppedCount: 1, closes: false }],
  ["Connection: close\r\n", { droppedCount: 1, closes: true, listsFields: false }],
  ["Connection: keep-alive\r\n", { closes: false, keepsAlive: true, listsFields: false }],
  ["Connection: upgrade\r\nUpgrade: x\r\n", {
    upgrades: true,
    listsFields: false,
    droppedCount: 1,
  }],
  ["Connection: upgrade\r\n", { upgrades: false, listsFields: false }],
  ["Connection: close, x\r\n", { closes: true, listsFields: true }],
  ["Connection: x\r\n", { closes: false, listsFields: true }],
  ["Connection:\r\n", { listsFields: false }],
  ["Upgrade: h2c\r\nConnection: upgrade\r\n", { upgrades: false, droppedCount: 2 }],
  ["Content-Length: 0\r\n", { length: 0, droppedCount: 0 }],
  ["Content-Length: 999999999999999\r\n", { length: 999_999_999_999_999 }],
  ["Transfer-Encoding: Chunked\r\n", { isChunked: true, length: LENGTH_ABSENT, droppedCount: 0 }],
  ["X-Forwarded-For: a\r\n", { droppedCount: 1, forwardedBits: 1 }],
  ["X-Forwarded-: a\r\n", { droppedCount: 0 }],
  ["X-Forwarded-For: a\r\n", { droppedCount: 0 }, { isResponse: true }],
  ["Forwarded: a\r\nTrue-Client-IP: a\r\nX-Real-IP: a\r\n", { droppedCount: 3, forwardedBits: 7 }],
  ["TE: a\r\nX-Original-URL: a\r\n", { droppedCount: 2, forwardedBits: 2 }],
  ["A_B: 1\r\n", { droppedCount: 1, forwardedBits: 0 }],
  ["A_B: 1\r\n", { droppedCount: 0 }, { isResponse: true }],
  ["A: 1\r\n", { closes: true }, { minorVersion: 0 }],
  ["Connection: keep-alive\r\n", { closes: false }, { minorVersion: 0 }],
  ["Connection: upgrade\r\nUpgrade: x\r\n", { upgrades: false }, { minorVersion: 0 }],
  [`Host: ${"a".repeat(HOST_BYTES_MAX)}\r\n`, { hasHost: true }],
  ["A: 1\r\n".repeat(128), { fieldsCount: 128 }],
  ["A:\t x\t \r\n", { droppedCount: 0 }],
];

const REFUSED: [fields: string, status: number, problem: string][] = [
  ["A: 1\r\n".repeat(129), 431, "too many fields"],
  ["TE: a\r\n".repeat(32), 431, "too many fields that are not for the next hop"],
  ["X-Forwarded-For: a\r\n".repeat(32), 431, "too many fields that are not for the next hop"],
  [`Host: ${"a".repeat(HOST_BYTES_MAX + 1)}\r\n`, 400, "a Host that is too long"],
  ["Host: a\r\nHost: a\r\n", 400, "two Host fields"],
  ["Host: a b\r\n", 400, "a bad Host field"],
  ["Content-Length: 1\r\nContent-Length: 1\r\n", 400, "two Content-Length fields"],
  ["Content-Length:\r\n", 400, "a bad Content-Length"],
  ["Content-Length: 1000000000000000\r\n", 400, "a bad Content-Length"],
  ["Content-Length: 1/\r\n", 400, "a bad Content-Length"],
  ["Content-Length: 1:\r\n", 400, "a bad Content-Length"],
  [
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    400,
    "two Transfer-Encoding fields",
  ],
  ["Transfer-Encoding: gzip\r\n", 501, "a transfer coding other than chunked"],
  ["Transfer-Encoding: chunkes\r\n", 501, "a transfer coding other than chunked"],
  [": a\r\n", 400, "a bad field name"],
  ["A : a\r\n", 400, "a bad field name"],
  ["A: \x01\r\n", 400, "a bad field value"],
  ["A: a\rb\r\n", 400, "a bad field value"],
  ["A: a\nB: b\r\n", 400, "a bad field value"],
  ["\rA: a\r\n", 400, "a bare carriage return"],
];

for (const [fields, expected, of] of MEANS) {
  Deno.test(`${JSON.stringify(fields.slice(0, 60))} means ${JSON.stringify(expected)}`, () => {
    const { head, end, length } = parsed(fields, of);
    assert.equal(end, length);
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(head[name as keyof Head], value, name);
    }
  });
}

for (const [fields, status, problem] of REFUSED) {
  Deno.test(`${JSON.stringify(fields.slice(0, 60))} is refused: ${problem}`, () => {
    const { head, end } = parsed(fields);
    assert.deepEqual([end, head.problem], [-status, problem]);
  });
}

Deno.test("a name that is nearly one of those that mean something means nothing", () => {
  const names = [
    "te",
    "host",
    "proxy",
    "upgrade",
    "connection",
    "keep-alive",
    "content-length",
    "proxy-connection",
    "transfer-encoding",
    "forwarded",
    "x-real-ip",
    "true-client-ip",
    "x-forwarded-for",
  ];
  for (const name of names) {
    for (const near of [`y${name.slice(1)}`, `${name}x`, `x${name.slice(1)}`]) {
      const { head, end, length } = parsed(`${near}: a\r\n`);
      if (near === name || near === "x-forwarded-forx") continue;
      assert.deepEqual([end, head.droppedCount, head.hasHost, head.closes], [
        length,
        0,
        false,
        false,
      ], near);
      assert.deepEqual([head.hasUpgrade, head.isChunked, head.length], [
        false,
        false,
        LENGTH_ABSENT,
      ], near);
    }
  }
});

Deno.test("whatever is cut off needs more, and the bytes that follow are not looked at", () => {
  const text = "Host: a\r\nA_B:  c \r\n\r\n";
  for (let length = 0; length < text.length; length++) {
    const bytes = ascii(text.slice(0, length) + "\x01".repeat(5));
    assert.equal(parseFields(bytes, 0, length, new Head()), NEED_MORE, String(length));
  }
});

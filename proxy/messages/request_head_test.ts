import assert from "node:assert/strict";
import fc from "fast-check";
import { areAll, ascii, textOf } from "./characters.ts";
import { Head, HOST_BYTES_MAX, NEED_MORE } from "./head.ts";
import { parseRequest } from "./request_head.ts";

const GET = "GET / HTTP/1.1\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\n";

/** Heads that two readers could understand differently, or that are none, and the status of their refusal. */
const REFUSED: Readonly<Record<string, [status: number, text: string]>> = {
  "both lengths": [400, `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
  "both lengths, the other way round": [
    400,
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`,
  ],
  "two equal lengths": [400, `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`],
  "two lengths": [400, `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
  "a list of lengths": [400, `${POST}Content-Length: 5, 5\r\n\r\n`],
  "a length with a sign": [400, `${POST}Content-Length: +5\r\n\r\n`],
  "a negative length": [400, `${POST}Content-Length: -5\r\n\r\n`],
  "a length in hex": [400, `${POST}Content-Length: 0x5\r\n\r\n`],
  "an empty length": [400, `${POST}Content-Length: \r\n\r\n`],
  "a length beyond counting": [400, `${POST}Content-Length: 9999999999999999\r\n\r\n`],
  "two transfer codings": [
    400,
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  "another coding before chunked": [501, `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  "identity": [501, `${POST}Transfer-Encoding: identity\r\n\r\n`],
  "chunked with a parameter": [501, `${POST}Transfer-Encoding: chunked;a=b\r\n\r\n`],
  "chunked in HTTP/1.0": [
    400,
    "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  "a space before the colon": [400, `${POST}Content-Length : 5\r\n\r\n`],
  "a tab before the colon": [400, `${POST}Transfer-Encoding\t: chunked\r\n\r\n`],
  "a folded line": [400, `${POST}X-A: b\r\n c\r\n\r\n`],
  "a folded first line": [400, `${GET} Host: a\r\n\r\n`],
  "a bare line feed after the request line": [400, "GET / HTTP/1.1\nHost: a\r\n\r\n"],
  "a bare line feed in a field": [400, `${GET}Host: a\nX: y\r\n\r\n`],
  "a bare carriage return in a field": [400, `${GET}Host: a\rX: y\r\n\r\n`],
  "a bare line feed as the end": [400, `${GET}Host: a\r\n\n`],
  "a NUL in a value": [400, `${GET}Host: a\r\nX: \0\r\n\r\n`],
  "a NUL in a name": [400, `${GET}Host: a\r\nX\0: y\r\n\r\n`],
  "a field without a name": [400, `${GET}Host: a\r\n: y\r\n\r\n`],
  "a field without a colon": [400, `${GET}Host: a\r\nnothing\r\n\r\n`],
  "no Host": [400, `${GET}X: y\r\n\r\n`],
  "two Hosts": [400, `${GET}Host: a\r\nHost: b\r\n\r\n`],
  "a Host with a path": [400, `${GET}Host: a/b\r\n\r\n`],
  "a Host with a user": [400, `${GET}Host: u@a\r\n\r\n`],
  "a list of Hosts": [400, `${GET}Host: a, b\r\n\r\n`],
  "a Host with a space": [400, `${GET}Host: a b\r\n\r\n`],
  "a Host that is too long": [400, `${GET}Host: ${"a".repeat(600)}\r\n\r\n`],
  "an https target without TLS": [421, "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a target with a user": [400, "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a target without a host": [400, "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a target of another scheme": [400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a relative target": [400, "GET x HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a target with a control character": [400, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a fragment in the target": [400, "GET /public#/../private HTTP/1.1\r\nHost: a\r\n\r\n"],
  "two spaces in the request line": [400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"],
  "no version": [400, "GET /\r\nHost: a\r\n\r\n"],
  "small letters in the version": [400, "GET / http/1.1\r\nHost: a\r\n\r\n"],
  "a space after the version": [400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"],
  "HTTP/2.0": [505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
  "HTTP/1.2": [505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"],
  "a method with a colon": [400, "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a method that never ends": [400, `${"A".repeat(64)} / HTTP/1.1\r\nHost: a\r\n\r\n`],
  "CONNECT": [501, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"],
  "too many fields": [431, `${GET}Host: a\r\n${"X: y\r\n".repeat(200)}\r\n`],
  "two empty lines first": [400, `\r\n\r\n${GET}Host: a\r\n\r\n`],
  "TLS": [400, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
};

for (const [name, [status, text]] of Object.entries(REFUSED)) {
  Deno.test(`a request with ${name} is refused with ${status}`, () => {
    const head = new Head();
    assert.equal(parseRequest(ascii(text), 0, text.length, head), -status);
    assert.notEqual(head.problem, "");
  });
}

Deno.test("a refusal does not depend on how the bytes came", () => {
  for (const [status, text] of Object.values(REFUSED)) {
    const bytes = ascii(text);
    let result = NEED_MORE;
    for (let end = 1; end <= bytes.length && result === NEED_MORE; end++) {
      result = parseRequest(bytes, 0, end, new Head());
    }
    assert.equal(result, -status, text);
  }
});

const ACCEPTED: readonly [text: string, expected: Partial<Head>][] = [
  [`${GET}Host: a\r\n\r\n`, { length: 0, closes: false, isIdempotent: true, upgrades: false }],
  [`\r\n${GET}Host: a\r\n\r\n`, { start: 2, length: 0 }],
  [`${POST}Content-Length: 12 \r\n\r\n`, { length: 12, isIdempotent: false }],
  [`${POST}transfer-encoding:\tChunked\r\n\r\n`, { length: -1 }],
  ["GET / HTTP/1.0\r\n\r\n", { minorVersion: 0, closes: true, hasHost: false }],
  ["HEAD / HTTP/1.1\r\nhost:\r\n\r\n", { isHead: true, hasHost: true, hostStart: 22, hostEnd: 22 }],
  [`${GET}Host: [::1]:80\r\nConnection: close\r\n\r\n`, { closes: true, droppedCount: 1 }],
  ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", { targetStart: 8, targetEnd: 9 }],
  ["GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", { targetStart: 4, pathStart: 12, targetEnd: 14 }],
  ["GET HTTP://b:8/ HTTP/1.1\r\nHost: a\r\n\r\n", {
    targetNamesHost: true,
    hostStart: 11,
    hostEnd: 14,
  }],
  ["GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", { pathStart: 12, targetNamesHost: true }],
  ["GET http://b/ HTTP/1.0\r\n\r\n", { targetNamesHost: true, hasHost: true, droppedCount: 0 }],
  [`${GET}Host: a\r\nTE: gzip, Trailers\r\n\r\n`, { takesTrailers: true, droppedCount: 1 }],
  [`${GET}Host: a\r\nA_B: 1\r\nFORWARDED: x\r\n\r\n`, { droppedCount: 2, forwardedBits: 2 }],
  [`${GET}Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, { upgrades: true }],
  [`${GET}Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`, { upgrades: false }],
  [`${GET}Host: a\r\nConnection: x-secret\r\n\r\n`, { listsFields: true }],
  [`${GET}Host: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`, { droppedCount: 1 }],
];

for (const [text, expected] of ACCEPTED) {
  Deno.test(`${JSON.stringify(text)} is understood`, () => {
    const head = new Head();
    assert.equal(parseRequest(ascii(text), 0, text.length, head), text.length);
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(head[name as keyof Head], value, name);
    }
  });
}

Deno.test("any bytes are refused, understood, or not whole: never past their end", () => {
  const piece = fc.oneof(
    fc.constantFrom("GET", " ", "/", "HTTP/1.1", "\r\n", "\n", "\r", "Host", ":", "a", "\r\n\r\n"),
    fc.constantFrom("Content-Length", "Transfer-Encoding", "chunked", "Connection", "5", ",", "\t"),
    fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      const end = parseRequest(ascii(text + "GET / HTTP/1.1\r\n"), 0, text.length, new Head());
      assert.ok(end <= text.length);
      if (end > 0) assert.equal(textOf(ascii(text), end - 4, end), "\r\n\r\n");
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a head that is not whole says which bytes would leave it so, and most of a long head are such", () => {
  const part = fc.constantFrom(
    "GET /a",
    "GET / HTTP/1.1\r\nHo",
    "GET / HTTP/1.1\r\nHost: a",
    "\r\n",
    "GE",
  );
  const more = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 });
  fc.assert(fc.property(part, more, (text, more) => {
    const head = new Head();
    const bytes = Uint8Array.from([...ascii(text), ...more]);
    assert.equal(parseRequest(bytes, 0, text.length, head), NEED_MORE);
    const { skippable } = head;
    assert.equal(skippable !== undefined, /[a-z]$/.test(text), text);
    if (skippable === undefined || !areAll(skippable, bytes, text.length, bytes.length)) return;
    assert.equal(parseRequest(bytes, 0, bytes.length, head), NEED_MORE);
  }));
});

Deno.test("which methods may be sent again, and which of them is HEAD", () => {
  const methods: Record<string, boolean> = {
    GET: true,
    PUT: true,
    HEAD: true,
    DELETE: true,
    OPTIONS: true,
    TRACE: true,
    POST: false,
    PATCH: false,
    get: false,
    GETS: false,
    ABC: false,
    DELETES: false,
    REMOVE: false,
    OPTIONSX: false,
    PROPFIX: false,
    TRACES: false,
    HEADS: false,
  };
  for (const [method, isIdempotent] of Object.entries(methods)) {
    for (const before of ["", "\r\n"]) {
      const head = new Head(), bytes = ascii(`${before}${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.equal(parseRequest(bytes, 0, bytes.length, head), bytes.length);
      assert.deepEqual([head.isIdempotent, head.isHead], [isIdempotent, method === "HEAD"], method);
    }
  }
});

Deno.test("targets: what each form says of host and path, and how long a host may be", () => {
  const long = "a".repeat(HOST_BYTES_MAX);
  const cases: [
    line: string,
    expected: { host: string; path: string; replaces: boolean } | number,
  ][] = [
    ["OPTIONS * HTTP/1.1", { host: "a", path: "*", replaces: false }],
    ["GET * HTTP/1.1", -400],
    ["OPTIONS x HTTP/1.1", -400],
    ["CONNECT a:443 HTTP/1.1", -501],
    ["CONNECX a:443 HTTP/1.1", -400],
    ["GET http://a/b HTTP/1.1", { host: "a", path: "/b", replaces: false }],
    ["GET http://b/b HTTP/1.1", { host: "b", path: "/b", replaces: true }],
    ["GET http://ab HTTP/1.1", { host: "ab", path: "", replaces: true }],
    ["GET http://a?b HTTP/1.1", { host: "a", path: "?b", replaces: false }],
    ["GET HTTP://b HTTP/1.1", { host: "b", path: "", replaces: true }],
    ["GET http:// HTTP/1.1", -400],
    ["GET http:///b HTTP/1.1", -400],
    ["GET http://a^ HTTP/1.1", -400],
    ["GET https://a HTTP/1.1", -421],
    ["GET https:// HTTP/1.1", -421],
    ["GET ftp://abc/ HTTP/1.1", -400],
    [`GET http://${long}/ HTTP/1.1`, { host: long, path: "/", replaces: true }],
    [`GET http://${long}a/ HTTP/1.1`, -400],
  ];
  for (const [line, expected] of cases) {
    const head = new Head(), bytes = ascii(`${line}\r\nHost: a\r\n\r\n`);
    const end = parseRequest(bytes, 0, bytes.length, head);
    if (typeof expected === "number") assert.equal(end, expected, line);
    else {
      assert.equal(end, bytes.length, line);
      const host = textOf(bytes, head.hostStart, head.hostEnd);
      const path = textOf(bytes, head.pathStart, head.targetEnd);
      assert.deepEqual({ host, path, replaces: head.targetNamesHost }, expected, line);
      assert.equal(head.droppedCount, expected.replaces ? 1 : 0, line);
    }
  }
});

Deno.test("a request with a body asks for no upgrade, and one head says nothing of the next", () => {
  const head = new Head();
  const parse = (text: string) => parseRequest(ascii(text), 0, text.length, head);
  const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n";
  assert.ok(parse(`${upgrade}\r\n`) > 0 && head.upgrades);
  assert.ok(parse(`${upgrade}Content-Length: 1\r\n\r\n`) > 0 && !head.upgrades);
  assert.ok(parse(`${upgrade}Transfer-Encoding: chunked\r\n\r\n`) > 0 && !head.upgrades);
  head.isResponse = true;
  assert.ok(parse("GET / HTTP/1.1\r\nHost: a\r\nA_B: 1\r\n\r\n") > 0);
  assert.equal(head.droppedCount, 1);
  const method = (length: number) => `${"A".repeat(length)} / HTTP/1.1\r\nHost: a\r\n\r\n`;
  assert.ok(parse(method(32)) > 0);
  assert.equal(parse(method(33)), -400);
  assert.equal(parse("A".repeat(33)), -400);
});

Deno.test("before a request there may be one empty line, and nothing else", () => {
  const head = new Head();
  const parse = (text: string) => parseRequest(ascii(text), 0, text.length, head);
  assert.deepEqual(["", "\r", "\r\n", "\r\nG", "G"].map(parse), Array(5).fill(NEED_MORE));
  assert.equal(parse("GET /a"), NEED_MORE);
  assert.notEqual(head.skippable, undefined);
  assert.equal(parse("GET"), NEED_MORE);
  assert.equal(head.skippable, undefined);
  const rest = " / HTTP/1.1\r\nHost: a\r\n\r\n";
  const texts = [
    rest,
    `\rGET${rest}`,
    `\r\n\r\nGET${rest}`,
    `\nGET${rest}`,
    `GET ${rest}`,
    `G\x00T${rest}`,
  ];
  assert.deepEqual(texts.map(parse), Array(6).fill(-400));
});

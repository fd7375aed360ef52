import assert from "node:assert/strict";
import { ascii } from "../messages/characters.ts";
import { Head } from "../messages/head.ts";
import { parseRequest } from "../messages/request_head.ts";
import type { Persistence } from "../table/route_table.ts";
import { sessionIn, withSession } from "./session.ts";

const COOKIE: Persistence = { kind: "Cookie", name: "s", isPermanent: false };
const AT = { backend: "default/web:80", endpoint: "10.0.0.1 80 a", path: "/a" } as const;

function found(persistence: Persistence, field: string, nowMs: number) {
  const bytes = ascii(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`), head = new Head();
  return sessionIn(persistence, bytes, parseRequest(bytes, 0, bytes.length, head), head, nowMs);
}

/** What a new client is told. */
function told(persistence: Persistence, scheme: "http" | "https" = "http"): string {
  const edit = withSession(undefined, persistence, {
    ...AT,
    before: undefined,
    scheme,
    nowMs: 1_000,
  });
  const [field, ...more] = edit!.add;
  assert.deepEqual([more, edit!.set, edit!.remove], [[], [], []]);
  return `${field!.name}: ${field!.value}`;
}

Deno.test("a new client gets a cookie, whose session is known when it comes back", () => {
  const field = told(COOKIE);
  const [, pair] = /^Set-Cookie: (s=\S+); Path=\/a; HttpOnly; SameSite=Strict$/.exec(field) ?? [];
  const session = found(COOKIE, `Cookie: other=1; ${pair}; last=2`, 5_000)!;
  assert.equal(session.startedMs, 1_000);
  const again = { ...AT, before: session, scheme: "http", nowMs: 5_000 } as const;
  assert.equal(withSession(undefined, COOKIE, again), undefined, "it knows");
  const moved = withSession(undefined, COOKIE, { ...again, endpoint: "10.0.0.2 80 b" });
  assert.equal(moved!.add.length, 1);
  const own = { set: [], add: [{ name: "x", value: "y" }], remove: ["z"] };
  assert.equal(withSession(own, COOKIE, again), own);
  const both = withSession(own, COOKIE, { ...again, before: undefined });
  assert.deepEqual([both!.add.length, both!.remove], [2, ["z"]]);
});

Deno.test("cookies of encrypted clients stay so, and permanent ones say how long they last", () => {
  assert.match(told(COOKIE, "https"), /; Secure$/);
  assert.match(told({ ...COOKIE, isPermanent: true, absoluteMs: 60_000 }), /; Max-Age=60$/);
});

Deno.test("a session ends after its time, and when it was not used", () => {
  const pair = told(COOKIE).slice("Set-Cookie: ".length).split(";")[0]!;
  const at = (limits: Partial<Persistence>, nowMs: number) =>
    found({ ...COOKIE, ...limits }, `Cookie: ${pair}`, nowMs) !== undefined;
  assert.deepEqual([at({ absoluteMs: 500 }, 1_499), at({ absoluteMs: 500 }, 1_500)], [true, false]);
  assert.deepEqual([at({ idleMs: 500 }, 1_499), at({ idleMs: 500 }, 1_500)], [true, false]);
});

Deno.test("a session that lasts while it is used is told again, now and then", () => {
  const persistence = { ...COOKIE, idleMs: 60_000 };
  const pair = told(persistence).slice("Set-Cookie: ".length).split(";")[0]!;
  const before = found(persistence, `Cookie: ${pair}`, 1_500);
  const isToldAt = (nowMs: number) =>
    withSession(undefined, persistence, { ...AT, before, scheme: "http", nowMs }) !== undefined;
  assert.deepEqual([isToldAt(1_999), isToldAt(2_000)], [false, true]);
});

Deno.test("a header carries a session as well", () => {
  const header: Persistence = { kind: "Header", name: "X-Session", isPermanent: false };
  const field = told(header);
  assert.match(field, /^X-Session: \S+$/);
  assert.equal(found(header, field.replace("X-S", "x-s"), 2_000)?.startedMs, 1_000);
});

Deno.test("what no session can be is none", () => {
  for (
    const value of [
      "",
      "s=",
      "s=x",
      "t=0123456789abcdef-1-1",
      "s=0123456789abcdef-1",
      "s=0123456789ABCDEF-1-1",
    ]
  ) {
    assert.equal(found(COOKIE, `Cookie: ${value}`, 0), undefined, value);
  }
});

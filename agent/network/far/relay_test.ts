import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { VirtualClock } from "../../../core/lib/virtual_clock.ts";
import type { ByteEnd } from "../../../core/lib/mux/joins.ts";
import { type FarTarget, greeting } from "../../../core/traffic/far/relaying.ts";
import { Relay } from "./relay.ts";

const TARGET: FarTarget = { kind: "tcp", node: "edge", address: "10.42.1.2", port: 80, uid: "u" };

/** Somebody far away, whom a test plays: `answers` says what comes from there. */
function playedEnd(answers: () => AsyncIterable<Uint8Array>) {
  const got: number[] = [], ends: string[] = [];
  const end: ByteEnd = {
    bytes: answers(),
    write: (bytes) => Promise.resolve(void got.push(...bytes)),
    end: () => void ends.push("end"),
    reset: (reason) => void ends.push(reason),
  };
  return { end, got, ends };
}

async function readAll(connection: Deno.TcpConn): Promise<number[]> {
  const all: number[] = [], buffer = new Uint8Array(4096);
  for (;;) {
    const count = await connection.read(buffer).catch(() => null); // reset
    if (count === null) return all;
    all.push(...buffer.subarray(0, count));
  }
}

async function relaying(
  answers: () => AsyncIterable<Uint8Array>,
  send: (secret: Uint8Array) => Uint8Array,
): Promise<{ asked: FarTarget[]; answer: number[]; got: number[]; ends: string[] }> {
  const asked: FarTarget[] = [], played = playedEnd(answers);
  const open = (target: FarTarget) => {
    asked.push(target);
    return played.end;
  };
  const relay = new Relay({ open, clock: new SystemClock() });
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: relay.address.port });
    const bytes = send(relay.address.secret);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at, at + 7));
    await connection.closeWrite();
    return { asked, answer: await readAll(connection), ...played };
  } finally {
    relay.close();
  }
}

async function* coming(...parts: number[][]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Uint8Array.from(part));
}

async function* failing(reason: string): AsyncIterable<Uint8Array> {
  yield* coming();
  throw new Error(reason);
}

Deno.test("a relay passes on what comes, in frames, and both ends", async () => {
  const send = (secret: Uint8Array) => Uint8Array.from([...greeting(secret, TARGET), 8, 9]);
  const { asked, answer, got, ends } = await relaying(() => coming([0, 5], [6, 7]), send);
  assert.deepEqual(asked, [TARGET]);
  assert.deepEqual(answer, [0, 0, 1, 5, 0, 2, 6, 7, 0, 0]);
  assert.deepEqual([got, ends], [[8, 9], ["end"]]);
});

Deno.test("what is longer than a frame comes in several", async () => {
  const long = Array<number>(65_535 + 65_535 + 3).fill(7);
  const { answer } = await relaying(
    () => coming([0, ...long], long),
    (secret) => greeting(secret, TARGET),
  );
  assert.equal(answer.filter((byte) => byte === 7).length, 2 * long.length);
  assert.deepEqual(answer.slice(0, 4), [0, 255, 255, 7]);
  assert.deepEqual(answer.slice(-2), [0, 0]);
  assert.equal(answer.length, 1 + 2 * (long.length + 3 * 2) + 2);
});

Deno.test("who is not reached, and why, is one byte; a tunnel that is lost leaves no end behind", async () => {
  const rows: [() => AsyncIterable<Uint8Array>, answer: number[]][] = [
    [() => failing("refused: dial tcp: connection refused"), [1]],
    [() => failing("timeout: i/o timeout"), [2]],
    [() => failing("unreachable: node is not connected"), [3]],
    [() => failing("the tunnel is lost"), [3]],
    [() => coming(), [3]],
    [
      async function* () {
        yield* coming([0, 5]);
        throw new Error("the tunnel is lost");
      },
      [0, 0, 1, 5],
    ],
    [() => coming([9, 9]), [3]],
  ];
  for (const [answers, expected] of rows) {
    const { answer } = await relaying(answers, (secret) => greeting(secret, TARGET));
    assert.deepEqual(answer, expected);
  }
});

Deno.test("who does not know the secret, or asks for too much, gets nothing, and nobody is asked", async () => {
  const huge = (secret: Uint8Array) =>
    Uint8Array.from([...secret, 255, 255, ...Array(3000).fill(32)]);
  const rows: ((secret: Uint8Array) => Uint8Array)[] = [
    () => greeting(new Uint8Array(16), TARGET),
    (secret) => greeting(secret.map((byte, i) => i === 15 ? byte ^ 1 : byte), TARGET),
    huge,
    (secret) => secret,
    (secret) => Uint8Array.from([...secret, 0, 1, 123]),
    () => new Uint8Array(),
  ];
  for (const send of rows) {
    const { asked, answer } = await relaying(() => coming([0, 1]), send);
    assert.deepEqual([asked, answer], [[], []]);
  }
});

Deno.test("who says nothing is cut off after a while, and so is who waits for an answer in vain", async () => {
  const clock = new VirtualClock(0);
  const played = playedEnd(async function* () {
    await new Promise(() => {});
    yield new Uint8Array();
  });
  let isAsked = false;
  const open = () => {
    isAsked = true;
    return played.end;
  };
  const relay = new Relay({ open, clock });
  try {
    const { port, secret } = relay.address;
    using silent = await Deno.connect({ hostname: "127.0.0.1", port });
    using waiting = await Deno.connect({ hostname: "127.0.0.1", port });
    await waiting.write(greeting(secret, TARGET));
    await untilTrue(() => isAsked && relay.connections === 2);
    await clock.advance(5_000);
    assert.deepEqual(await readAll(silent), []);
    await clock.advance(5_000);
    assert.deepEqual(await readAll(waiting), [2]);
    assert.match(played.ends[0]!, /^timeout: no answer within 10000 ms/);
  } finally {
    relay.close();
  }
});

async function untilTrue(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

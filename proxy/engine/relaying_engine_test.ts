import assert from "node:assert/strict";
import fc from "fast-check";
import { settled, VirtualClock } from "../../core/lib/virtual_clock.ts";
import { greeting, type RelayAddress } from "../../core/traffic/far/relaying.ts";
import { MemoryEngine } from "./memory_engine_fixture.ts";
import { RelayingEngine } from "./relaying_engine.ts";
import type { ClientOwner, ClientSocket, UpstreamOwner } from "./engine.ts";

const RELAY: RelayAddress = { port: 9, secret: new Uint8Array(16).fill(7) };
const POD = { address: "10.42.1.2", port: 80, podUid: "u1" };
const FAR = { ...POD, far: { node: "edge" } };

/** A relay that a test plays, and what the owner of the connection is told. */
function playing(to: object = FAR) {
  const engine = new MemoryEngine(new VirtualClock(0));
  const heard: number[] = [], told: string[] = [];
  let relay: ClientSocket | undefined;
  engine.listen({ address: "127.0.0.1", port: RELAY.port, isShared: false }, (client) => {
    relay = client;
    const owner: ClientOwner = {
      onData: (bytes, start, end) => void heard.push(...bytes.subarray(start, end)),
      ...{ onClose: () => {}, onDrain: () => {}, peer: () => undefined },
      isBetweenRequests: () => false,
    };
    return owner;
  });
  const came: number[] = [];
  const owner: UpstreamOwner = {
    onConnected: () => void told.push("connected"),
    onConnectFailed: (failure) => void told.push(failure),
    onData: (bytes, start, end) => void came.push(...bytes.subarray(start, end)),
    onClose: (how) => void told.push(how),
    ...{ onDrain: () => {}, onSent: () => {}, peer: () => undefined },
  };
  const socket = new RelayingEngine(engine, RELAY).connect({ ...POD, ...to }, owner);
  const answer = (...bytes: number[]) => relay!.send(Uint8Array.from(bytes), 0, bytes.length);
  return { heard, told, came, socket, answer, close: () => relay!.close() };
}

Deno.test("a relay is told the secret, whom it is for, and the first bytes without a wait", async () => {
  const played = playing();
  played.socket.send(Uint8Array.of(1, 2, 3), 0, 3);
  await settled();
  const target = { kind: "tcp", node: "edge", address: POD.address, port: 80, uid: "u1" } as const;
  assert.deepEqual(played.heard, [...greeting(RELAY.secret, target), 1, 2, 3]);
  assert.deepEqual(played.told, []);
});

Deno.test("what a relay answers: nobody reached and why, an end, and one that was none", async () => {
  const rows: [answers: number[][], told: string[], came: number[]][] = [
    [[[1]], ["refused"], []],
    [[[2]], ["timeout"], []],
    [[[3]], ["unreachable"], []],
    [[[77]], ["unreachable"], []],
    [[], ["unreachable"], []],
    [[[0]], ["connected", "broken"], []],
    [[[0, 0, 2, 5, 6]], ["connected", "broken"], [5, 6]],
    [[[0, 0, 2, 5]], ["connected", "broken"], [5]],
    [[[0, 0, 2, 5, 6, 0, 0]], ["connected", "ended"], [5, 6]],
    [[[0], [0], [2], [5], [6], [0], [1], [7], [0], [0]], ["connected", "ended"], [5, 6, 7]],
    [[[0, 0, 0]], ["connected", "ended"], []],
  ];
  for (const [answers, told, came] of rows) {
    const played = playing();
    await settled();
    for (const bytes of answers) {
      played.answer(...bytes);
      await settled();
    }
    played.close();
    await settled();
    assert.deepEqual([played.told, played.came], [told, came], JSON.stringify(answers));
  }
});

Deno.test("however frames are cut and split, the same bytes come in the same order", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });
  const splits = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 60 });
  await fc.assert(fc.asyncProperty(pieces, splits, async (pieces, sizes) => {
    const played = playing();
    await settled();
    const all = [0, ...pieces.flatMap((each) => [each.length >> 8, each.length & 255, ...each])];
    for (let at = 0, i = 0; at < all.length; i++) {
      const size = sizes[i] ?? all.length;
      played.answer(...all.slice(at, at + size));
      at += size;
      await settled();
    }
    assert.deepEqual(played.came, pieces.flatMap((each) => [...each]));
    assert.deepEqual(played.told, ["connected"]);
  }));
});

Deno.test("whoever is reached by a route is dialled without a relay", async () => {
  const played = playing({ far: undefined });
  await settled();
  assert.deepEqual([played.heard, played.told], [[], ["refused"]]); // nobody listens there
});

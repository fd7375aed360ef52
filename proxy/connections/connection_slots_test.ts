import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ConnectionSlots,
  KIND_CONNECTIONS_MAX,
  LISTENER_CONNECTIONS_MAX,
  PEER_CONNECTIONS_MAX,
  peerOf,
  type SlotHolder,
} from "./connection_slots.ts";

class Connection implements SlotHolder {
  isClosed = false;
  leave: () => void = () => {};
  constructor(readonly name: string, public idleSinceMs: number | undefined) {}
  close(): void {
    this.isClosed = true;
    this.leave();
  }
}

const STRANGER = { isTrusted: false };

/** Opens one if there is room. */
function open(
  slots: ConnectionSlots,
  listener: string,
  peer: string,
  idleSinceMs?: number,
): Connection | undefined {
  if (!slots.makeRoom(listener, peer, STRANGER)) return undefined;
  const connection = new Connection(`${listener} ${peer}`, idleSinceMs);
  connection.leave = slots.claim(listener, peer, connection);
  return connection;
}

Deno.test("when a listener is full, the oldest idle connection of whoever has the most goes", () => {
  const slots = new ConnectionSlots({ listenerMax: 5, peerMax: 4 });
  const busy = open(slots, "l", "greedy"), younger = open(slots, "l", "greedy", 20);
  const older = open(slots, "l", "greedy", 10), modest = open(slots, "l", "modest", 1);
  open(slots, "l", "modest");
  const next = open(slots, "l", "new", 30);
  assert.ok(next);
  assert.deepEqual([busy, younger, older, modest].map((one) => one!.isClosed), [
    false,
    false,
    true,
    false,
  ]);
});

Deno.test("a peer that has as many as it may have pays with its own, and is refused when all are in use", () => {
  const slots = new ConnectionSlots({ listenerMax: 10, peerMax: 2 });
  const other = open(slots, "l", "other", 1);
  const [first, second] = [open(slots, "l", "greedy", 5), open(slots, "l", "greedy", 6)];
  assert.ok(open(slots, "l", "greedy"));
  assert.deepEqual([other, first, second].map((one) => one!.isClosed), [false, true, false]);
  second!.idleSinceMs = undefined;
  assert.equal(open(slots, "l", "greedy"), undefined);
  assert.ok(open(slots, "l", "another"));
  assert.ok(slots.makeRoom("l", "greedy", { isTrusted: true }));
});

Deno.test("a full listener takes nothing from another one, and all together have a limit too", () => {
  const slots = new ConnectionSlots({ listenerMax: 2, peerMax: 2, kindMax: 3 });
  const [one, two] = [open(slots, "a", "x", 1), open(slots, "a", "y", 2)];
  const three = open(slots, "b", "z", 0);
  assert.equal(one!.isClosed || two!.isClosed || three!.isClosed, false);
  assert.ok(open(slots, "c", "new", 9));
  assert.equal([one, two, three].filter((each) => each!.isClosed).length, 1);
});

Deno.test("limits hold, and a newcomer is refused only when all that count against it are in use", () => {
  const step = fc.record({
    listener: fc.constantFrom("a", "b", "c"),
    peer: fc.constantFrom("p", "q", "r", "s"),
    act: fc.constantFrom("open", "open", "open", "close", "use", "rest"),
    at: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const limits = { kindMax: 12, listenerMax: 6, peerMax: 3 };
      const slots = new ConnectionSlots(limits);
      let all: Connection[] = [], now = 0;
      for (const { listener, peer, act, at } of steps) {
        const some = all[at % Math.max(1, all.length)];
        if (act === "close") some?.close();
        if (act === "use" && some) some.idleSinceMs = undefined;
        if (act === "rest" && some) some.idleSinceMs = now++;
        all = all.filter(({ isClosed }) => !isClosed);
        if (act !== "open") continue;
        const counted = [
          { max: limits.peerMax, those: all.filter(({ name }) => name === `${listener} ${peer}`) },
          { max: limits.listenerMax, those: all.filter(({ name }) => name.startsWith(listener)) },
          { max: limits.kindMax, those: all },
        ].filter(({ max, those }) => those.length >= max);
        const opened = open(slots, listener, peer, now++);
        const isShut = counted.some(({ those }) =>
          those.every(({ idleSinceMs }) => idleSinceMs === undefined)
        );
        if (isShut || counted.length === 0) assert.equal(opened === undefined, isShut);
        if (opened) all.push(opened);
        all = all.filter(({ isClosed }) => !isClosed);
        assert.ok(all.length <= limits.kindMax);
      }
    }),
    { numRuns: 500, seed: 13 },
  );
});

Deno.test("a peer is an address, however it is written, or the network of 64 bits of a host", () => {
  assert.equal(peerOf("192.0.2.1"), peerOf("::ffff:192.0.2.1"));
  assert.equal(peerOf("2001:db8::1"), peerOf("2001:db8:0:0:ffff::2"));
  assert.notEqual(peerOf("2001:db8::1"), peerOf("2001:db8:0:1::1"));
  assert.notEqual(peerOf("192.0.2.1"), peerOf("192.0.2.2"));
});

Deno.test("a slot that is released, or taken from an idle connection, is free for one more, and only one", () => {
  const slots = new ConnectionSlots({ listenerMax: 2 });
  for (let i = 0; i < 5; i++) {
    const [first, second] = [open(slots, "l", "a"), open(slots, "l", "b", 1)];
    assert.ok(first && second);
    const third = open(slots, "l", "c")!;
    assert.equal(second.isClosed, true);
    assert.equal(open(slots, "l", "d"), undefined);
    first.leave();
    first.leave();
    const fourth = open(slots, "l", "d")!;
    assert.equal(open(slots, "l", "e"), undefined);
    third.leave();
    fourth.leave();
  }
});

Deno.test("a peer's slots are its own at each listener, and those of a kind are counted together", () => {
  const slots = new ConnectionSlots({ kindMax: 3, peerMax: 1 });
  const first = open(slots, "l", "a")!;
  assert.equal(open(slots, "l", "a"), undefined);
  assert.ok(open(slots, "m", "a"));
  assert.ok(open(slots, "n", "a"));
  assert.equal(open(slots, "o", "b"), undefined);
  first.leave();
  assert.ok(open(slots, "l", "a"));
});

Deno.test("the limits without any options", () => {
  assert.equal(LISTENER_CONNECTIONS_MAX, 4_096);
  assert.equal(PEER_CONNECTIONS_MAX, 1_024);
  assert.equal(KIND_CONNECTIONS_MAX, 8_192);
});

Deno.test("the connections of an address count for it; those of IPv6 for its network of 64 bits", () => {
  assert.equal(peerOf("192.0.2.1"), "192.0.2.1");
  assert.equal(peerOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(peerOf("a socket"), "a socket");
  assert.equal(peerOf("2001:db8:1:2::1"), peerOf("2001:db8:1:2:ffff::2"));
  assert.notEqual(peerOf("2001:db8:1:2::1"), peerOf("2001:db8:1:3::1"));
  assert.notEqual(peerOf("2001:db8::1"), peerOf("2101:db8::1"));
});

Deno.test("an idle connection whose slot was taken and that closes later frees no second one", () => {
  const slots = new ConnectionSlots({ listenerMax: 1 });
  const slow = open(slots, "l", "a", 1)!;
  const release = slow.leave;
  slow.leave = () => {};
  assert.ok(open(slots, "l", "b"));
  release();
  assert.equal(open(slots, "l", "c"), undefined);
});

Deno.test("among peers with as many, and connections idle for as long, the first goes", () => {
  const slots = new ConnectionSlots({ listenerMax: 4, peerMax: 4 });
  const all = ["a", "a", "b", "b"].map((peer) => open(slots, "l", peer, 5)!);
  assert.ok(open(slots, "l", "new"));
  assert.deepEqual(all.map((one) => one.isClosed), [true, false, false, false]);
});

Deno.test("the slot of an idle connection is free as soon as it is taken, however long that one takes to close", () => {
  const slots = new ConnectionSlots({ listenerMax: 1 });
  const slow = new Connection("slow", 1);
  slots.claim("l", "a", slow);
  assert.ok(slots.makeRoom("l", "b", STRANGER));
  assert.ok(slow.isClosed);
  slow.idleSinceMs = undefined; // it is closing
  assert.ok(slots.makeRoom("l", "b", STRANGER), "nobody has claimed the slot yet");
  const busy = new Connection("busy", undefined);
  slots.claim("l", "b", busy);
  assert.ok(!slots.makeRoom("l", "c", STRANGER));
});

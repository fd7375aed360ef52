import assert from "node:assert/strict";
import fc from "fast-check";
import { BACKLOG_BYTES_MAX, ringMemory, RingReader, RingWriter } from "./fan_out_ring.ts";
import { loanOf } from "./loans.ts";

const RING_BYTES = 256 * 1024;

class Ring {
  readonly heard = new Map<number, string[]>();
  readonly lost: number[] = [];
  /** The ids of the loans, and after how many characters of its connection each came. */
  readonly loans: { id: number; after: number }[] = [];
  wakes = 0;
  readonly writer: RingWriter;
  readonly reader: RingReader;

  constructor() {
    const memory = ringMemory(RING_BYTES);
    this.reader = new RingReader(memory);
    this.writer = new RingWriter({
      memory,
      wake: () => this.wakes++,
      onLost: (connections) => this.lost.push(...connections),
    });
  }

  /** As the thread does: reads, and says when there is room for one who waits. */
  read(deliveriesMax?: number): void {
    const isWaitedFor = this.reader.readAll(({ connections, start, length }) => {
      const loan = length === 0 ? loanOf(connections) : undefined;
      if (loan) {
        this.loans.push({ id: loan.id, after: this.textOf(connections[0]!).length });
        return;
      }
      const text = new TextDecoder().decode(this.reader.bytes.slice(start, start + length));
      for (const connection of connections) {
        const texts = this.heard.get(connection) ?? [];
        this.heard.set(connection, [...texts, text]);
      }
    }, deliveriesMax);
    if (isWaitedFor) this.writer.goOn();
  }

  textOf(connection: number): string {
    return (this.heard.get(connection) ?? []).join("");
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("what is written to many is read once, in order, and an entry is a broadcast without bytes", () => {
  const ring = new Ring();
  ring.writer.enter(7, 2 ** 32 + 5);
  ring.writer.write([7, 8], [bytes("a"), bytes("bc")]);
  ring.writer.write([8], [bytes("d")]);
  ring.read();
  assert.deepEqual([...ring.heard], [[7, ["", "abc"]], [5, [""]], [8, ["abc", "d"]]]);
  assert.equal(ring.reader.hasMore, false);
});

Deno.test("a reader that sleeps is woken once, and does not fall asleep while there is something", () => {
  const ring = new Ring();
  ring.writer.enter(1, 0);
  assert.deepEqual([ring.wakes, ring.reader.mayFallAsleep()], [0, false]);
  ring.read();
  assert.equal(ring.reader.mayFallAsleep(), true);
  ring.writer.enter(1, 0);
  ring.writer.enter(1, 0);
  assert.equal(ring.wakes, 1);
});

Deno.test("whatever is written and whenever it is read, each connection gets all of its bytes in order", () => {
  const act = fc.oneof(
    fc.record({
      connections: fc.uniqueArray(fc.nat(5), { minLength: 1 }),
      length: fc.oneof(fc.nat(300), fc.nat(200_000)),
    }),
    fc.record({ reads: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const ring = new Ring();
      const expected = new Map<number, string>();
      for (const [index, one] of acts.entries()) {
        if ("reads" in one) {
          ring.read(one.reads);
          continue;
        }
        const text = `${index} `.repeat(one.length).slice(0, one.length);
        ring.writer.write(one.connections, [bytes(text)]);
        for (const connection of one.connections) {
          expected.set(connection, (expected.get(connection) ?? "") + text);
        }
      }
      while (ring.reader.hasMore) ring.read();
      assert.deepEqual(ring.lost, []);
      for (const [connection, text] of expected) assert.equal(ring.textOf(connection), text);
    }),
    { numRuns: 200 },
  );
});

Deno.test("what a reader that does not read lets wait is bounded: those who lose bytes are named, and nothing else is lost", () => {
  const ring = new Ring();
  const chunk = new Uint8Array(60_000).fill(97);
  let written = 0;
  for (; ring.lost.length === 0; written++) ring.writer.write([written % 2], [chunk]);
  assert.ok(written * chunk.length <= BACKLOG_BYTES_MAX + RING_BYTES + chunk.length);
  assert.deepEqual(ring.lost, [(written - 1) % 2]);
  while (ring.reader.hasMore) ring.read();
  assert.equal(ring.textOf(0).length + ring.textOf(1).length, (written - 1) * chunk.length);
});

Deno.test("what comes after the writes waits until all of them are in the ring, and no longer", () => {
  const ring = new Ring();
  let acts = 0;
  ring.writer.afterWrites(() => acts++);
  assert.equal(acts, 1);
  const chunk = new Uint8Array(60_000).fill(97);
  for (let written = 0; written < 2 * RING_BYTES; written += chunk.length) {
    ring.writer.write([1], [chunk]);
  }
  ring.writer.write([1], [bytes("last")]);
  ring.writer.afterWrites(() => acts++);
  ring.writer.write([1], [bytes(" later")]);
  assert.equal(acts, 1);
  for (let reads = 0; reads < 100 && acts < 2; reads++) ring.read(1);
  assert.equal(acts, 2);
  ring.writer.close();
  ring.read();
  assert.match(ring.textOf(1), /last/);
});

Deno.test("who waits for writes does not wait for a reader that is gone", () => {
  const ring = new Ring();
  const chunk = new Uint8Array(60_000);
  for (let written = 0; written < 2 * RING_BYTES; written += chunk.length) {
    ring.writer.write([1], [chunk]);
  }
  let acts = 0;
  ring.writer.afterWrites(() => acts++);
  ring.writer.close();
  ring.writer.afterWrites(() => acts++);
  assert.equal(acts, 2);
});

Deno.test("what is lent comes after what was written before, also when that waits for room, and is the lender's again when it is returned", async () => {
  const ring = new Ring();
  const chunk = new Uint8Array(60_000).fill(97);
  const chunks = 10;
  for (let written = 0; written < chunks; written++) ring.writer.write([1], [chunk]);
  const isReturned = [false, false];
  const loans = isReturned.map((_, index) =>
    ring.writer.lend(1, chunk).then(() => isReturned[index] = true)
  );
  ring.writer.write([1], [bytes("last")]);
  while (ring.reader.hasMore) ring.read();
  const after = chunks * chunk.length;
  assert.deepEqual(ring.loans.map((loan) => loan.after), [after, after]);
  assert.ok(ring.textOf(1).endsWith("alast"));
  await Promise.resolve();
  assert.deepEqual(isReturned, [false, false]);
  ring.writer.returned([ring.loans[0]!.id]);
  await loans[0];
  assert.deepEqual(isReturned, [true, false]);
  ring.writer.close(); // the reader is gone
  await loans[1];
  await ring.writer.lend(1, chunk);
  assert.equal(ring.writer.hasRoomToLend, false);
});

Deno.test("nothing is written for a reader that is gone", () => {
  const ring = new Ring();
  ring.writer.close();
  ring.writer.write([1], [bytes("a")]);
  assert.equal(ring.reader.hasMore, false);
});

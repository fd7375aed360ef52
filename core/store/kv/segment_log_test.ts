import assert from "node:assert/strict";
import fc from "fast-check";
import { removalOf, type SegmentRecord } from "./segment.ts";
import type { Key, Revision } from "../store.ts";
import {
  CLEANING_BYTES_MIN,
  FOLLOWED_BYTES,
  type LogStep,
  SegmentLog,
  SLACK_BYTES,
} from "./segment_log.ts";

const STEP_BYTES_MAX = 800_000;
const RECORD_BYTES_MAX = 60_000;
/** Of all that lives, its own and the copies that wait: see `SegmentLog`. */
const LIVE_SHARE_MAX = 2.5;

/** A log with the rows that a disk would hold of it, and the map that it must agree with. */
class Disk {
  log = new SegmentLog();
  readonly rows = new Map<number, Uint8Array>();
  readonly model = new Map<string, string>();
  revision = 0;
  /** Records that were written, copies among them. */
  placed = 0;
  #lastNumber = -1;

  /** One batch, and what cleaning does by itself after it. */
  write(records: readonly SegmentRecord[]): void {
    this.#take(this.log.plan(++this.revision, records, STEP_BYTES_MAX));
    while (this.log.isBehind(STEP_BYTES_MAX)) {
      this.#take(this.log.plan(this.revision, [], STEP_BYTES_MAX));
    }
    for (const { key: [, , name], kind, bytes } of records) {
      if (kind === "gone") this.model.delete(name);
      else this.model.set(name, textOf(bytes));
    }
  }

  /** Cleans until nothing more is to be done. */
  trim(slackBytes: number): void {
    const next = () => this.log.planTrim(this.revision, STEP_BYTES_MAX, slackBytes);
    for (let step = next(); step; step = next()) this.#take(step);
  }

  /** Bytes of the newest rows, back to the first that is gone. */
  get wholeBytes(): number {
    let bytes = 0;
    for (let number = this.#lastNumber; this.rows.has(number); number--) {
      bytes += this.rows.get(number)!.length;
    }
    return bytes;
  }

  /** Forgets all but the rows. */
  async restart(): Promise<void> {
    const { log, revision } = await SegmentLog.read(this.#newestFirst());
    this.log = log;
    assert.equal(revision, this.revision);
  }

  /** The log shows what the model holds, in memory and when it is read anew, and is not too long. */
  async check(): Promise<void> {
    const { log } = await SegmentLog.read(this.#newestFirst());
    assert.deepEqual(contentOf(log), contentOf(this.log));
    assert.deepEqual(contentOf(this.log), Object.fromEntries([...this.model].sort()));
    const rowBytes = [...this.rows.values()].reduce((sum, { length }) => sum + length, 0);
    assert.equal(this.log.bytes, rowBytes);
    assert.equal(log.bytes, rowBytes);
    assert.equal(log.liveBytes, this.log.liveBytes);
    const allowed = LIVE_SHARE_MAX * log.liveBytes + SLACK_BYTES + 2 * STEP_BYTES_MAX;
    assert.ok(rowBytes <= allowed, `${rowBytes} bytes for ${log.liveBytes} that live`);
  }

  #take(step: LogStep): void {
    assert.ok(bytesOf(step) <= STEP_BYTES_MAX, `a step of ${bytesOf(step)} bytes`);
    for (const { number, bytes } of step.added) {
      assert.ok(number > this.#lastNumber);
      this.#lastNumber = number;
      this.rows.set(number, bytes);
    }
    for (const number of step.dropped) assert.ok(this.rows.delete(number));
    this.placed += step.placed.length;
    this.log.take(step);
  }

  async *#newestFirst() {
    for (const number of [...this.rows.keys()].sort((a, b) => b - a)) {
      yield { number, bytes: this.rows.get(number)!.slice() };
    }
  }
}

/** Keys, and how long what is written of each is: 0 removes it. */
const arbitraryBatch = fc.array(
  fc.record({
    key: fc.nat({ max: 40 }),
    length: fc.integer({ min: -RECORD_BYTES_MAX, max: RECORD_BYTES_MAX }),
  }),
  { maxLength: 10 },
);
type ArbitraryStep =
  | { write: { key: number; length: number }[]; times: number }
  | "restart"
  | "fail";
const arbitraryStep: fc.Arbitrary<ArbitraryStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ write: arbitraryBatch, times: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  { weight: 1, arbitrary: fc.constant("fail" as const) },
);

Deno.test("whatever is written, removed and read anew, the log holds what a map would, and stays short", () =>
  fc.assert(
    fc.asyncProperty(fc.array(arbitraryStep, { minLength: 4, maxLength: 24 }), async (steps) => {
      const disk = new Disk();
      let written = 0;
      for (const step of steps) {
        if (step === "restart") await disk.restart();
        else if (step === "fail") {
          disk.log.plan(disk.revision + 1, [put("lost", 9)], STEP_BYTES_MAX);
        } else {for (let turn = 0; turn < step.times; turn++) {
            disk.write(batchOf(step.write, written++));
          }}
        await disk.check();
      }
    }),
    { numRuns: 40 },
  ));

Deno.test("objects that are never written again outlive any number of writes to others", async () => {
  const disk = new Disk();
  for (let i = 0; i < 200; i++) disk.write([put(`cold-${i}`, 20_000)]);
  for (let i = 0; i < 3_000; i++) disk.write([put(`hot-${i % 5}`, 20_000 + i % 7)]);
  await disk.check();
  await disk.restart();
  for (let i = 0; i < 1_000; i++) disk.write([put(`hot-${i % 5}`, 20_000)]);
  await disk.check();
  assert.equal(disk.model.size, 205);
});

Deno.test("what was removed does not come back when the log goes round, nor after it was made again", async () => {
  const disk = new Disk();
  disk.write([put("gone", 1_000), put("again", 1_000), put("kept", 1_000)]);
  disk.write([removal("gone", 2), removal("again", 2)]);
  disk.write([put("again", 1_001)]);
  for (let i = 0; i < 1_500; i++) {
    disk.write([put(`hot-${i % 3}`, 20_000)]);
    if (i % 100 === 0) await disk.check();
  }
  await disk.restart();
  assert.equal(disk.log.get(keyOf("gone")), undefined);
  assert.equal(disk.log.get(keyOf("again"))?.bytes.length, 1_001);
});

Deno.test("what is never written is not copied for what is written all the time", async () => {
  const disk = new Disk();
  for (let i = 0; i < 200; i++) disk.write([put(`cold-${i}`, 20_000)]);
  let written = 0;
  for (let i = 0; i < 3_000; i++) {
    disk.write([put(`hot-${i % 5}`, 20_000)]);
    if (i % 1_000 === 500) await disk.restart();
    written++;
  }
  await disk.check();
  assert.equal(disk.placed, 200 + written);
});

Deno.test("a removal stays as long as an older segment may hold what it hides", async () => {
  const disk = new Disk();
  disk.write([put("gone", 1_000), put("kept", 1_000)]);
  disk.write([removal("gone", 2)]);
  disk.write([removal("never-there", 3), put("hot-0", 20_000)]);
  for (let i = 0; i < 1_500; i++) disk.write([put(`hot-${i % 3}`, 20_000)]);
  assert.ok(disk.rows.has(0) && disk.rows.has(1) && disk.rows.has(2));
  await disk.check();
  await disk.restart();
  for (let i = 0; i < 1_500; i++) disk.write([put(`hot-${i % 3}`, 20_000)]);
  await disk.check();
});

Deno.test("the end of the log stays whole, for followers that lag behind", () => {
  const disk = new Disk();
  for (let i = 0; i < 1_000; i++) disk.write([put(`cold-${i}`, 20_000), put("hot", 20_000)]);
  for (let i = 0; i < 500; i++) {
    disk.write([put("hot", 20_000)]);
    assert.ok(disk.wholeBytes >= FOLLOWED_BYTES, `${disk.wholeBytes} bytes`);
  }
});

Deno.test("when almost all is removed, the log shrinks with the next few writes", async () => {
  const disk = new Disk();
  for (let i = 0; i < 1_000; i++) disk.write([put(`many-${i}`, 40_000)]);
  for (let i = 0; i < 1_000; i++) disk.write([removal(`many-${i}`, disk.revision + 1)]);
  for (let i = 0; i < 20; i++) disk.write([put("one", 50_000)]);
  await disk.check();
  assert.ok(disk.log.bytes < SLACK_BYTES + 4 * CLEANING_BYTES_MIN, `${disk.log.bytes} bytes`);
});

Deno.test("a log that is trimmed with little slack holds little that is dead, and all that lives", async () => {
  const disk = new Disk();
  for (let i = 0; i < 300; i++) disk.write([put(`many-${i}`, 20_000)]);
  for (let i = 0; i < 200; i++) disk.write([removal(`many-${i}`, disk.revision + 1)]);
  assert.ok(disk.log.bytes > 3 * disk.log.liveBytes);
  disk.trim(SLACK_BYTES / 16);
  await disk.check();
  assert.ok(disk.log.bytes < 1.3 * disk.log.liveBytes, `${disk.log.bytes} bytes`);
});

Deno.test("batches as large as they may be do not keep cleaning from its work", async () => {
  const disk = new Disk();
  for (let i = 0; i < 1_000; i++) disk.write([put(`cold-${i}`, 40_000)]);
  for (let i = 0; i < 150; i++) {
    disk.write(Array.from({ length: 11 }, (_, j) => put(`large-${j}`, 60_000)));
    if (i % 10 === 0) await disk.check();
  }
});

Deno.test("a small commit pays for cleaning only now and then, and little", () => {
  const disk = new Disk();
  for (let i = 0; i < 12_000; i++) disk.write([put(`small-${i % 4_000}`, 2_000)]);
  const steps = Array.from({ length: 1_000 }, (_, i) => {
    const records = [put(`small-${i * 7 % 4_000}`, 2_000)];
    const step = disk.log.plan(++disk.revision, records, STEP_BYTES_MAX);
    disk.log.take(step);
    return { bytes: bytesOf(step), isCleaning: step.dropped.length > 0 };
  });
  const cleaning = steps.filter(({ isCleaning }) => isCleaning).length;
  assert.ok(cleaning > 0 && cleaning < 50, `${cleaning} of 1,000 commits also clean`);
  assert.ok(Math.max(...steps.map(({ bytes }) => bytes)) <= CLEANING_BYTES_MIN + 10_000);
});

Deno.test("a log that was read does not hold on to the rows", async () => {
  const disk = new Disk();
  disk.write([put("a", 30_000), put("b", 30_000)]);
  await disk.restart();
  for (const { bytes } of disk.log.records()) assert.equal(bytes.buffer.byteLength, 30_000);
});

Deno.test("a segment that is not whole is named", async () => {
  const rows = (async function* () {
    yield { number: 7, bytes: new Uint8Array(100) };
  })();
  await assert.rejects(SegmentLog.read(rows), /Cannot read segment 7: its checksum is wrong/);
});

/** The bytes differ from one turn to the next, so that an old record in the place of a new one is found. */
function put(name: string, length: number): SegmentRecord {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, turn++);
  return { key: keyOf(name), kind: "json", bytes };
}
let turn = 0;

function removal(name: string, revision: Revision): SegmentRecord {
  return removalOf(keyOf(name), revision);
}

function keyOf(name: string): Key {
  return ["notes", "", name];
}

function batchOf(
  write: readonly { key: number; length: number }[],
  revision: number,
): SegmentRecord[] {
  const byName = new Map(write.map(({ key, length }) => [`key-${key}`, length]));
  return [...byName].map(([name, length]) =>
    length < 8 ? removal(name, revision) : put(name, length)
  );
}

function contentOf(log: SegmentLog): Record<string, string> {
  const records = [...log.records()].map(({ key: [, , name], bytes }) =>
    [name, textOf(bytes)] as const
  );
  return Object.fromEntries(records.sort(([a], [b]) => a < b ? -1 : 1));
}

/** Enough to tell them apart. */
function textOf(bytes: Uint8Array): string {
  return `${bytes.length} ${bytes.subarray(0, 8).toHex()}`;
}

function bytesOf({ added }: LogStep): number {
  return added.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

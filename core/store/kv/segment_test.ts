import assert from "node:assert/strict";
import fc from "fast-check";
import {
  keyOf,
  pathOf,
  readSegment,
  removalOf,
  removalRevision,
  SEGMENT_BYTES_MAX,
  type SegmentRecord,
  SegmentWriter,
} from "./segment.ts";

const arbitraryRecord: fc.Arbitrary<SegmentRecord> = fc.record({
  key: fc.tuple(
    fc.stringMatching(/^[a-z.]{1,20}$/),
    fc.stringMatching(/^[a-z-]{0,10}$/),
    fc.stringMatching(/^[a-zäß:.\/-]{1,200}$/),
  ),
  kind: fc.constantFrom("json" as const, "blob" as const, "gone" as const),
  bytes: fc.uint8Array({ maxLength: 60_000, size: "max" }),
}, { noNullPrototype: true });

Deno.test("what is written into segments is read from them, in its order", () =>
  fc.assert(
    fc.property(
      fc.array(arbitraryRecord, { maxLength: 12 }),
      fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      (records, revision) => {
        const writer = new SegmentWriter(revision);
        const places = records.map((record) => writer.add(record));
        const segments = writer.finish().map((bytes) => {
          assert.ok(bytes.length <= SEGMENT_BYTES_MAX);
          return readSegment(bytes);
        });
        assert.deepEqual(segments.flatMap((segment) => segment.records), records);
        assert.deepEqual(
          segments.flatMap((segment, index) => segment.records.map(() => index)),
          places,
        );
        assert.ok(segments.every((segment) => segment.revision === revision));
      },
    ),
    { numRuns: 50 },
  ));

Deno.test("a batch without records is a segment with its revision", () => {
  const [segment, ...others] = new SegmentWriter(7).finish();
  assert.deepEqual(readSegment(segment!), { revision: 7, records: [] });
  assert.deepEqual(others, []);
});

Deno.test("a segment in which any one bit is wrong, or whose end is missing, is refused", () => {
  const writer = new SegmentWriter(1);
  writer.add({ key: ["notes", "a", "n"], kind: "json", bytes: new TextEncoder().encode("{}") });
  const segment = writer.finish()[0]!;
  for (let bit = 0; bit < segment.length * 8; bit++) {
    const broken = segment.slice();
    broken[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => readSegment(broken), /its checksum is wrong/);
  }
  for (let length = 0; length < segment.length; length++) {
    assert.throws(() => readSegment(segment.subarray(0, length)), /its checksum is wrong/);
  }
});

Deno.test("a removal holds its revision", () => {
  assert.equal(removalRevision(removalOf(["notes", "a", "n"], 2 ** 40 + 1).bytes), 2 ** 40 + 1);
});

Deno.test("a path gives its key", () => {
  for (const key of [["a", "", "b"], ["a.b", "c", "d/e"]] as const) {
    assert.deepEqual(keyOf(pathOf(key)), key);
  }
});

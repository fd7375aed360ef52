import assert from "node:assert/strict";
import { constants, createDeflate } from "node:zlib";
import fc from "fast-check";
import { DICTIONARY } from "./dictionary.ts";
import { InflateError, Inflater } from "./inflater.ts";

/** What a Go client's zlib writer makes of several parts: one stream, flushed after each. */
async function deflated(parts: readonly Uint8Array[], level = 6): Promise<Uint8Array[]> {
  const stream = createDeflate({ dictionary: DICTIONARY, level });
  const out: Uint8Array[] = [];
  let current: Uint8Array[] = [];
  stream.on("data", (bytes: Uint8Array) => current.push(bytes));
  for (const part of parts) {
    await new Promise((resolve) => stream.write(part, resolve));
    await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve));
    out.push(Uint8Array.from(current.flatMap((bytes) => [...bytes])));
    current = [];
  }
  stream.destroy();
  return out;
}

const encoder = new TextEncoder();

Deno.test("parts of one stream come back as they were, at every level", async () => {
  const words = fc.constantFrom(
    "streamtype",
    "data",
    "error",
    "port",
    "8080",
    "requestid",
    "accept",
  );
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(words, { maxLength: 40 }).map((list) => encoder.encode(list.join(" "))),
  );
  const cases = fc.tuple(
    fc.array(part, { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 0, max: 9 }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([parts, level]) => {
      const inflater = new Inflater(DICTIONARY);
      for (const [index, block] of (await deflated(parts, level)).entries()) {
        assert.deepEqual([...inflater.inflate(block, 4096)], [...parts[index]!]);
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("a bomb is refused when it passes the limit", async () => {
  const [bomb] = await deflated([new Uint8Array(16_000_000)]);
  assert.ok(bomb!.length < 17_000);
  const before = performance.now();
  assert.throws(() => new Inflater(DICTIONARY).inflate(bomb!, 16 * 1024), InflateError);
  assert.ok(performance.now() - before < 50);
});

Deno.test("damaged, cut off and foreign blocks are refused, and nothing else is thrown", async () => {
  const [good] = await deflated([encoder.encode("streamtype=data; port=80; ".repeat(9))]);
  const damage = fc.array(fc.tuple(fc.nat(good!.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(fc.property(damage, fc.nat(good!.length), (changes, length) => {
    const block = good!.slice();
    for (const [at, byte] of changes) block[at] = byte;
    try {
      new Inflater(DICTIONARY).inflate(block.subarray(0, length), 4096);
    } catch (error) {
      assert.ok(error instanceof InflateError, String(error));
    }
  }));
  assert.throws(
    () => new Inflater(DICTIONARY).inflate(encoder.encode("GET / HTTP/1.1"), 99),
    InflateError,
  );
});

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ByteStream } from "./byte_stream.ts";
import { LENT_PIECE_BYTES, PIECE_BYTES, writeParts, writeUnchanging } from "./parts_writer.ts";

/** A stream that reads what it was lent only when it returns it. */
class Borrower implements ByteStream {
  readonly keepsBytes = false;
  readonly queuedBytes = 0;
  readonly #gone = new AbortController();
  readonly gone = this.#gone.signal;
  readonly heard: Uint8Array[] = [];
  lentMax = 0;
  copied = 0;
  readonly #lent: { bytes: Uint8Array; resolve: () => void }[] = [];

  constructor(readonly lends: () => boolean = () => true) {}

  write(bytes: Uint8Array): boolean {
    this.returnAll(); // the order stays
    this.heard.push(bytes.slice());
    this.copied += bytes.length;
    return false;
  }

  lend(bytes: Uint8Array): Promise<void> | undefined {
    if (!this.lends()) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lent.push({ bytes, resolve });
    this.lentMax = Math.max(this.lentMax, this.#lent.length);
    if (this.#lent.length === 1) setTimeout(() => this.#return(), 0);
    return promise;
  }

  #return(): void {
    const first = this.#lent.shift();
    if (!first) return;
    this.heard.push(first.bytes.slice());
    first.resolve();
    if (this.#lent.length > 0) setTimeout(() => this.#return(), 0);
  }

  returnAll(): void {
    while (this.#lent.length > 0) this.#return();
  }

  leave(): void {
    this.#gone.abort();
    this.returnAll();
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }
  end(): void {}
  destroy(): void {}

  get text(): string {
    this.returnAll();
    return this.heard.map((piece) => new TextDecoder("latin1").decode(piece)).join("");
  }
}

const lengths = fc.oneof(
  fc.constantFrom(0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1),
  fc.constantFrom(LENT_PIECE_BYTES - 1, LENT_PIECE_BYTES, LENT_PIECE_BYTES + 1),
  fc.nat(5_000),
  fc.nat(600_000),
);

function partsOf(sizes: readonly number[]): Uint8Array[] {
  return sizes.map((length, index) => new Uint8Array(length).fill(33 + index % 90));
}

function textOf(parts: readonly Uint8Array[]): string {
  return parts.map((part) => new TextDecoder("latin1").decode(part)).join("");
}

Deno.test("parts of any size arrive whole and in order, whether they are lent or not, and nothing is changed while it is lent", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(lengths, { maxLength: 12 }),
      fc.array(fc.boolean()),
      async (sizes, choices) => {
        let calls = 0;
        const stream = new Borrower(() => choices[calls++] ?? true);
        const parts = partsOf(sizes);
        await writeParts(stream, parts);
        assert.ok(stream.text === textOf(parts), `of ${sizes}`);
        assert.ok(stream.lentMax <= 2, `${stream.lentMax} pieces were lent at once`);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("all of a long list is lent, and it ends when the last piece was read", async () => {
  const parts = partsOf(Array.from({ length: 2_000 }, () => 2_300));
  const stream = new Borrower();
  await writeParts(stream, parts);
  const heard = stream.heard.reduce((sum, piece) => sum + piece.length, 0);
  assert.deepEqual([stream.copied, heard], [0, 2_000 * 2_300]);
});

Deno.test("a short answer is written, not lent", async () => {
  const stream = new Borrower();
  await writeParts(stream, partsOf([100, PIECE_BYTES - 200]));
  assert.deepEqual([stream.lentMax, stream.copied], [0, PIECE_BYTES - 100]);
});

Deno.test("nothing more is lent to a peer that has left", async () => {
  const stream = new Borrower();
  function* endless() {
    for (let pieces = 0;; pieces++) {
      if (pieces === 3) stream.leave();
      assert.ok(pieces < 10, "it goes on");
      yield new Uint8Array(LENT_PIECE_BYTES);
    }
  }
  await writeParts(stream, endless());
});

Deno.test("bytes that never change are lent as they are, or written in pieces", async () => {
  const [bytes] = partsOf([3 * PIECE_BYTES + 5]);
  const lending = new Borrower();
  await writeUnchanging(lending, bytes!);
  assert.deepEqual([lending.copied, lending.heard.length], [0, 1]);
  const writing = new Borrower(() => false);
  await writeUnchanging(writing, bytes!);
  assert.deepEqual([writing.text === textOf([bytes!]), writing.heard.length], [true, 4]);
});

import assert from "node:assert/strict";
import { linesOf, textOf } from "./lines.ts";

const tooLong = () => new Error("too long");
const NEVER = new AbortController().signal;

const TABLE: Record<string, { chunks: string[]; then: string[][] }> = {
  "one chunk, several lines": { chunks: ["a\nb\nc\n"], then: [["a", "b", "c"]] },
  "a line in several chunks": { chunks: ["a", "b", "c\nd\n"], then: [["abc", "d"]] },
  "an end between chunks": { chunks: ["a", "\n", "b\n"], then: [["a"], ["b"]] },
  "lines that are empty": { chunks: ["\n\na\n\n"], then: [["a"]] },
  "a last line that was cut off": { chunks: ["a\nb"], then: [["a"]] },
  "nothing": { chunks: [], then: [] },
  "a byte order mark at the beginning of a chunk": {
    chunks: ["\uFEFFa\n", "\uFEFFb\n"],
    then: [["\uFEFFa"], ["\uFEFFb"]],
  },
};

for (const [name, { chunks, then }] of Object.entries(TABLE)) {
  Deno.test(`lines of ${name}`, async () => {
    const lines = linesOf(bodyOf(chunks), { charactersMax: 100, tooLong });
    assert.deepEqual(await Array.fromAsync(lines), then);
  });
}

Deno.test("a character that is cut by a chunk comes out whole", async () => {
  const bytes = new TextEncoder().encode("é\n");
  const body = ReadableStream.from([bytes.slice(0, 1), bytes.slice(1)]);
  const [one, other] = body.tee();
  const lines = linesOf(one, { charactersMax: 100, tooLong });
  assert.deepEqual(await Array.fromAsync(lines), [["é"]]);
  assert.equal(await textOf(other, NEVER), "é\n");
});

Deno.test("a line may be as long as the limit, and no longer, and the body is cancelled then", async () => {
  const read = async (chunks: string[], state = { isCancelled: false }) =>
    await Array.fromAsync(linesOf(bodyOf(chunks, state), { charactersMax: 4, tooLong }));
  assert.deepEqual(await read(["abcd", "\n"]), [["abcd"]]);
  const state = { isCancelled: false };
  await assert.rejects(read(["ab", "cde", "\n"], state), /too long/);
  assert.equal(state.isCancelled, true);
});

Deno.test("an abort ends the lines without an error, though the body never ends, and cancels it", async () => {
  const [end, state] = [new AbortController(), { isCancelled: false }];
  const body = endlessBody("a\n", state);
  const all: (readonly string[])[] = [];
  for await (const lines of linesOf(body, { charactersMax: 4, tooLong, signal: end.signal })) {
    all.push(lines);
    queueMicrotask(() => end.abort());
  }
  assert.deepEqual([all, state.isCancelled], [[["a"]], true]);
});

Deno.test("a body is not read when its signal has aborted already", async () => {
  const signal = AbortSignal.abort();
  const body = endlessBody("a\n", { isCancelled: false });
  assert.deepEqual(
    await Array.fromAsync(linesOf(body, { charactersMax: 4, tooLong, signal })),
    [],
  );
});

Deno.test("leaving the loop early cancels the body", async () => {
  const state = { isCancelled: false };
  for await (const _ of linesOf(endlessBody("a\n", state), { charactersMax: 4, tooLong })) break;
  assert.equal(state.isCancelled, true);
});

Deno.test("the text of a body is read to its end, or rejects with the reason of the abort", async () => {
  assert.equal(await textOf(bodyOf(["a\n", "b"]), NEVER), "a\nb");
  assert.equal(await textOf(null, NEVER), "");
  const [reason, end] = [new Error("stop"), new AbortController()];
  const text = textOf(endlessBody("a", { isCancelled: false }), end.signal);
  end.abort(reason);
  await assert.rejects(text, reason);
});

function bodyOf(
  chunks: readonly string[],
  state = { isCancelled: false },
): ReadableStream<Uint8Array> {
  const rest = chunks.map((text) => new TextEncoder().encode(text));
  return new ReadableStream({
    pull(controller) {
      const chunk = rest.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: () => void (state.isCancelled = true),
  });
}

/** Gives one chunk, and then neither another one nor an end. */
function endlessBody(text: string, state: { isCancelled: boolean }): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    cancel: () => void (state.isCancelled = true),
  });
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { linesOf } from "../../core/client/answer_body.ts";
import { textOf } from "../../core/lib/lines.ts";
import { hostileText, jsonValue } from "./json_values.ts";
import { property } from "./property.ts";

const NEVER = new AbortController().signal;
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 });

const line = fc.oneof(
  jsonValue(["type", "object", "metadata"]).map((value) => JSON.stringify(value)),
  hostileText.map((text) => text.toWellFormed().replaceAll("\n", "")),
);

property("the lines of a watch are the same however their bytes come", {
  share: 3_000,
  of: fc.tuple(fc.array(line, { maxLength: 6 }), fc.boolean(), cuts),
  async holds([lines, isCutOff, sizes]) {
    const bytes = new TextEncoder().encode(lines.join("\n") + (isCutOff ? "" : "\n"));
    const expected = (isCutOff ? lines.slice(0, -1) : lines).filter((line) => line !== "");
    assert.deepEqual(await linesIn(bytes, sizes), expected);
  },
});

property("any bytes come out as the same text and lines however they are split", {
  share: 2_000,
  of: fc.tuple(fc.uint8Array({ maxLength: 200 }), cuts),
  async holds([bytes, sizes]) {
    assert.deepEqual(await linesIn(bytes, sizes), await linesIn(bytes, []));
    const split = await textOf(streamOf(bytes, sizes), NEVER);
    assert.equal(split, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  },
});

async function linesIn(bytes: Uint8Array, sizes: readonly number[]): Promise<string[]> {
  const all: string[] = [];
  for await (const lines of linesOf(streamOf(bytes, sizes), NEVER)) all.push(...lines);
  return all;
}

function streamOf(
  bytes: Uint8Array,
  sizes: readonly number[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length) parts.push(bytes.slice(at, at + size));
    at += size;
  }
  return ReadableStream.from(parts);
}

import assert from "node:assert/strict";
import fc from "fast-check";
import protobuf from "protobufjs/minimal.js";
import { type FieldDescriptor, FieldShape, protobufDecoder } from "../../core/api/http/protobuf.ts";
import { ApiError } from "../../core/client/api_error.ts";
import { hostileText } from "./json_values.ts";
import { property } from "./property.ts";

const decoder = await protobufDecoder();
const { kinds, messages } = decoder.descriptor;
const MAGIC = [0x6b, 0x38, 0x73, 0];
/** Messages within messages, as they are made up. */
const DEPTH_MAX = 6;

type Writer = protobuf.Writer;

/** Draws a number below a limit. */
type Draw = (limit: number) => number;

/** A message of a kind that has every sort of field, as the choices say: written by the descriptor, not by the reader. */
function writeMessage(writer: Writer, name: string, draw: Draw, depth = 0): void {
  for (const field of messages[name] ?? []) {
    if (depth < DEPTH_MAX && draw(depth === 0 ? 2 : 4) === 0) {
      writeField(writer, field, draw, depth);
    }
  }
}

function writeField(
  writer: Writer,
  [number, , type, shape]: FieldDescriptor,
  draw: Draw,
  depth: number,
): void {
  const times = shape === FieldShape.list || shape === FieldShape.map ? draw(3) : 1;
  for (let i = 0; i < times; i++) {
    if (shape !== FieldShape.map) writeValue(writer, number, type, draw, depth);
    else {
      writer.uint32(number << 3 | 2).fork();
      writer.uint32(10).string(["a", "b", "constructor", "__proto__"][draw(4)]!);
      writeValue(writer, 2, type, draw, depth);
      writer.ldelim();
    }
  }
}

function writeValue(writer: Writer, number: number, type: string, draw: Draw, depth: number): void {
  switch (type) {
    case "string":
      return void writer.uint32(number << 3 | 2).string(
        ["", "a", "100m", "\u00e9", "10.0.0.1"][draw(5)]!,
      );
    case "bytes":
      return void writer.uint32(number << 3 | 2).bytes(
        new TextEncoder().encode(["{}", "null", "x", ""][draw(4)]!),
      );
    case "bool":
    case "int32":
    case "int64":
    case "uint32":
      return void writer.uint32(number << 3).int64([0, 1, -1, 2 ** 31, 2 ** 53][draw(5)]!);
    case "double":
      return void writer.uint32(number << 3 | 1).double(draw(100) / 7);
    default:
      writer.uint32(number << 3 | 2).fork();
      writeMessage(writer, type, draw, depth + 1);
      writer.ldelim();
  }
}

function enveloped(key: string, choices: readonly number[]): Uint8Array {
  let at = 0;
  const draw: Draw = (limit) => (choices[at++ % choices.length] ?? 0) % limit;
  const slash = key.lastIndexOf("/");
  const writer = protobuf.Writer.create();
  writer.uint32(10).fork().uint32(10).string(key.slice(0, slash)).uint32(18).string(
    key.slice(slash + 1),
  ).ldelim();
  writer.uint32(18).fork();
  writeMessage(writer, kinds[key]!, draw);
  return new Uint8Array([...MAGIC, ...writer.ldelim().finish()]);
}

const message = fc.tuple(
  fc.constantFrom(...Object.keys(kinds)),
  fc.array(fc.nat({ max: 60 }), { minLength: 5, maxLength: 120 }),
).map(([key, choices]) => enveloped(key, choices));

property("a message of any kind is read, and says its kind", {
  share: 3_000,
  of: message,
  holds(bytes) {
    const object = readOrRefused(bytes);
    if (object === undefined) return;
    assert.equal(typeof object["kind"], "string");
    assert.ok(JSON.stringify(object).length < 400 * bytes.length);
  },
});

property("a message with bytes that are wrong, gone or too many is read or refused", {
  share: 5_000,
  of: fc.tuple(
    message,
    fc.array(fc.tuple(fc.nat({ max: 2_000 }), fc.nat({ max: 255 })), { maxLength: 4 }),
    fc.nat({ max: 3_000 }),
  ),
  holds([whole, changes, length]) {
    const bytes = whole.slice(0, Math.max(MAGIC.length, length));
    for (const [at, byte] of changes) {
      bytes[MAGIC.length + at % (bytes.length - MAGIC.length + 1)] = byte;
    }
    readOrRefused(bytes);
  },
});

property("any bytes are read or refused, also when one piece comes a thousand times", {
  share: 3_000,
  of: fc.tuple(
    fc.boolean(),
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      hostileText.map((text) => new TextEncoder().encode(text)),
    ),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000 })),
  ),
  holds([isMarked, piece, times]) {
    const bytes = new Uint8Array(MAGIC.length + piece.length * times);
    if (isMarked) bytes.set(MAGIC);
    for (let i = 0; i < times; i++) bytes.set(piece, MAGIC.length + i * piece.length);
    readOrRefused(bytes);
  },
});

function readOrRefused(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    assert.ok(error instanceof ApiError, error instanceof Error ? `${error.stack}` : String(error));
    assert.ok(error.code === 400 || error.code === 415, error.message);
    return undefined;
  } finally {
    assert.equal("polluted" in {}, false);
  }
}

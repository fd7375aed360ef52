import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyFraming, CHUNKED, UNTIL_CLOSE } from "./body_framing.ts";
import { ascii } from "./characters.ts";

Deno.test("a body ends where its framing says, and what follows is not its own", () => {
  const cases: [length: number, text: string, end: number][] = [
    [0, "next", 0],
    [4, "bodynext", 4],
    [CHUNKED, "0\r\n\r\nnext", 5],
    [CHUNKED, "4\r\nbody\r\n0\r\n\r\nnext", 14],
    [CHUNKED, "A;name=value\r\n0123456789\r\n00\r\nX-A: b\r\nX-C:\r\n\r\nnext", 46],
    [CHUNKED, "000a\r\n0123456789\r\n0\r\n\r\n", 23],
  ];
  for (const [length, text, end] of cases) {
    assert.deepEqual(fed(length, [text]), { end, isDone: true }, text);
    assert.deepEqual(fed(length, text.split("")), { end, isDone: true }, `${text}, byte by byte`);
  }
});

Deno.test("a body until close has no end", () => {
  assert.deepEqual(fed(UNTIL_CLOSE, ["any", "0\r\n\r\n"]), { end: 8, isDone: false });
});

const REFUSED = [
  "\r\n",
  ";x\r\n",
  " 4\r\nbody\r\n",
  "4 \r\nbody\r\n",
  "4\nbody\r\n",
  "4\rbody\r\n",
  "-4\r\nbody\r\n",
  "+4\r\nbody\r\n",
  "0x4\r\nbody\r\n",
  "g\r\n",
  "4\r\nbodyX\r\n",
  "4\r\nbody\n0\r\n",
  "4\r\nbody\r0\r\n",
  "00000000000000\r\n\r\n",
  "fffffffffffffffff\r\n",
  "100000000\r\n",
  `4;${"x".repeat(300)}\r\nbody\r\n`,
  "4;a\0b\r\nbody\r\n",
  "0\r\nnothing\r\n\r\n",
  "0\r\nX : y\r\n\r\n",
  "0\r\nX: y\n\r\n",
  "0\r\n folded\r\n\r\n",
  "0\r\n\rX",
  "0\r\nContent-Length: 5\r\n\r\n",
  "0\r\nA: b\r\nHOST: c\r\n\r\n",
  "0\r\nx-forwarded-for: 10.0.0.1\r\n\r\n",
  `0\r\n${"X: y\r\n".repeat(2000)}\r\n`,
];

for (const text of REFUSED) {
  Deno.test(`the chunks ${JSON.stringify(text.slice(0, 30))} are refused`, () => {
    assert.equal(fed(CHUNKED, [text]).end, -1);
    assert.equal(fed(CHUNKED, text.split("")).end, -1, "byte by byte");
  });
}

Deno.test("many long extensions are no more than each of them", () => {
  const chunk = `1;${"x".repeat(200)}\r\na\r\n`;
  assert.equal(fed(CHUNKED, [`${chunk.repeat(50)}0\r\n\r\n`]).isDone, true);
});

Deno.test("any bytes, however split, end at the same place or are refused alike", () => {
  const piece = fc.constantFrom(
    "0",
    "4",
    "a",
    ";",
    "\r\n",
    "\r",
    "\n",
    "body",
    "X: y",
    "0\r\n\r\n",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join("");
      const whole = fed(CHUNKED, [text]);
      const bytewise = fed(CHUNKED, text.split(""));
      assert.equal(bytewise.isDone, whole.isDone);
      assert.equal(bytewise.end, whole.end);
    }),
    { numRuns: 3000 },
  );
});

/** Where the body ends in the pieces together, or -1. */
function fed(length: number, pieces: readonly string[]): { end: number; isDone: boolean } {
  const body = new BodyFraming();
  body.start(length);
  let end = 0;
  for (const piece of pieces) {
    const next = body.feed(ascii(piece), 0, piece.length);
    if (next < 0) return { end: -1, isDone: false };
    end += next;
    if (body.isDone) break;
  }
  return { end, isDone: body.isDone };
}

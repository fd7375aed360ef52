import assert from "node:assert/strict";
import { queryBytes } from "../dns_fixture.ts";
import { faultAnswer } from "./answer_writer.ts";
import { RCODE, TYPE } from "./codes.ts";
import { readQuery } from "./query.ts";

function changed(message: Uint8Array, ...changes: [at: number, byte: number][]): Uint8Array {
  const copy = message.slice();
  for (const [at, byte] of changes) copy[at] = byte;
  return copy;
}

const plain = queryBytes("web.default", TYPE.A);
const edns = queryBytes("web.default", TYPE.A, { edns: 4096 });
const end = plain.length;

Deno.test("a question is read, with and without EDNS", () => {
  const query = { name: "web.default", type: TYPE.A, questionEnd: end };
  assert.deepEqual(readQuery(plain), { query: { ...query, udpBytesMax: 512, hasEdns: false } });
  assert.deepEqual(readQuery(edns), { query: { ...query, udpBytesMax: 1232, hasEdns: true } });
  const small = readQuery(queryBytes("web.default", TYPE.A, { edns: 100 }));
  assert.deepEqual(small, { query: { ...query, udpBytesMax: 512, hasEdns: true } });
});

for (
  const [what, message, code] of [
    ["another opcode", changed(plain, [2, 0x28]), RCODE.notImplemented],
    ["no question", changed(plain, [5, 0]), RCODE.formatError],
    ["two questions", changed(plain, [5, 2]), RCODE.formatError],
    ["65,280 questions", changed(plain, [4, 255], [5, 0]), RCODE.formatError],
    ["a name with a pointer", changed(plain, [12, 0xc0], [13, 12]), RCODE.formatError],
    ["a name that is cut off", plain.slice(0, 16), RCODE.formatError],
    ["a question without a class", plain.slice(0, -1), RCODE.formatError],
    ["the class CHAOS", changed(plain, [end - 1, 3]), RCODE.refused],
    ["a transfer of the zone", changed(plain, [end - 3, TYPE.AXFR]), RCODE.refused],
    ["another version of EDNS", changed(edns, [end + 6, 1]), RCODE.badVersion],
  ] as const
) {
  Deno.test(`an error is the answer to ${what}`, () => {
    const received = readQuery(message);
    assert.ok(received && "fault" in received);
    assert.equal(received.fault.code, code);
    const answer = faultAnswer(message, received.fault);
    assert.equal(answer[3]! & 15, code & 15);
    assert.ok(answer[2]! & 0x80);
    assert.deepEqual(answer.subarray(0, 2), message.subarray(0, 2));
    assert.ok(answer.length <= message.length + 11);
    if (code === RCODE.badVersion) assert.equal(answer[answer.length - 6], 1);
  });
}

Deno.test("answers, and what is too short, get no answer: no two servers can keep each other busy", () => {
  assert.equal(readQuery(changed(plain, [2, 0x81])), undefined);
  assert.equal(readQuery(plain.slice(0, 11)), undefined);
  assert.equal(readQuery(new Uint8Array()), undefined);
});

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { inTurns, runAtOnce, runInTurns, type Steps } from "./steps.ts";

function* counting(to: number, note: (at: number) => void): Steps<number> {
  for (let at = 1; at <= to; at++) {
    note(at);
    yield;
  }
  return to;
}

Deno.test("work in steps comes to the same, done at once or in turns", async () => {
  assert.equal(runAtOnce(counting(3, () => {})), 3);
  assert.equal(await runInTurns(counting(3, () => {})), 3);
});

Deno.test("others have their turn between two steps", async () => {
  const seen: string[] = [];
  const work = runInTurns(counting(3, (at) => seen.push(`step ${at}`)), 0);
  setTimeout(() => seen.push("somebody else"), 0);
  await work;
  assert.ok(seen.indexOf("somebody else") < seen.indexOf("step 3"), seen.join(", "));
});

Deno.test("small steps are done in one turn", async () => {
  const seen: string[] = [];
  setTimeout(() => seen.push("somebody else"), 0);
  await runInTurns(counting(3, (at) => seen.push(`step ${at}`)), Infinity);
  assert.deepEqual(seen, ["step 1", "step 2", "step 3"]);
});

Deno.test("an error in a step reaches whoever runs it", async () => {
  const failing = () => counting(1, () => assert.fail("no"));
  assert.throws(() => runAtOnce(failing()), /no/);
  await assert.rejects(runInTurns(failing()), /no/);
});

Deno.test("a long list is worked off in turns, in its order", async () => {
  const seen: string[] = [];
  setTimeout(() => seen.push("somebody else"), 0);
  const doubled = await inTurns([1, 2, 3], 2, (some) => {
    seen.push(some.join("+"));
    return Promise.resolve(some.map((one) => one * 2));
  });
  assert.deepEqual(doubled, [2, 4, 6]);
  assert.deepEqual(seen, ["1+2", "somebody else", "3"]);
});

Deno.test("sockets are served between two steps", async () => {
  const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  let served = false;
  const { port } = server.address() as AddressInfo;
  const client = (async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(5));
    served = true;
  })();
  const work = runInTurns(counting(1_000_000, () => {
    if (served) throw new Error("served");
  }));
  await assert.rejects(work, /served/);
  await client;
  await new Promise((resolve) => server.close(resolve));
});

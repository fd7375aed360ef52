import assert from "node:assert/strict";
import fc from "fast-check";
import { PacketSender, packetsIn } from "./packets.ts";

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncIterable<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i] ?? bytes.length;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

Deno.test("packets come as they were sent, however their bytes are cut", async () => {
  const packets = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 20 });
  const splits = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 });
  await fc.assert(fc.asyncProperty(packets, splits, async (packets, sizes) => {
    const written: number[] = [];
    const sender = new PacketSender((bytes) => Promise.resolve(void written.push(...bytes)));
    for (const packet of packets) sender.send(packet);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const got = await Array.fromAsync(packetsIn(pieces(Uint8Array.from(written), sizes)));
    assert.deepEqual(got, packets);
  }));
});

Deno.test("packets for which there is no room are lost, and what is lost makes room for nothing", async () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  let bytesOut = 0;
  const sender = new PacketSender(async (bytes) => {
    await opened;
    bytesOut += bytes.length;
  });
  const packet = new Uint8Array(1000);
  for (let i = 0; i < 1000; i++) sender.send(packet);
  assert.ok(sender.dropped > 700 && sender.dropped < 760, String(sender.dropped));
  open();
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(bytesOut, (1000 - sender.dropped) * 1002);
  const before = sender.dropped;
  sender.send(packet);
  assert.equal(sender.dropped, before);
});

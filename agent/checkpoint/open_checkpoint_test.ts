import assert from "node:assert/strict";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointFolder } from "./checkpoint_disk.ts";
import { openCheckpoint } from "./open_checkpoint.ts";

Deno.test("a checkpoint on a real disk: only its owner can read it, and a later process reads what was kept", async () => {
  const dataFolder = await Deno.makeTempDir();
  try {
    const first = await open(dataFolder);
    for (let n = 0; n < 3; n++) {
      first.put(["secrets", "default", "s"], { n });
      first.put(["configmaps", "default", "c"], { n });
      await first.flush();
    }
    await first.close();
    const again = await open(dataFolder);
    assert.deepEqual(again.get(["secrets", "default", "s"]), { n: 2 });
    assert.deepEqual(again.get(["configmaps", "default", "c"]), { n: 2 });
    const folder = `${dataFolder}/checkpoint`;
    for (const file of [`${folder}/secrets.keys`, `${folder}/files/1`]) {
      assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600, file);
    }
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
  } finally {
    await Deno.remove(dataFolder, { recursive: true });
  }
});

Deno.test("what was not finished is removed, and what was cut off is written over", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/2.new`, "half");
    const disk = await CheckpointFolder.open(folder);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    await disk.replace("1", bytes("whole"));
    await disk.append("1", bytes(" and more"), 5);
    await disk.append("1", bytes("!"), 5);
    assert.equal(await Deno.readTextFile(`${folder}/1`), "whole!");
    await disk.replace("1", bytes("new"));
    assert.deepEqual(await disk.read("1"), bytes("new"));
    assert.deepEqual(await disk.names(), ["1"]);
    await disk.remove("1");
    await disk.remove("1");
    assert.deepEqual(await disk.names(), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function open(dataFolder: string): Promise<Checkpoint> {
  const clock = new VirtualClock();
  const log = silentLog(clock);
  return openCheckpoint({ dataFolder, resources: [secrets], cluster: "home", clock, log });
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

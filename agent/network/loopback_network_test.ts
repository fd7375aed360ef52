import assert from "node:assert/strict";
import { LoopbackNetwork } from "./loopback_network.ts";

Deno.test("a pod keeps its loopback address across restarts, and a removed pod's is free", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const network = new LoopbackNetwork({ folder });
    await network.start();
    const first = await network.add("uid-1");
    assert.deepEqual(first, { podUid: "uid-1", ip: "127.42.0.2" });
    assert.deepEqual(await network.add("uid-1"), first);
    await network.add("uid-2");
    await network.remove("uid-1");
    await network.remove("uid-1");

    const restarted = new LoopbackNetwork({ folder });
    await restarted.start();
    assert.deepEqual(await restarted.list(), [{ podUid: "uid-2", ip: "127.42.0.3" }]);
    assert.equal((await restarted.add("uid-3")).ip, "127.42.0.4");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("addresses of a range that is no longer used are forgotten", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const network = new LoopbackNetwork({ folder, cidr: "127.43.0.0/24" });
    await network.start();
    await network.add("uid-1");
    const restarted = new LoopbackNetwork({ folder });
    await restarted.start();
    assert.deepEqual(await restarted.list(), []);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

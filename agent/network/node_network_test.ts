import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { createPodNetwork } from "./node_network.ts";

const log = silentLog(new SystemClock());
const ranges = { podCIDR: "10.215.7.0/28", serviceCIDR: "10.215.8.0/24", device: "cora-node" };

Deno.test("every machine gets a network, with namespaces where it can", async () => {
  const folder = await Deno.makeTempDir();
  const network = await createPodNetwork({ kind: "auto", folder, log, ...ranges });
  try {
    const { ip, namespacePath } = await network.pods.add("uid-1");
    assert.equal(namespacePath !== undefined, network.pods.kind === "namespace");
    const prefix = network.pods.kind === "namespace" ? "10.215.7." : "127.42.0.";
    assert.ok(ip.startsWith(prefix), ip);
  } finally {
    await network.destroy();
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
  const routes = await Deno.readTextFile("/proc/net/fib_trie");
  assert.ok(!routes.includes("10.215."), "a route stays");
});

Deno.test("loopback addresses can be asked for", async () => {
  const folder = await Deno.makeTempDir();
  const loopbackCIDR = "127.43.0.0/24";
  const network = await createPodNetwork({
    ...{ kind: "loopback", folder: `${folder}/addresses`, log, loopbackCIDR },
    ...ranges,
  });
  try {
    assert.equal((await network.pods.add("uid-1")).ip, "127.43.0.2");
    assert.equal(network.servicesAreLocal, false);
  } finally {
    await network.destroy();
    await Deno.remove(folder, { recursive: true });
  }
});

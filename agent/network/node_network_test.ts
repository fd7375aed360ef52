import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { hint, isPossible } from "./netns_fixture.ts";
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

Deno.test({
  name: `pods that have namespaces are not cut off by a start that goes wrong${hint}`,
  ignore: !isPossible,
  async fn() {
    const folder = await Deno.makeTempDir();
    const device = "cora-auto";
    const left = `/run/netns/${device}-0ad70902-uid-1`;
    const options = { kind: "auto", folder, log, device, podCIDR: "10.215.9.0/31" } as const; // too small
    await Deno.mkdir("/run/netns", { recursive: true });
    await Deno.writeFile(left, new Uint8Array());
    try {
      await assert.rejects(createPodNetwork(options), /10\.215\.9\.0\/31/);
    } finally {
      await Deno.remove(left);
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("loopback addresses can be asked for", async () => {
  const folder = await Deno.makeTempDir();
  const loopbackCIDR = "127.43.0.0/24";
  const network = await createPodNetwork({
    kind: "loopback",
    folder: `${folder}/addresses`,
    log,
    loopbackCIDR,
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

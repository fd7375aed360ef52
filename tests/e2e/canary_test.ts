import assert from "node:assert/strict";
import { makeLocalImage } from "../../agent/runtimes/podman/local_image.ts";
import { demoImage } from "../../cli/demo_image.ts";
import { sendTraffic } from "../../cli/traffic.ts";
import { eventually } from "../eventually.ts";
import { type PodmanCluster, testOnPodman } from "./podman_cluster.ts";
import { freePort } from "./web_app.ts";

const EXAMPLE = new URL("../../examples/canary.yaml", import.meta.url);
const port = freePort();
const url = `http://127.0.0.1:${port}/`;

testOnPodman({
  name: "the canary of the examples",
  subnet: 103,
  steps: [
    { name: "it comes up", run: bringUp },
    {
      name: "1,000 requests are split 900 to 100, exactly",
      run: async () => assert.deepEqual(await split(1_000), { stable: 900, canary: 100 }),
    },
    {
      name: "64 connections at once move the split by one at most",
      run: async () => {
        const { stable = 0, canary = 0 } = await split(2_000, 64);
        assert.equal(stable + canary, 2_000);
        assert.ok(Math.abs(canary - 200) <= 1, `${canary} of 2,000 went to the canary`);
      },
    },
    {
      name: "weights that are applied again take effect exactly",
      run: async (cluster) => {
        await weigh(cluster, 3, 1);
        await eventually("the new split", async () => (await split(40))["canary"] === 10);
        assert.deepEqual(await split(400), { stable: 300, canary: 100 });
      },
    },
    {
      name: "weight 0 gets none, and all go to the other",
      run: async (cluster) => {
        await weigh(cluster, 0, 1);
        await eventually("the new split", async () => (await split(4))["canary"] === 4);
        assert.deepEqual(await split(300, 16), { canary: 300 });
      },
    },
    {
      name: "a version without a pod answers 503 for its share, the other gets no more",
      run: async (cluster) => {
        await weigh(cluster, 9, 1);
        await cluster.kubectl("scale", "deployment/web-canary", "--replicas=0");
        await eventually(
          "the canary is gone",
          async () => (await cluster.pods("track=canary")).length === 0,
        );
        const { answers, failed } = await traffic(100, 1);
        assert.deepEqual([answers.get("stable"), failed], [90, 10]);
      },
    },
  ],
});

async function bringUp(cluster: PodmanCluster): Promise<void> {
  await makeLocalImage(cluster.podman, demoImage());
  const text = (await Deno.readTextFile(EXAMPLE)).replace("port: 8080\n---", `port: ${port}\n---`);
  const path = `${cluster.dataFolder}/canary.yaml`;
  await Deno.writeTextFile(path, text);
  await cluster.kubectl("apply", "-f", path);
  await cluster.kubectl(
    "wait",
    "deployment",
    "--all",
    "--for=condition=Available",
    "--timeout=120s",
  );
  await eventually("both versions answer", async () => {
    const counts = await split(10);
    return counts["stable"] === 9 && counts["canary"] === 1;
  });
}

async function weigh(cluster: PodmanCluster, stable: number, canary: number): Promise<void> {
  const path = `${cluster.dataFolder}/canary.yaml`;
  const text = (await Deno.readTextFile(path)).replace(
    /(name: web-stable\s+port: 80\s+weight: )\d+(\s+- name: web-canary\s+port: 80\s+weight: )\d+/,
    `$1${stable}$2${canary}`,
  );
  await Deno.writeTextFile(path, text);
  assert.match(await cluster.kubectl("apply", "-f", path), /httproute\S*\/web configured/);
}

/** How many answers came from each version; all must be good. */
async function split(requests: number, connections = 1): Promise<Record<string, number>> {
  const { answers, failed } = await traffic(requests, connections);
  assert.equal(failed, 0);
  return Object.fromEntries(answers);
}

function traffic(requests: number, connections: number) {
  return sendTraffic({ url, requests, connections, signal: AbortSignal.timeout(120_000) });
}

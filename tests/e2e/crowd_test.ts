import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { apiAnswers, measured, neighbour, tellTimes } from "./neighbour.ts";
import { isReady, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

/** Pods that crash and pods that stay; `CROWD=200 FULL=110` is what a node may have to bear. */
const CROWD = Number(Deno.env.get("CROWD") ?? 20);
/** With the neighbour. */
const FULL = Number(Deno.env.get("FULL") ?? 20);
const STARTED_MS_MAX = 280_000;

testOnPodman({
  name: "a crowd of pods leaves its neighbours and the API what is theirs",
  subnet: 191,
  args: ["--max-pods", "230"],
  steps: [
    { name: "beside pods that crash again and again", run: (c) => beside(c, "crash", CROWD) },
    { name: "beside as many pods as a node may have", run: (c) => beside(c, "stay", FULL - 1) },
  ],
});

const SCRIPTS = { crash: "exit 3", stay: "exec sleep 1000000" };

async function beside(
  cluster: PodmanCluster,
  kind: keyof typeof SCRIPTS,
  count: number,
): Promise<void> {
  const web = `web-beside-${kind}`;
  const url = await neighbour(cluster, web);
  const alone = await measured(url);
  const startMs = performance.now();
  const names = Array.from({ length: count }, (_, i) => `${kind}-${i}`);
  const labels = { crowd: kind };
  await cluster.apply(...names.map((name) => podOf(name, { script: SCRIPTS[kind], labels })));
  const coming = await measured(url);
  await apiAnswers(cluster);
  await eventually(
    "all have started",
    async () => {
      const all = await cluster.pods(`crowd=${kind}`);
      return all.length === count &&
        all.every((pod) =>
          kind === "stay"
            ? isReady(pod)
            : pod.status.containerStatuses !== undefined && mainStatus(pod).restartCount > 0
        );
    },
    STARTED_MS_MAX,
  );
  const startedMs = performance.now() - startMs;
  const there = await measured(url);
  await apiAnswers(cluster);
  assert.equal(mainStatus(await cluster.readyPod(web)).restartCount, 0);
  await cluster.delete("pod", web, ...names);
  tellTimes(`99th percentile while ${count} of "${kind}" come`, alone, coming);
  tellTimes(`beside them, ${Math.round(startedMs / 1_000)} s later`, alone, there);
}

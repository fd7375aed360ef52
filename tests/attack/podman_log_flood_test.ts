import assert from "node:assert/strict";
import { LOG_LIMITS } from "../../agent/runtimes/log_limits.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { IMAGE, PodmanCluster, podmanMissing } from "../e2e/podman_cluster.ts";
import { eventually, later } from "../eventually.ts";
import { VitalSignsMeter } from "./vital_signs.ts";

const FLOOD_SECONDS = 10;
const LOOK_EVERY_MS = 50;
const FOLLOWERS = 5;
const GROWTH_BYTES_MAX = 150e6;
const MESSAGE_BYTES_MAX = 2048;
/** By how much a file of conmon may exceed its limit: a block of the file system. */
const BLOCK_BYTES = 4096;
/** Not used by any other suite. */
const SUBNET = 93;
const PODS = "/api/v1/namespaces/default/pods";
/** Lines, and one line that never ends, both as fast as possible. */
const FLOODS: Record<string, string> = {
  lines: `timeout ${FLOOD_SECONDS} yes some line of no interest`,
  "one-line": `timeout ${FLOOD_SECONDS} sh -c 'tr "\\0" x </dev/zero'`,
};

const missing = podmanMissing();

Deno.test({
  name: `pods on Podman that flood their logs stay within their limit, and readers harm nobody${
    missing === undefined ? "" : ` (${missing})`
  }`,
  ignore: missing !== undefined,
  async fn() {
    const cluster = await PodmanCluster.start({ subnet: SUBNET });
    try {
      const meter = await VitalSignsMeter.start(cluster.server);
      await cluster.apply(pod());
      const running = await eventually("the pod runs", () => runningPod(cluster));
      const ended = new AbortController();
      const most = mostBytes(
        `${cluster.dataFolder}/pods/${running.metadata.uid}/logs`,
        ended.signal,
      );
      const readers = Array.from({ length: FOLLOWERS }, (_, i) => follow(cluster, i));
      const tails = askForTails(cluster, ended.signal);
      const { status } = await eventually("the flood has ended", () => failed(cluster));
      ended.abort();
      const read = await Promise.all(readers);
      const bytes = await most;
      const signs = await meter.stop();
      const all = `${JSON.stringify(signs)}, ${bytes} bytes on the disk at most, ` +
        `${await tails} tails, followers read ${read}`;
      if (Deno.env.has("ATTACK_REPORT")) Deno.stderr.writeSync(new TextEncoder().encode(all));
      // The floods use all processors: how long an admin waits depends on the machine, until pods have limits.
      assert.deepEqual(signs.failures, [], all);
      assert.ok(signs.growthBytes <= GROWTH_BYTES_MAX, all);
      const bound = LOG_LIMITS.filesMax * (LOG_LIMITS.bytesMax + BLOCK_BYTES);
      assert.ok(bytes <= bound * Object.keys(FLOODS).length, `${bytes} bytes on the disk`);
      for (const { state } of status.containerStatuses!) {
        assert.ok((state.terminated?.message ?? "").length <= MESSAGE_BYTES_MAX);
      }
    } finally {
      await cluster.end();
    }
  },
});

function pod(): object {
  const containers = Object.entries(FLOODS).map(([name, flood]) => ({
    name,
    image: IMAGE,
    terminationMessagePolicy: "FallbackToLogsOnError",
    command: ["sh", "-c", `${flood}; exit 1`],
  }));
  const spec = { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "flood" }, spec };
}

async function runningPod(cluster: PodmanCluster): Promise<Pod | undefined> {
  const pod = await cluster.get<Pod>(`${PODS}/flood`);
  return pod?.status.phase === "Running" ? pod : undefined;
}

async function failed(cluster: PodmanCluster): Promise<Pod | undefined> {
  const pod = await cluster.get<Pod>(`${PODS}/flood`);
  return pod?.status.phase === "Failed" ? pod : undefined;
}

/** The maximum size of a folder until the signal. */
async function mostBytes(folder: string, signal: AbortSignal): Promise<number> {
  let most = 0;
  for (; !signal.aborted; await later(LOOK_EVERY_MS)) {
    const { stdout } = await new Deno.Command("du", { args: ["-s", "-B1", folder] }).output();
    most = Math.max(most, parseInt(new TextDecoder().decode(stdout)) || 0);
  }
  return most;
}

/** Follows a container's log; returns how much was read. */
async function follow(cluster: PodmanCluster, index: number): Promise<number> {
  const names = Object.keys(FLOODS);
  const query = `container=${names[index % names.length]}&follow=true`;
  const { body } = await cluster.server.fetch(`${PODS}/flood/log?${query}`);
  let bytes = 0;
  for await (const chunk of body!) bytes += chunk.length;
  return bytes;
}

/** Requests the last lines again and again; returns how often. */
async function askForTails(cluster: PodmanCluster, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (; !signal.aborted; count++) {
    for (const name of Object.keys(FLOODS)) {
      const path = `${PODS}/flood/log?container=${name}&tailLines=10`;
      await (await cluster.server.fetch(path)).body?.cancel();
    }
    await later(LOOK_EVERY_MS);
  }
  return count;
}

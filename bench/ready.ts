import { NetnsNetwork } from "../agent/network/netns_network.ts";
import { openPlumbing } from "../agent/network/node_network.ts";
import { createBody } from "../agent/podman/container_create.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { deployment, pod, PodFeed, type SeenPod } from "./pods.ts";
import { IMAGE, makeImage, needsPodman, podmanOf, startServer } from "./server.ts";
import { median, ratios, spread } from "./statistics.ts";

const ROUNDS = 20;
const BARE = "create + start at Podman's API";

/** From a manifest to a pod that is Ready, beside the same container at Podman's own API. */
export const ready: Measurement = {
  name: "ready",
  title: "Apply until Ready, on Podman",
  ...needsPodman,
  async run(bench) {
    const server = await startServer(bench, "podman");
    await makeImage(server);
    const feed = await PodFeed.open(server);
    const connection = await ApiConnection.open(server);
    const bare = await openBare(bench, server);
    const apply = async (kind: "pod" | "deployment", round: number) => {
      const name = `${kind}-${round}`;
      const manifest = kind === "pod" ? pod(name) : deployment(name);
      const tookMs = await applied(connection, feed, { name, manifest });
      await removed(connection, feed, { name, kind });
      return tookMs;
    };
    const contestants = {
      [BARE]: (round: number) => bare(`bare-${round}`),
      "PUT /apply of a Pod → Ready": (round: number) => apply("pod", round),
      "PUT /apply of a Deployment → Ready": (round: number) => apply("deployment", round),
    };
    await bare("warm-up");
    await apply("deployment", -1);
    const rounds = bench.rounds(ROUNDS);
    const samples = await bench.interleave(rounds, contestants);
    feed.close();
    connection.close();
    return reportOf(samples, rounds);
  },
};

function reportOf(samples: Record<string, number[]>, rounds: number): Report {
  return {
    columns: ["", "ms", "× the bare container, by round"],
    rows: Object.entries(samples).map(([name, values]) => [
      name,
      spread(values),
      name === BARE
        ? "1"
        : `${spread(ratios(values, samples[BARE]!), 2)}; of medians ${
          (median(values) / median(samples[BARE]!)).toFixed(2)
        }`,
    ]),
    notes: [
      `Warm image, one replica, HTTP readiness probe; median of ${rounds} (range), interleaved.`,
      "Ready is taken from a watch at the API. To hold: 2 × (goal 1.5 ×).",
    ],
  };
}

async function applied(
  connection: ApiConnection,
  feed: PodFeed,
  { name, manifest }: { name: string; manifest: string },
): Promise<number> {
  const startMs = performance.now();
  const { status, body } = await connection.send("PUT", "/apply", manifest);
  if (status !== 200) throw new Error(`PUT /apply: ${status} ${new TextDecoder().decode(body)}`);
  await feed.until((pod) => isOf(pod, name) && pod.isReady);
  return performance.now() - startMs;
}

async function removed(
  connection: ApiConnection,
  feed: PodFeed,
  { name, kind }: { name: string; kind: "pod" | "deployment" },
): Promise<void> {
  const folder = kind === "pod" ? "/api/v1" : "/apis/apps/v1";
  await connection.send("DELETE", `${folder}/namespaces/default/${kind}s/${name}`);
  await feed.when((pods) => !pods.some((pod) => isOf(pod, name)) || undefined);
}

function isOf(pod: SeenPod, name: string): boolean {
  return pod.name === name || pod.name.startsWith(`${name}-`);
}

/** Creates and starts the same container as Coracle does, in a network namespace that is there already. */
async function openBare(
  bench: Bench,
  server: ServerProcess,
): Promise<(name: string) => Promise<number>> {
  const podman = podmanOf(server);
  const plumbing = openPlumbing();
  if (plumbing === undefined) throw new Error("Cannot make network namespaces here");
  const log = silentLog(new SystemClock());
  const network = new NetnsNetwork({
    ...{ podCIDR: "10.214.0.0/24", device: "cora-bench", plumbing, log },
  });
  await network.start();
  bench.defer(async () => {
    await network.destroy();
    network.close();
    podman.close();
  });
  const { namespacePath } = await network.add("bench");
  return async (name) => {
    const body = createBody({
      ...{ podUid: name, podName: name, podNamespace: "default", name: "web", restartCount: 0 },
      ...{ image: IMAGE, env: {}, mounts: [], hostname: name, podIP: "10.214.0.2" },
      ...{ logPath: `${server.dataFolder}/${name}.log`, limits: {}, requests: { cpuMillis: 1 } },
      ...{ network: { namespacePath: namespacePath! }, security: {}, tty: false, stdin: false },
    }, { owner: "bench", image: IMAGE });
    const startMs = performance.now();
    const { Id } = await podman.json<{ Id: string }>("POST", "/containers/create", { body });
    await podman.send("POST", `/containers/${Id}/start`);
    const tookMs = performance.now() - startMs;
    await podman.send("DELETE", `/containers/${Id}`, { query: { force: "true", timeout: "0" } });
    return tookMs;
  };
}

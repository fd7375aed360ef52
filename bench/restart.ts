import type { PodmanClient } from "../agent/runtimes/podman/podman_client.ts";
import { ApiConnection } from "./api_connection.ts";
import { BARE, openBare } from "./bare_container.ts";
import type { Measurement, Report } from "./harness.ts";
import { pod, PodFeed } from "./pods.ts";
import { IMAGE_PORT, makeImage, needsPodman, podmanOf, startServer } from "./server.ts";
import { quantile, ratios, spread } from "./statistics.ts";

const ROUNDS = 20;
const WAIT_MS_MAX = 10_000;

interface Times {
  /** Until the address of the pod answers again. */
  answersMs: number;
  /** Until the API shows the pod Ready again. */
  readyMs: number;
}

/** From `kill -9` of a container's process until it answers again: the first restart of a pod. */
export const restart: Measurement = {
  name: "restart",
  title: "Container killed until it answers again, on Podman",
  ...needsPodman,
  async run(bench) {
    const server = await startServer(bench, "podman");
    await makeImage(server);
    const podman = podmanOf(server);
    bench.defer(() => Promise.resolve(podman.close()));
    const feed = await PodFeed.open(server);
    const connection = await ApiConnection.open(server);
    const rounds = bench.rounds(ROUNDS);
    const bare = await openBare(bench, server);
    await oneRestart({ podman, feed, connection }, "warm-up");
    await bare("warm-up");
    const samples = await bench.interleave(rounds, {
      bare: async (round) => {
        const tookMs = await bare(`bare-${round}`);
        return { answersMs: tookMs, readyMs: tookMs };
      },
      restart: (round) => oneRestart({ podman, feed, connection }, `restart-${round}`),
    });
    feed.close();
    connection.close();
    return reportOf(samples["bare"]!, samples["restart"]!, rounds);
  },
};

function reportOf(bare: Times[], restart: Times[], rounds: number): Report {
  const base = bare.map(({ answersMs }) => answersMs);
  const row = (name: string, values: number[]) => [
    name,
    spread(values),
    quantile(values, 0.95).toFixed(0),
    values === base ? "1" : spread(ratios(values, base), 2),
  ];
  return {
    columns: ["", "ms", "p95", "× the bare container, by round"],
    rows: [
      row(BARE, base),
      row("killed → its address answers with 200", restart.map(({ answersMs }) => answersMs)),
      row("killed → the API shows it Ready", restart.map(({ readyMs }) => readyMs)),
    ],
    notes: [
      `Median of ${rounds} (range), each with a new pod; asked every millisecond. To hold: 150 ms.`,
    ],
  };
}

async function oneRestart(
  { podman, feed, connection }: {
    podman: PodmanClient;
    feed: PodFeed;
    connection: ApiConnection;
  },
  name: string,
): Promise<Times> {
  await connection.send("PUT", "/apply", pod(name));
  const { containerId, ip } = await feed.until((pod) => pod.name === name && pod.isReady);
  const path = `/containers/${containerId}/json`;
  const { State } = await podman.json<{ State: { Pid: number } }>("GET", path);
  const startMs = performance.now();
  Deno.kill(State.Pid, "SIGKILL");
  await untilDead(State.Pid);
  const answers = untilAnswering(ip!).then(() => performance.now() - startMs);
  await feed.until((pod) => pod.name === name && pod.isReady && pod.containerId !== containerId);
  const readyMs = performance.now() - startMs;
  const answersMs = await answers;
  await connection.send("DELETE", `/api/v1/namespaces/default/pods/${name}`);
  await feed.when((pods) => !pods.some((pod) => pod.name === name) || undefined);
  return { answersMs, readyMs };
}

/** A killed process may answer for some microseconds more; a dead one does not. */
async function untilDead(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(0);
}

function isAlive(pid: number): boolean {
  try {
    const state = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "")[0]!;
    return !"ZX".includes(state);
  } catch {
    return false; // gone
  }
}

async function untilAnswering(ip: string): Promise<void> {
  const request = new TextEncoder().encode("GET /passwd HTTP/1.0\r\n\r\n");
  const deadline = performance.now() + WAIT_MS_MAX;
  const answer = new Uint8Array(64);
  while (performance.now() < deadline) {
    try {
      using connection = await Deno.connect({ hostname: ip, port: IMAGE_PORT });
      await connection.write(request);
      const length = await connection.read(answer) ?? 0;
      if (new TextDecoder().decode(answer.subarray(0, length)).includes(" 200 ")) return;
    } catch {
      // it does not listen yet
    }
    await sleep(1);
  }
  throw new Error(`Nobody answers at ${ip} after ${WAIT_MS_MAX} ms`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import { ApiConnection } from "./api_connection.ts";
import { BARE, openBare } from "./bare_container.ts";
import type { Measurement, Report } from "./harness.ts";
import { deployment, pod, PodFeed, type SeenPod } from "./pods.ts";
import { makeImage, needsPodman, startServer } from "./server.ts";
import { median, ratios, spread } from "./statistics.ts";

const ROUNDS = 20;

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
    return reportOf(samples, [
      `Warm image, one replica, HTTP readiness probe; median of ${rounds} (range), interleaved.`,
      "Ready is taken from a watch at the API. To hold: 2 × (goal 1.5 ×).",
    ]);
  },
};

export function reportOf(
  samples: Record<string, number[]>,
  notes: readonly string[],
): Report {
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
    notes,
  };
}

export async function applied(
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

export async function removed(
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

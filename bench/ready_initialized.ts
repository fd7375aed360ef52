import { ApiConnection } from "./api_connection.ts";
import { BARE, openBarePod } from "./bare_container.ts";
import type { Measurement } from "./harness.ts";
import { PodFeed } from "./pods.ts";
import { applied, removed, reportOf } from "./ready.ts";
import { IMAGE, makeImage, needsPodman, startServer } from "./server.ts";

const ROUNDS = 20;
const MOUNTS = ["config", "fields", "work"];
const END = ["true"];
const STAY = ["sleep", "1000"];

/** The start of a pod with an init container, a sidecar and three volumes, beside the same containers at Podman's API. */
export const readyInitialized: Measurement = {
  name: "ready-initialized",
  title: "Apply until Ready, with an init container, a sidecar and three volumes, on Podman",
  ...needsPodman,
  async run(bench) {
    const server = await startServer(bench, "podman");
    await makeImage(server);
    const feed = await PodFeed.open(server);
    const connection = await ApiConnection.open(server);
    await connection.send("PUT", "/apply", CONFIG);
    const mounts = await Promise.all(MOUNTS.map(async (name) => {
      const hostPath = await Deno.makeTempDir();
      bench.defer(() => Deno.remove(hostPath, { recursive: true }));
      return { hostPath, containerPath: `/volumes/${name}`, readOnly: false };
    }));
    const bare = await openBarePod(bench, server, [
      { name: "init", command: END, mounts, waitsForEnd: true },
      { name: "side", command: STAY, mounts, waitsForEnd: false },
      { name: "web", mounts, waitsForEnd: false },
    ]);
    const apply = async (name: string) => {
      const tookMs = await applied(connection, feed, { name, manifest: manifestOf(name) });
      await removed(connection, feed, { name, kind: "pod" });
      return tookMs;
    };
    await bare("warm-up");
    await apply("warm-up");
    const rounds = bench.rounds(ROUNDS);
    const samples = await bench.interleave(rounds, {
      [BARE]: (round: number) => bare(`bare-${round}`),
      "PUT /apply of a Pod → Ready": (round: number) => apply(`pod-${round}`),
    });
    feed.close();
    connection.close();
    return reportOf(samples, [
      `Warm image, no probe; median of ${rounds} (range), interleaved. At Podman's API the end of the init container is ` +
      "waited for by its own call. To hold: 1.5 ×.",
    ]);
  },
};

const CONFIG = JSON.stringify({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "bench", namespace: "default" },
  data: { "a.conf": "a" },
});

function manifestOf(name: string): string {
  const volumeMounts = MOUNTS.map((each) => ({ name: each, mountPath: `/volumes/${each}` }));
  const container = { image: IMAGE, imagePullPolicy: "Never", volumeMounts };
  const fields = [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }];
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      initContainers: [
        { ...container, name: "init", command: END },
        { ...container, name: "side", command: STAY, restartPolicy: "Always" },
      ],
      containers: [{ ...container, name: "web" }],
      volumes: [
        { name: "config", configMap: { name: "bench" } },
        { name: "fields", downwardAPI: { items: fields } },
        { name: "work", emptyDir: {} },
      ],
    },
  });
}

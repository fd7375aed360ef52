import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { IMAGE, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "a pod on Podman stays in its cage",
  subnet: 119,
  stepsAtOnce: 3,
  steps: [
    { name: "a subPath that its pod swaps for a link shows nothing of the host", run: subPathRace },
    { name: "a hostPath to what is the agent's is refused, and says why", run: hostPaths },
  ],
});

/** Attack: two containers share a volume; one swaps a folder for a link while the others are started on it. */
async function subPathRace(cluster: PodmanCluster): Promise<void> {
  const secret = await Deno.makeTempDir({ prefix: "coracle-e2e-secret-" });
  await Deno.writeTextFile(`${secret}/flag`, "secret");
  const volume = { name: "v", mountPath: "/v" };
  const swapper = {
    ...{ name: "swapper", image: IMAGE, imagePullPolicy: "Never", volumeMounts: [volume] },
    command: ["sh", "-c", SWAP.replace("SECRET", secret)],
  };
  const victims = Array.from({ length: 16 }, (_, i) => ({
    ...{ name: `victim-${i}`, image: IMAGE, imagePullPolicy: "Never" },
    volumeMounts: [{ name: "v", mountPath: "/m", subPath: "x" }],
    command: ["sh", "-c", "cat /m/flag > /dev/termination-log 2>/dev/null; touch /m/by-pod"],
  }));
  await cluster.apply(podOf("race", {
    script: "",
    spec: {
      restartPolicy: "Never",
      containers: [swapper, ...victims],
      volumes: [{ name: "v", emptyDir: {} }],
    },
  }));
  const isDecided = (state: { terminated?: object; waiting?: { reason?: string } }) =>
    state.terminated || ![undefined, "ContainerCreating"].includes(state.waiting?.reason);
  const { status } = await cluster.podWhen(
    "race",
    ({ status: { containerStatuses } }) =>
      containerStatuses?.filter(({ state }) => isDecided(state)).length === victims.length,
  );
  const seen = status.containerStatuses!.map(({ state }) => state.terminated?.message ?? "");
  assert.deepEqual(seen.filter((text) => text !== ""), [], "a container has read the host's file");
  const names = (await Array.fromAsync(Deno.readDir(secret))).map(({ name }) => name);
  assert.deepEqual(names, ["flag"], "a container has written to the host's folder");
  await cluster.delete("pod", "race");
  await Deno.remove(secret, { recursive: true });
}

/** `/v/x` is in turn a folder and a link to the host, each for some milliseconds. */
const SWAP = `mkdir /v/x; ln -s SECRET /v/l
to() { mv -T $1 /v/x || { rmdir /v/x; mv -T $1 /v/x; }; busybox usleep 7000; mv -T /v/x $1; }
while :; do mv -T /v/x /v/k; to /v/l; to /v/k; mv -T /v/k /v/x; done 2>/dev/null`;

async function hostPaths(cluster: PodmanCluster): Promise<void> {
  const socket = cluster.podman.socketPath;
  const paths = ["/", cluster.dataFolder, `${cluster.dataFolder}/admin.token`, socket];
  await cluster.apply(...paths.map((path, i) =>
    podOf(`host-${i}`, {
      script: "ls /h",
      container: { volumeMounts: [{ name: "h", mountPath: "/h" }] },
      spec: { volumes: [{ name: "h", hostPath: { path } }] },
    })
  ));
  for (const [i, path] of paths.entries()) {
    const event = await eventually(
      `the refusal of ${path}`,
      async () =>
        (await cluster.events(`host-${i}`)).find(({ reason }) => reason === "FailedMount"),
    );
    assert.match(
      event.message ?? "",
      /volume "h" : hostPath refused: .* only this node's agent may/,
    );
    const [status] = (await cluster.pod(`host-${i}`))!.status.containerStatuses ?? [];
    assert.equal(status?.state.waiting?.reason, "ContainerCreating");
  }
  await cluster.delete("pod", ...paths.map((_, i) => `host-${i}`));
}

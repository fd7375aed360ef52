import assert from "node:assert/strict";
import { processesNaming } from "../../core/lib/linux/process_table.ts";
import { eventually } from "../eventually.ts";
import { isReady, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { SharedFolder, untilThere } from "./shared_folder.ts";

const NAMES = ["one", "two", "three"];

testOnPodman({
  name: "what happens to pods while the server or Podman is away",
  subnet: 107,
  steps: [
    { name: "the pods come up", run: bringUp },
    { name: "a container that ends while the server is away is started again", run: endsMeanwhile },
    { name: "a pod that is being deleted when the server is killed goes", run: deletionGoesOn },
    { name: "a pod that is starting when the server is killed comes up, once", run: startGoesOn },
    { name: "a Podman service that is killed is replaced; pods run on", run: podmanKilled },
    { name: "logs go on across restarts of the server", run: logsGoOn },
  ],
});

async function bringUp(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(...NAMES.map((name) => podOf(name, { script: "echo here; sleep 1000" })));
  for (const name of NAMES) await cluster.readyPod(name);
}

async function endsMeanwhile(cluster: PodmanCluster): Promise<void> {
  const [first, second] = [await cluster.readyPod("one"), await cluster.readyPod("two")];
  const pid = await cluster.pidOf(mainStatus(first).containerID!);
  await cluster.server.kill();
  Deno.kill(pid, "SIGKILL");
  cluster.server = await cluster.server.restart();
  const later = await cluster.podWhen(
    "one",
    (pod) => mainStatus(pod).restartCount === 1 && isReady(pod),
  );
  const { terminated } = mainStatus(later).lastState;
  assert.equal(terminated?.containerID, mainStatus(first).containerID);
  assert.equal(terminated?.exitCode, 137);
  assert.equal(later.status.podIP, first.status.podIP);
  const untouched = await cluster.readyPod("two");
  assert.equal(mainStatus(untouched).containerID, mainStatus(second).containerID);
  assert.equal(mainStatus(untouched).restartCount, 0);
}

async function deletionGoesOn(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("leaving", {
    script: "trap '' TERM; while true; do sleep 1000; done",
    spec: { terminationGracePeriodSeconds: 3 },
  }));
  const pod = await cluster.readyPod("leaving");
  const pid = await cluster.pidOf(mainStatus(pod).containerID!);
  await cluster.kubectl("delete", "pod", "leaving", "--wait=false");
  await eventually(
    "it is being stopped",
    async () => (await cluster.events("leaving")).some(({ reason }) => reason === "Killing"),
  );
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  await eventually("it is gone", async () => await cluster.pod("leaving") === undefined);
  await assert.rejects(Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
}

async function startGoesOn(cluster: PodmanCluster): Promise<void> {
  const names = [1, 2, 3, 4, 5, 6].map((i) => `starting-${i}`);
  await cluster.apply(...names.map((name) => podOf(name, { script: "sleep 1000" })));
  await eventually(
    "the first one runs",
    async () =>
      (await Promise.all(names.map((name) => cluster.pod(name)))).some((pod) =>
        pod && isReady(pod)
      ),
  );
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  for (const name of names) {
    assert.equal(mainStatus(await cluster.readyPod(name)).restartCount, 0, name);
  }
  const running = await runningOf(cluster);
  for (const name of names) assert.equal(running.filter((pod) => pod === name).length, 1, name);
  await cluster.delete("pod", ...names);
}

async function podmanKilled(cluster: PodmanCluster): Promise<void> {
  const before = await Promise.all(NAMES.map((name) => cluster.readyPod(name)));
  const folder = `${cluster.dataFolder}/podman/storage`;
  const service = (await processesNaming([folder])).find(({ words }) => words.includes("service"));
  Deno.kill(service!.pid, "SIGKILL");
  await cluster.apply(podOf("after", { script: "sleep 1000" }));
  await cluster.readyPod("after");
  for (const pod of before) {
    const now = await cluster.readyPod(pod.metadata.name);
    assert.equal(mainStatus(now).containerID, mainStatus(pod).containerID);
    assert.equal(mainStatus(now).restartCount, mainStatus(pod).restartCount);
  }
}

async function logsGoOn(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "talker");
  const { volumeMounts, volumes } = folder;
  const turns = ["one", "two", "three"].map((word) => `${untilThere(word)}; echo line ${word}`);
  await cluster.apply(podOf("talker", {
    script: `${turns.join("; ")}; touch /shared/done; sleep 1000`,
    container: { volumeMounts },
    spec: { volumes },
  }));
  const says = (text: string) =>
    eventually(`it says ${text}`, async () => await cluster.logs("talker") === text);
  await folder.write("one");
  await says("line one\n");
  assert.equal(await cluster.server.stop(), 0);
  await folder.write("two"); // it logs while no agent runs
  await folder.write("three");
  await folder.has("done");
  cluster.server = await cluster.server.restart();
  await says("line one\nline two\nline three\n");
}

/** The names of the pods of all running containers. */
async function runningOf(cluster: PodmanCluster): Promise<(string | undefined)[]> {
  const list = await cluster.podman.json<{ Labels: Record<string, string> }[]>(
    "GET",
    "/containers/json",
  );
  return list.map(({ Labels }) => Labels["io.kubernetes.pod.name"]);
}

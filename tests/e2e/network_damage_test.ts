import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { eventually } from "../eventually.ts";
import { runProgram } from "../kubectl.ts";
import { isReady, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

const SERVE = "mkdir /www; echo here > /www/index.html; exec httpd -f -p 8080 -h /www";
const PROBE = { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } };
/** The time for repairs that the documentation promises. */
const MENDED_MS_MAX = 2_000;

testOnPodman({
  name: "pods whose network is damaged by others",
  subnet: 109,
  steps: [
    { name: "the pod comes up", run: bringUp },
    { name: "a route or a device that is deleted comes back within two seconds", run: mended },
    { name: "what was deleted while the server was away comes back", run: mendedByRestart },
    { name: "a pod that cannot be prepared has one namespace, after a restart too", run: stuck },
    { name: "a namespace that was lost is replaced: the pod runs anew", run: replaced },
  ],
});

async function bringUp(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("web", { script: SERVE, container: PROBE }));
  await answers(await cluster.readyPod("web"));
}

async function mended(cluster: PodmanCluster): Promise<void> {
  const before = await cluster.readyPod("web");
  for (const damage of damages(before)) {
    await ip(...damage);
    const sinceMs = performance.now();
    await eventually(`the pod answers after "ip ${damage.join(" ")}"`, () => answers(before));
    assert.ok(performance.now() - sinceMs < MENDED_MS_MAX);
  }
  await isTheSame(cluster, before);
}

async function mendedByRestart(cluster: PodmanCluster): Promise<void> {
  const before = await cluster.readyPod("web");
  await cluster.server.kill();
  for (const damage of damages(before)) await ip(...damage);
  cluster.server = await cluster.server.restart();
  await eventually("the pod answers", () => answers(before));
  await isTheSame(cluster, before);
}

/** Case 23: its volume waits for a ConfigMap. */
async function stuck(cluster: PodmanCluster): Promise<void> {
  const container = { volumeMounts: [{ name: "v", mountPath: "/v" }] };
  const volumes = [{ name: "v", configMap: { name: "absent" } }];
  await cluster.apply(podOf("stuck", { script: "sleep 600", container, spec: { volumes } }));
  const before = await eventually("it has a namespace", async () => {
    const pod = await cluster.pod("stuck");
    const names = pod ? await namesOf(pod) : [];
    return names.length > 0 && { pod: pod!, names };
  });
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  await eventually("it is tried again", async () => (await cluster.events("stuck")).length > 0);
  assert.deepEqual(await namesOf(before.pod), before.names);
  assert.equal(before.names.length, 1);
  await cluster.delete("pod", "stuck");
}

async function replaced(cluster: PodmanCluster): Promise<void> {
  const before = await cluster.readyPod("web");
  const [name] = await namesOf(before);
  await cluster.server.kill();
  await runProgram("umount", ["-l", `/run/netns/${name}`]);
  await Deno.remove(`/run/netns/${name}`);
  cluster.server = await cluster.server.restart();
  const after = await cluster.podWhen(
    "web",
    (pod) => isReady(pod) && mainStatus(pod).restartCount === 1,
  );
  assert.notEqual(mainStatus(after).containerID, mainStatus(before).containerID);
  await eventually("the pod answers", () => answers(after));
  assert.equal((await namesOf(after)).length, 1);
  const reasons = (await cluster.events("web")).map(({ reason }) => reason);
  assert.equal(reasons.filter((reason) => reason === "SandboxChanged").length, 1);
}

/** Arguments of `ip` that disconnect a pod. */
function damages(pod: Pod): string[][] {
  return [["route", "del", pod.status.podIP!], ["link", "del", deviceOf(pod)]];
}

/** It still has its address, and its container still runs. */
async function isTheSame(cluster: PodmanCluster, before: Pod): Promise<void> {
  const after = await cluster.readyPod("web");
  const shown = (pod: Pod) => {
    const { containerID, restartCount } = mainStatus(pod);
    return [pod.status.podIP, containerID, restartCount];
  };
  assert.deepEqual(shown(after), shown(before));
  assert.equal((await namesOf(after)).length, 1);
}

async function answers({ status }: Pod): Promise<boolean> {
  const signal = AbortSignal.timeout(1_000);
  const answer = await fetch(`http://${status.podIP}:8080/`, { signal });
  return (await answer.text()) === "here\n";
}

/** Of its namespaces. */
async function namesOf({ metadata }: Pod): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir("/run/netns"));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(metadata.uid));
}

function deviceOf({ status }: Pod): string {
  const bytes = status.podIP!.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return `cv${bytes.join("")}`;
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await runProgram("ip", args);
  assert.equal(code, 0, stderr);
}

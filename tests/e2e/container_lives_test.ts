import assert from "node:assert/strict";
import type { ContainerStatus } from "../../core/resources/core/pods/pod_status.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { eventually } from "../eventually.ts";
import {
  IMAGE,
  isOver,
  isReady,
  mainStatus,
  type PodmanCluster,
  podOf,
  testOnPodman,
} from "./podman_cluster.ts";
import { SharedFolder, untilThere } from "./shared_folder.ts";

/** Ends at once when it is asked to, and writes down that it has. */
const heeds = (name: string) =>
  `trap 'echo ${name} >> /shared/ends; exit 0' TERM; echo ${name} >> /shared/starts; ` +
  "while :; do sleep 0.1; done";

testOnPodman({
  name: "containers on Podman: what comes before, beside and after the main ones",
  subnet: 165,
  steps: [
    { name: "init containers run in their order, each to its success", run: initOrder },
    { name: "an init container that fails for good fails the pod", run: initFails },
    { name: "sidecars start first, run beside, and end last", run: sidecars },
    { name: "a sidecar keeps no pod from completing", run: sidecarOfJob },
    { name: "a container's own restart policy and rules", run: restartRules },
    { name: "kubectl debug looks into a pod, and sees its processes", run: ephemeral },
    { name: "hooks after the start and before the end", run: hooks },
    { name: "a hook that fails after the start ends the container", run: hookFails },
    { name: "the signal that asks a container to end is of its choice", run: stopSignal },
    { name: "people work in a pod that is ending, until it has ended", run: ending },
    { name: "a working directory that the image lacks is made", run: workingDir },
    { name: "a program that is not there: StartError", run: startError },
  ],
});

async function initOrder(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "init-order");
  const init = (name: string, script: string) => scriptOf(name, folder, script);
  await cluster.apply(podOf("init-order", {
    script: "cat /work/*; exec sleep 1000",
    container: { volumeMounts: [{ name: "work", mountPath: "/work" }] },
    spec: {
      initContainers: [
        init("first", `${untilThere("go")}; echo one > /work/1`),
        init("second", "test -e /shared/again || { touch /shared/again; exit 1; }; cat /work/1"),
      ].map((each) => ({
        ...each,
        volumeMounts: [...each.volumeMounts, { name: "work", mountPath: "/work" }],
      })),
      volumes: [...folder.volumes, { name: "work", emptyDir: {} }],
    },
  }));
  const before = await cluster.podWhen("init-order", (pod) => initStatus(pod, 0).state.running);
  assert.equal(await columnOf(cluster, "init-order"), "Init:0/2");
  assert.deepEqual(
    before.status.containerStatuses?.map(({ state }) => state.waiting?.reason),
    ["PodInitializing"],
  );
  assert.equal(before.status.phase, "Pending");
  await folder.write("go");
  const ready = await cluster.readyPod("init-order");
  assert.deepEqual(ready.status.initContainerStatuses!.map(endOf), [
    ["first", 0, 0, true],
    ["second", 1, 0, true],
  ]);
  assert.equal(await cluster.logs("init-order"), "one\n");
  assert.equal(await cluster.logs("init-order", "-c", "second"), "one\n");
  const started = (await cluster.events("init-order")).filter(({ reason }) => reason === "Started");
  assert.deepEqual(
    new Set(started.map(({ involvedObject }) => involvedObject.fieldPath)),
    new Set([
      "spec.initContainers{first}",
      "spec.initContainers{second}",
      "spec.containers{main}",
    ]),
  );
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  await cluster.readyPod("init-order");
  const after = (await cluster.pod("init-order"))!;
  assert.deepEqual(after.status, ready.status, "a restart of the server runs nothing again");
}

async function initFails(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "init-fails");
  await cluster.apply(podOf("init-fails", {
    script: "touch /shared/main",
    container: { volumeMounts: folder.volumeMounts },
    spec: {
      restartPolicy: "Never",
      initContainers: [scriptOf("first", folder, "exit 3")],
      volumes: folder.volumes,
    },
  }));
  const pod = await cluster.podWhen("init-fails", isOver);
  assert.equal(pod.status.phase, "Failed");
  assert.equal(await columnOf(cluster, "init-fails"), "Init:Error");
  assert.equal(initStatus(pod, 0).state.terminated?.exitCode, 3);
  assert.equal(mainStatus(pod).state.waiting?.reason, "PodInitializing");
  assert.equal(await folder.read("main"), undefined);
}

async function sidecars(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "sidecars");
  const sidecar = (name: string, more: object = {}) => ({
    ...scriptOf(name, folder, heeds(name)),
    restartPolicy: "Always",
    ...more,
  });
  const startupProbe = {
    exec: { command: ["cat", "/shared/started"] },
    periodSeconds: 1,
    failureThreshold: 1_000,
  };
  await cluster.apply(podOf("sidecars", {
    script: heeds("main"),
    container: { volumeMounts: folder.volumeMounts },
    spec: {
      initContainers: [
        sidecar("side-a", { startupProbe }),
        sidecar("side-b"),
        scriptOf("init", folder, "echo init >> /shared/starts"),
      ],
      volumes: folder.volumes,
      terminationGracePeriodSeconds: 30,
    },
  }));
  await cluster.podWhen("sidecars", (pod) => initStatus(pod, 0).state.running);
  assert.equal(await folder.read("starts"), "side-a\n");
  await folder.write("started");
  const ready = await cluster.readyPod("sidecars");
  assert.equal(await folder.read("starts"), "side-a\nside-b\ninit\nmain\n");
  assert.equal(await columnOf(cluster, "sidecars", "READY"), "3/3");
  const pid = await cluster.pidOf(initStatus(ready, 1).containerID!);
  Deno.kill(pid, "SIGKILL");
  const restarted = await cluster.podWhen(
    "sidecars",
    (pod) => initStatus(pod, 1).restartCount === 1 && isReady(pod),
  );
  assert.equal(mainStatus(restarted).restartCount, 0);
  await cluster.delete("pod", "sidecars");
  assert.equal(await folder.read("ends"), "main\nside-b\nside-a\n");
}

async function sidecarOfJob(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "sidecar-of-job");
  await cluster.apply(podOf("sidecar-of-job", {
    script: `${untilThere("done")}; echo main >> /shared/ends`,
    container: { volumeMounts: folder.volumeMounts },
    spec: {
      restartPolicy: "Never",
      initContainers: [{ ...scriptOf("side", folder, heeds("side")), restartPolicy: "Always" }],
      volumes: folder.volumes,
    },
  }));
  await cluster.readyPod("sidecar-of-job");
  await folder.write("done");
  const pod = await cluster.podWhen("sidecar-of-job", isOver);
  assert.equal(pod.status.phase, "Succeeded");
  assert.equal(await folder.read("ends"), "main\nside\n");
  assert.equal(await columnOf(cluster, "sidecar-of-job"), "Completed");
}

async function restartRules(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "restart-rules");
  const rule = { action: "Restart", exitCodes: { operator: "In", values: [42] } };
  const { volumeMounts, volumes } = folder;
  await cluster.apply(podOf("restart-rules", {
    script: "echo run >> /shared/runs; test $(wc -l < /shared/runs) -gt 1 && exit 7; exit 42",
    container: { volumeMounts, restartPolicy: "Never", restartPolicyRules: [rule] },
    spec: { volumes },
  }));
  const pod = await cluster.podWhen("restart-rules", isOver);
  assert.deepEqual([pod.status.phase, mainStatus(pod).restartCount], ["Failed", 1]);
  assert.equal(mainStatus(pod).lastState.terminated?.exitCode, 42);
}

async function ephemeral(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("debugged", { script: "exec sleep 1234" }));
  await cluster.readyPod("debugged");
  const command = ["sh", "-c", "ps; exec sleep 1000"];
  await cluster.kubectl(
    ...["debug", "debugged", `--image=${IMAGE}`, "--image-pull-policy=Never", "-c", "look"],
    ...["--target=main", "--profile=general", "--", ...command],
  );
  const pod = await cluster.podWhen(
    "debugged",
    ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.running,
  );
  await eventually(
    "it sees the processes of the main container",
    async () => (await cluster.logs("debugged", "-c", "look")).includes("sleep 1234"),
  );
  assert.equal(isReady(pod), true);
  const id = pod.status.ephemeralContainerStatuses![0]!.containerID!;
  Deno.kill(await cluster.pidOf(id), "SIGKILL");
  const ended = await cluster.podWhen(
    "debugged",
    ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.terminated,
  );
  assert.equal(ended.status.ephemeralContainerStatuses![0]!.restartCount, 0);
  assert.equal(mainStatus(ended).restartCount, 0);
}

async function hooks(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "hooks");
  const said = (word: string) => ({
    exec: { command: ["sh", "-c", `echo ${word} >> /shared/words; sleep 1`] },
  });
  await cluster.apply(podOf("hooks", {
    script: "trap 'echo term >> /shared/words; exit 0' TERM; while :; do sleep 0.1; done",
    container: {
      lifecycle: { postStart: said("started"), preStop: said("stopping") },
      volumeMounts: folder.volumeMounts,
    },
    spec: { volumes: folder.volumes, terminationGracePeriodSeconds: 20 },
  }));
  await folder.has("words");
  assert.equal(isReady((await cluster.pod("hooks"))!), false, "the hook is going on");
  await cluster.readyPod("hooks");
  await cluster.delete("pod", "hooks");
  assert.equal(await folder.read("words"), "started\nstopping\nterm\n");
}

async function hookFails(cluster: PodmanCluster): Promise<void> {
  const postStart = { exec: { command: ["sh", "-c", "echo secret; exit 4"] } };
  await cluster.apply(podOf("hook-fails", {
    script: "exec sleep 1000",
    container: { lifecycle: { postStart } },
  }));
  const pod = await cluster.podWhen("hook-fails", (pod) => mainStatus(pod).restartCount > 0);
  const { state: { waiting }, lastState } = mainStatus(pod);
  assert.match(waiting?.reason ?? "", /^(PostStartHookError|CrashLoopBackOff)$/);
  assert.ok(lastState.terminated);
  const events = await cluster.events("hook-fails");
  assert.ok(events.some(({ message }) => message === "PostStartHook failed"));
  assert.ok(!events.some(({ message }) => message?.includes("secret")));
}

async function stopSignal(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "stop-signal");
  const { volumeMounts, volumes } = folder;
  const signals = ["SIGUSR2", "SIGRTMIN+3"];
  const pods = signals.map((stopSignal, i) =>
    podOf(`stop-signal-${i}`, {
      script: `trap 'echo ${i} >> /shared/ends; exit 0' ${
        stopSignal === "SIGUSR2" ? "USR2" : 37
      }; touch /shared/ready-${i}; while :; do sleep 0.1; done`,
      container: { lifecycle: { stopSignal }, volumeMounts },
      spec: { volumes, os: { name: "linux" }, terminationGracePeriodSeconds: 20 },
    })
  );
  await cluster.apply(...pods);
  for (const i of signals.keys()) {
    await folder.has(`ready-${i}`);
    await cluster.readyPod(`stop-signal-${i}`);
    await cluster.delete("pod", `stop-signal-${i}`);
  }
  assert.equal(await folder.read("ends"), "0\n1\n");
}

async function ending(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "ending");
  const { volumeMounts, volumes } = folder;
  const script = "trap 'touch /shared/told' TERM; touch /shared/ready; " +
    "until [ -e /shared/end ]; do sleep 0.1; done";
  await cluster.apply(podOf("ending", {
    script,
    container: { volumeMounts },
    spec: { volumes, terminationGracePeriodSeconds: 60 },
  }));
  await cluster.readyPod("ending");
  await folder.has("ready");
  await cluster.kubectl("delete", "pod", "ending", "--wait=false");
  await folder.has("told");
  assert.equal(await cluster.kubectl("exec", "ending", "--", "echo", "here"), "here\n");
  await folder.write("end");
  await cluster.kubectl("wait", "--for=delete", "pod/ending", "--timeout=30s");
}

async function workingDir(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("working-dir", {
    script: "pwd",
    container: { workingDir: "/made/up" },
    spec: { restartPolicy: "Never" },
  }));
  const pod = await cluster.podWhen("working-dir", isOver);
  assert.equal(pod.status.phase, "Succeeded");
  assert.equal(await cluster.logs("working-dir"), "/made/up\n");
}

async function startError(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("start-error", {
    script: "",
    container: { command: ["nosuchprogram"] },
    spec: { restartPolicy: "Never" },
  }));
  const { status } = await cluster.podWhen("start-error", isOver);
  const { state, lastState } = status.containerStatuses![0]!;
  assert.deepEqual([state.terminated?.reason, state.terminated?.exitCode], ["StartError", 128]);
  assert.match(state.terminated?.message ?? "", /nosuchprogram.*not found/);
  assert.deepEqual(lastState, {});
  await cluster.server.kill();
  cluster.server = await cluster.server.restart();
  const later = await cluster.podWhen("start-error", isOver);
  assert.deepEqual(later.status.containerStatuses![0]!.state, state);
}

function scriptOf(name: string, { volumeMounts }: SharedFolder, script: string) {
  const command = ["sh", "-c", script];
  return { name, image: IMAGE, imagePullPolicy: "Never", command, volumeMounts: [...volumeMounts] };
}

function initStatus({ status }: Pod, index: number): ContainerStatus {
  return status.initContainerStatuses?.[index] ??
    { name: "", state: {}, lastState: {}, ready: false, restartCount: 0, image: "", imageID: "" };
}

function endOf({ name, restartCount, state, ready }: ContainerStatus) {
  return [name, restartCount, state.terminated?.exitCode, ready];
}

/** What `kubectl get pod` shows. */
async function columnOf(cluster: PodmanCluster, pod: string, name = "STATUS"): Promise<string> {
  const [head, row] = (await cluster.kubectl("get", "pod", pod)).trim().split("\n");
  const at = head!.split(/\s+/).indexOf(name);
  return row!.split(/\s+/)[at]!;
}

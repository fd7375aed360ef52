import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { eventually } from "../eventually.ts";
import { ENVIRONMENT_STEPS } from "./environment_steps.ts";
import { isOver, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { SharedFolder, untilThere } from "./shared_folder.ts";

/** Times in the API are in whole seconds. */
const SECOND_MS = 1_000;
/** Timers may fire this early. */
const TIMER_SLACK_MS = 50;

testOnPodman({
  name: "containers on Podman: what they are given, and how they end",
  subnet: 101,
  stepsAtOnce: 4,
  steps: [
    { name: "a container that crashes rests in CrashLoopBackOff; its logs stay", run: crashLoop },
    { name: "an image that is not there: ErrImagePull, then ImagePullBackOff", run: imagePull },
    ...ENVIRONMENT_STEPS,
    { name: "limits are the kernel's", run: limits },
    { name: "a container that wants more CPU than its limit is held back", run: throttled },
    { name: "user, read-only root, capabilities, host names", run: security },
    { name: "a missing ConfigMap is waited for", run: missingConfigMap },
    { name: "Never: Completed and Error with exit code and message", run: restartNever },
    { name: "OnFailure runs again until it ends well", run: restartOnFailure },
    { name: "more memory than its limit: OOMKilled", run: outOfMemory },
    { name: "SIGTERM ends a pod that heeds it, before its grace is over", run: heedsSigterm },
    { name: "SIGKILL ends a pod that does not, after its grace", run: ignoresSigterm },
    { name: "a pod over its deadline fails with DeadlineExceeded", run: deadline },
    { name: "a container killed by hand is back at once", run: killedByHand },
    { name: "logs -f follows to the end", run: followLogs },
    { name: "an image that must not be pulled: ErrImageNeverPull", run: imageNeverPull },
    { name: "a command that is not there says so", run: noSuchCommand },
    { name: "what is not acted on is warned of", run: warnings },
  ],
});

async function limits(cluster: PodmanCluster): Promise<void> {
  const script = "cd /sys/fs/cgroup; cat memory.max cpu.max cpu.weight 2>/dev/null || " +
    "cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpu/cpu.shares";
  const resources = { limits: { memory: "48Mi", cpu: "300m" }, requests: { cpu: "100m" } };
  await cluster.apply(
    podOf("limits", { script, container: { resources }, spec: { restartPolicy: "Never" } }),
  );
  const pod = await cluster.podWhen("limits", isOver);
  const [memory, ...cpu] = (await cluster.logs("limits")).trim().split(/\s+/);
  assert.equal(Number(memory), 48 * 1024 * 1024);
  assert.deepEqual(cpu.slice(0, 2), ["30000", "100000"]);
  assert.equal(pod.status.qosClass, "Burstable");
}

/** However little CPU the machine has to spare, a container never gets more than its limit plus one period's share. */
async function throttled(cluster: PodmanCluster): Promise<void> {
  const limitMillis = 200;
  await cluster.apply(podOf("throttled", {
    script: `cd /sys/fs/cgroup; [ -d cpu ] && cd cpu
      held() { grep nr_throttled cpu.stat | tr -dc 0-9; }
      used() { cat ../cpuacct/cpuacct.usage 2>/dev/null || grep usage_usec cpu.stat | sed 's/.* \\(.*\\)/\\1000/'; }
      now() { cat /proc/uptime | sed 's/ .*//'; }
      echo $(used) $(now)
      while [ $(held) -lt 20 ]; do i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; done
      echo $(used) $(now)`,
    container: { resources: { limits: { cpu: `${limitMillis}m` } } },
    spec: { restartPolicy: "Never" },
  }));
  await cluster.podWhen("throttled", isOver);
  const numbers = (await cluster.logs("throttled")).trim().split(/\s+/).map(Number);
  const [usedBeforeNs, startedS, usedNs, endedS] = numbers as [number, number, number, number];
  const [usedMs, tookMs] = [(usedNs - usedBeforeNs) / 1e6, (endedS - startedS) * 1_000];
  const periodMs = 100;
  const mostMs = (tookMs + 2 * periodMs) * limitMillis / 1_000;
  assert.ok(usedMs > 0 && usedMs <= mostMs * 1.1, `It used ${usedMs} ms of CPU in ${tookMs} ms`);
}

async function security(cluster: PodmanCluster): Promise<void> {
  const script = "id -u; id -g; touch /x 2>/dev/null || echo read-only; " +
    "grep CapEff /proc/self/status; hostname; grep friend /etc/hosts";
  await cluster.apply(podOf("security", {
    script,
    container: {
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
      },
    },
    spec: {
      restartPolicy: "Never",
      hostname: "captain",
      hostAliases: [{ ip: "10.9.9.9", hostnames: ["friend"] }],
      securityContext: { runAsUser: 1234, runAsGroup: 4321, runAsNonRoot: true },
    },
  }));
  await cluster.podWhen("security", isOver);
  assert.equal(
    await cluster.logs("security"),
    "1234\n4321\nread-only\nCapEff:\t0000000000000000\ncaptain\n10.9.9.9\tfriend\n",
  );
}

async function missingConfigMap(cluster: PodmanCluster): Promise<void> {
  const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "later", key: "a" } } }];
  await cluster.apply(podOf("patient", {
    script: "echo $A",
    container: { env },
    spec: { restartPolicy: "Never" },
  }));
  const reason = "CreateContainerConfigError";
  const pod = await cluster.podWhen("patient", (pod) => waitingReason(pod) === reason);
  assert.equal(mainStatus(pod).state.waiting?.message, 'configmap "later" not found');
  await cluster.kubectl("create", "configmap", "later", "--from-literal=a=there");
  await cluster.podWhen("patient", isOver);
  assert.equal(await cluster.logs("patient"), "there\n");
}

async function restartNever(cluster: PodmanCluster): Promise<void> {
  const spec = { restartPolicy: "Never" };
  await cluster.apply(
    podOf("well", { script: "echo done", spec }),
    podOf("badly", { script: "echo why > /dev/termination-log; exit 42", spec }),
  );
  const well = await cluster.podWhen("well", isOver);
  assert.equal(well.status.phase, "Succeeded");
  assert.equal(mainStatus(well).state.terminated?.reason, "Completed");
  const badly = await cluster.podWhen("badly", isOver);
  assert.equal(badly.status.phase, "Failed");
  const { exitCode, reason, message } = mainStatus(badly).state.terminated ?? {};
  assert.deepEqual({ exitCode, reason, message }, {
    exitCode: 42,
    reason: "Error",
    message: "why\n",
  });
  assert.match(await cluster.kubectl("get", "pod", "badly"), / Error +0 /);
  assert.match(await cluster.kubectl("get", "pod", "well"), / Completed +0 /);
}

async function restartOnFailure(cluster: PodmanCluster): Promise<void> {
  const volumeMounts = [{ name: "kept", mountPath: "/kept" }];
  await cluster.apply(podOf("second-try", {
    script: "test -f /kept/tried && exit 0; touch /kept/tried; exit 1",
    container: { volumeMounts },
    spec: { restartPolicy: "OnFailure", volumes: [{ name: "kept", emptyDir: {} }] },
  }));
  const pod = await cluster.podWhen("second-try", isOver);
  assert.equal(pod.status.phase, "Succeeded");
  assert.equal(mainStatus(pod).restartCount, 1);
  assert.equal(mainStatus(pod).lastState.terminated?.exitCode, 1);
}

async function outOfMemory(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("hungry", {
    script: "",
    container: {
      command: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M"],
      resources: { limits: { memory: "16Mi" } },
    },
    spec: { restartPolicy: "Never" },
  }));
  const pod = await cluster.podWhen("hungry", isOver);
  const { exitCode, reason } = mainStatus(pod).state.terminated ?? {};
  assert.deepEqual({ exitCode, reason }, { exitCode: 137, reason: "OOMKilled" });
  assert.match(await cluster.kubectl("get", "pod", "hungry"), / OOMKilled +0 /);
}

async function heedsSigterm(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "polite");
  const { volumeMounts, volumes } = folder;
  const graceSeconds = 600;
  await cluster.apply(podOf("polite", {
    script: `trap 'echo bye > /shared/said; exit 0' TERM; touch /shared/listens; sleep 1000 & wait`,
    container: { volumeMounts },
    spec: { terminationGracePeriodSeconds: graceSeconds, volumes },
  }));
  await folder.has("listens");
  const startedMs = performance.now();
  await cluster.delete("pod", "polite");
  assert.ok(performance.now() - startedMs < graceSeconds * 1_000, "It was given all of its grace");
  assert.equal(await folder.read("said"), "bye\n");
}

async function ignoresSigterm(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "stubborn");
  const { volumeMounts, volumes } = folder;
  const graceSeconds = 3;
  await cluster.apply(podOf("stubborn", {
    script: `trap 'echo no >> /shared/said' TERM; touch /shared/listens; ` +
      `while true; do sleep 1000 & wait; done`,
    container: { volumeMounts },
    spec: { terminationGracePeriodSeconds: graceSeconds, volumes },
  }));
  await folder.has("listens");
  const startedMs = performance.now();
  await cluster.delete("pod", "stubborn");
  const tookMs = performance.now() - startedMs;
  assert.equal(await folder.read("said"), "no\n", "SIGTERM comes first, once");
  assert.ok(tookMs >= graceSeconds * 1_000 - TIMER_SLACK_MS, `It was killed after ${tookMs} ms`);
}

async function deadline(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("late", { script: "sleep 1000", spec: { activeDeadlineSeconds: 1 } }));
  const { status } = await cluster.podWhen("late", isOver);
  assert.deepEqual([status.phase, status.reason], ["Failed", "DeadlineExceeded"]);
}

/** However busy the machine is, what is shown belongs to one back-off: the next ones are longer. */
async function crashLoop(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(counter("crash", "exit 3"));
  const restingFor = (rest: string) => (pod: Pod) =>
    waitingReason(pod) === "CrashLoopBackOff" &&
    mainStatus(pod).state.waiting?.message?.startsWith(`back-off ${rest} `);
  const pod = await cluster.podWhen("crash", restingFor("10s"));
  assert.match(
    mainStatus(pod).state.waiting!.message!,
    /^back-off 10s restarting failed container=main pod=crash_default\(.+\)$/,
  );
  assert.deepEqual([pod.status.phase, mainStatus(pod).restartCount], ["Running", 1]);
  assert.equal(mainStatus(pod).lastState.terminated?.exitCode, 3);
  const later = await cluster.podWhen("crash", restingFor("20s"));
  assert.equal(mainStatus(later).restartCount, 2);
  const [before, after] = [pod, later].map((each) => mainStatus(each).lastState.terminated!);
  const restedMs = Date.parse(after!.startedAt!) - Date.parse(before!.finishedAt!);
  assert.ok(restedMs >= 10_000 - SECOND_MS, `It rested ${restedMs} ms`);
  await eventually("kubectl shows it", async () => {
    const line = await cluster.kubectl("get", "pod", "crash");
    const run = Number(/0\/1 +CrashLoopBackOff +(\d+) /.exec(line)?.[1]) + 1;
    // During the back-off, the last run that has ended is the previous one.
    return await cluster.logs("crash") === `run ${run}\n` &&
      await cluster.logs("crash", "--previous") === `run ${run}\n`;
  });
  const reasons = new Set((await cluster.events("crash")).map(({ reason }) => reason));
  assert.ok(reasons.has("BackOff"), [...reasons].join());
}

async function killedByHand(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(counter("victim", "sleep 1000"));
  const id = mainStatus(await cluster.readyPod("victim")).containerID!.replace("podman://", "");
  await eventually("it speaks", async () => await cluster.logs("victim") === "run 1\n");
  Deno.kill(await cluster.pidOf(id), "SIGKILL");
  const pod = await cluster.podWhen(
    "victim",
    (pod) => mainStatus(pod).restartCount === 1 && mainStatus(pod).ready,
  );
  const { terminated } = mainStatus(pod).lastState;
  assert.deepEqual([terminated?.exitCode, terminated?.reason], [137, "Error"]);
  assert.equal(terminated?.containerID, `podman://${id}`);
  const reasons = (await cluster.events("victim")).map(({ reason }) => reason);
  assert.ok(!reasons.includes("BackOff"), "The first restart is without a rest");
  await eventually("it speaks again", async () => await cluster.logs("victim") === "run 2\n");
  assert.equal(await cluster.logs("victim", "--previous"), "run 1\n");
}

async function followLogs(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "talker");
  const { volumeMounts, volumes } = folder;
  await cluster.apply(podOf("talker", {
    script: `for i in 1 2 3 4 5; do echo line $i; done; ${untilThere("go")}; echo oops >&2`,
    container: { volumeMounts },
    spec: { restartPolicy: "Never", volumes },
  }));
  const lines = "line 1\nline 2\nline 3\nline 4\nline 5\n";
  await eventually("it speaks", async () => await cluster.logs("talker") === lines);
  const following = cluster.logs("talker", "-f");
  await folder.write("go");
  assert.equal(await following, `${lines}oops\n`);
  assert.equal(await cluster.logs("talker", "--tail=2"), "line 5\noops\n");
  assert.match(await cluster.logs("talker", "--timestamps", "--tail=1"), /^20\d\d-\S+Z oops\n$/);
}

async function imagePull(cluster: PodmanCluster): Promise<void> {
  const container = { image: "127.0.0.1:9/nothing:1", imagePullPolicy: "Always" };
  const version = await cluster.version();
  await cluster.apply(podOf("no-image", { script: "true", container }));
  const pod = await cluster.podWhen("no-image", (pod) => waitingReason(pod) === "ImagePullBackOff");
  assert.match(
    mainStatus(pod).state.waiting?.message ?? "",
    /^Back-off pulling image "127\.0\.0\.1:9\/nothing:1": ErrImagePull: /,
  );
  assert.equal(pod.status.phase, "Pending");
  await eventually("it was ErrImagePull at first", async () => {
    const states = await cluster.podSince("no-image", version);
    return states.some((each) => waitingReason(each) === "ErrImagePull");
  });
  await cluster.delete("pod", "no-image");
}

async function imageNeverPull(cluster: PodmanCluster): Promise<void> {
  const container = { image: "localhost/absent:1", imagePullPolicy: "Never" };
  await cluster.apply(podOf("never-pull", { script: "true", container }));
  await cluster.podWhen("never-pull", (pod) => waitingReason(pod) === "ErrImageNeverPull");
}

async function noSuchCommand(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("no-command", { script: "", container: { command: ["/no/such"] } }));
  const pod = await cluster.podWhen(
    "no-command",
    (pod) => /Error$|Off$/.test(waitingReason(pod) ?? ""),
  );
  assert.match(waitingReason(pod)!, /^(RunContainerError|CrashLoopBackOff)$/);
  await eventually("an event that names it", async () => {
    const events = await cluster.events("no-command");
    return events.some(({ reason, message }) => reason === "Failed" && /no\/such/.test(message!));
  });
}

async function warnings(cluster: PodmanCluster): Promise<void> {
  const spec = { volumes: [{ name: "v", csi: { driver: "disks.example.com" } }] };
  const warned = await cluster.apply(podOf("warned", { script: "sleep 1000", spec }));
  assert.match(warned, /spec\.volumes\[0\]\.csi: not implemented .* its events say FailedMount/);
  await eventually(
    "its events say so",
    async () => (await cluster.events("warned")).some(({ reason }) => reason === "FailedMount"),
  );
}

/** Prints which run it is, then runs the script. */
function counter(name: string, script: string): object {
  return podOf(name, {
    script: `echo >> /kept/runs; echo run $(wc -l < /kept/runs); ${script}`,
    container: { volumeMounts: [{ name: "kept", mountPath: "/kept" }] },
    spec: { volumes: [{ name: "kept", emptyDir: {} }] },
  });
}

function waitingReason(pod: Pod): string | undefined {
  return pod.status.containerStatuses?.[0]?.state.waiting?.reason;
}

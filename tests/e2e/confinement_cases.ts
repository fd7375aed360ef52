import assert from "node:assert/strict";
import { signal } from "../../core/lib/linux/process_identity.ts";
import { type FieldCase, isOver, isReady } from "../conformance/pod_fields/field_case.ts";
import { eventually } from "../eventually.ts";
import { IMAGE, mainStatus, type PodmanCluster, podOf } from "./podman_cluster.ts";

const NEVER = { restartPolicy: "Never" };

/** Fields of the PodSpec about what a container may do. The node allows the sysctls `kernel.msg*` and `net.core.somaxconn`. */
export const CONFINEMENT_CASES: readonly FieldCase<PodmanCluster>[] = [
  {
    name: "system calls are filtered by a profile of the node",
    fields: ["", "containers[]."].map((of) =>
      `${of}securityContext.seccompProfile.localhostProfile`
    ),
    run: seccompProfile,
  },
  {
    name: "a profile that the node lacks keeps a container from starting",
    fields: [],
    run: noProfile,
  },
  { name: "a node allows sysctls, and rejects pods with others", fields: [], run: sysctls },
  {
    name: "a pod for what the node lacks fails, and says why",
    fields: [
      "os.name",
      ...["", "containers[]."].map((of) => `${of}securityContext.appArmorProfile.localhostProfile`),
    ],
    run: rejections,
  },
  {
    name: "a container is below the cgroup of its pod, in its tier, and dies in its turn",
    fields: ["resources.requests", "resources.limits"],
    run: cgroups,
  },
  {
    name: "a running container is given more and less, and says when it cannot be",
    fields: [
      "containers[].resizePolicy[].resourceName",
      "containers[].resizePolicy[].restartPolicy",
    ],
    run: resizes,
  },
  {
    name: "a pod is given a device of the node, and nobody else is",
    fields: [],
    run: devices,
  },
  {
    name:
      "containers of a pod see each other's processes where it says so, and outlast their first",
    fields: ["shareProcessNamespace"],
    run: sharedProcesses,
  },
];

/** Filters nothing but chmod. */
const PROFILE = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO" }],
};

async function seccompProfile(cluster: PodmanCluster): Promise<void> {
  const folder = `${cluster.dataFolder}/seccomp/web`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/no-chmod.json`, JSON.stringify(PROFILE));
  const script = "chmod 700 /tmp 2>/dev/null && echo changed || echo refused";
  const seccompProfile = { type: "Localhost", localhostProfile: "web/no-chmod.json" };
  const warnings = await cluster.apply(
    podOf("profile-of-pod", { script, spec: { ...NEVER, securityContext: { seccompProfile } } }),
    podOf("profile-of-container", {
      script,
      container: { securityContext: { seccompProfile } },
      spec: { ...NEVER, securityContext: { seccompProfile: { type: "Unconfined" } } },
    }),
    podOf("profile-of-runtime", { script, spec: NEVER }),
  );
  assert.equal(warnings, "");
  for (const name of ["pod", "container", "runtime"]) {
    await cluster.podWhen(`profile-of-${name}`, isOver);
    const wanted = name === "runtime" ? "changed\n" : "refused\n";
    assert.equal(await cluster.logs(`profile-of-${name}`), wanted, name);
  }
}

async function noProfile(cluster: PodmanCluster): Promise<void> {
  const seccompProfile = { type: "Localhost", localhostProfile: "absent.json" };
  const spec = { ...NEVER, securityContext: { seccompProfile } };
  await cluster.apply(podOf("profile-absent", { script: "true", spec }));
  const pod = await cluster.podWhen(
    "profile-absent",
    (pod) => mainStatus(pod).state.waiting?.reason === "CreateContainerError",
  );
  assert.match(mainStatus(pod).state.waiting!.message!, /absent\.json.*no such file or directory/);
}

async function sysctls(cluster: PodmanCluster): Promise<void> {
  const script = "cat /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn";
  const pod = (name: string, ...sysctls: [string, string][]) =>
    podOf(name, {
      script,
      spec: {
        ...NEVER,
        securityContext: { sysctls: sysctls.map(([name, value]) => ({ name, value })) },
      },
    });
  await cluster.apply(
    pod("sysctl-allowed", ["kernel.msgmax", "10000"], ["net/core/somaxconn", "123"]),
    pod("sysctl-forbidden", ["kernel.msgmax", "10000"], ["kernel.shmmax", "65536"]),
  );
  await cluster.podWhen("sysctl-allowed", isOver);
  assert.equal(await cluster.logs("sysctl-allowed"), "10000\n123\n");
  const { status } = await cluster.podWhen("sysctl-forbidden", isOver);
  assert.deepEqual([status.phase, status.reason, status.message], [
    "Failed",
    "SysctlForbidden",
    'Pod was rejected: forbidden sysctl: "kernel.shmmax" not allowlisted',
  ]);
  const row = await cluster.kubectl("get", "pod", "sysctl-forbidden", "--no-headers");
  assert.match(row, /^sysctl-forbidden +0\/1 +SysctlForbidden/);
}

async function rejections(cluster: PodmanCluster): Promise<void> {
  const hasAppArmor = await Deno.readTextFile("/sys/module/apparmor/parameters/enabled")
    .then((text) => text.trim() === "Y", () => false);
  const wanted: Record<string, object> = {
    PodOSNotSupported: { os: { name: "windows" } },
    ...(!hasAppArmor &&
      {
        AppArmor: {
          securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "tight" } },
        },
      }),
  };
  for (const [reason, spec] of Object.entries(wanted)) {
    const name = `rejected-${reason.toLowerCase()}`;
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { ...NEVER, containers: [{ name: "main", image: IMAGE }], ...spec },
    });
    const { status } = await cluster.podWhen(name, isOver);
    assert.deepEqual([status.phase, status.reason], ["Failed", reason]);
    const events = (await cluster.events(name)).filter(({ type }) => type === "Warning");
    assert.deepEqual(events.map(({ reason }) => reason), [reason]);
    await cluster.delete("pod", name);
  }
}

/** Files of a cgroup, in both versions of the kernel's interface. */
const SHARES = ["cpu/PATH/cpu.shares", "PATH/cpu.weight"];
const QUOTA = ["cpu/PATH/cpu.cfs_quota_us", "PATH/cpu.max"];
const MEMORY = ["memory/PATH/memory.limit_in_bytes", "PATH/memory.max"];

async function cgroupFile(path: string, files: readonly string[]): Promise<string> {
  for (const file of files) {
    const text = await Deno.readTextFile(`/sys/fs/cgroup/${file.replace("PATH", path)}`)
      .catch(() => undefined);
    if (text !== undefined) return text.trim();
  }
  throw new Error(`None of ${files} of ${path}`);
}

async function cgroups(cluster: PodmanCluster): Promise<void> {
  const amounts = { cpu: "250m", memory: "64Mi" };
  const pod = (name: string, resources: object, spec: object = {}) =>
    podOf(name, { script: "sleep 600", container: { resources }, spec });
  const ofPod = { limits: { cpu: "500m", memory: "96Mi" } };
  await cluster.apply(
    pod("tier-besteffort", {}),
    pod("tier-burstable", { requests: amounts }),
    pod("tier-guaranteed", { limits: amounts }),
    pod("tier-whole", {}, { resources: ofPod }),
  );
  const facts = async (name: string) => {
    const { metadata: { uid }, status } = await cluster.readyPod(name);
    const pid = await cluster.pidOf(status.containerStatuses![0]!.containerID!);
    const lines = (await Deno.readTextFile(`/proc/${pid}/cgroup`)).trim().split("\n");
    const path = lines.find((line) => /:(pids|):/.test(line) && line.includes("libpod-"))!
      .split(":")[2]!;
    const parent = path.slice(1, path.lastIndexOf("/"));
    assert.ok(parent.endsWith(`/pod${uid}`), path);
    const score = Number(await Deno.readTextFile(`/proc/${pid}/oom_score_adj`));
    return { parent, score, qos: status.qosClass };
  };
  const [bestEffort, burstable, guaranteed, whole] = await Promise.all(
    ["besteffort", "burstable", "guaranteed", "whole"].map((each) => facts(`tier-${each}`)),
  );
  assert.match(bestEffort!.parent, /^cora[0-9a-f]+\/besteffort\/pod/);
  assert.match(burstable!.parent, /^cora[0-9a-f]+\/burstable\/pod/);
  assert.match(guaranteed!.parent, /^cora[0-9a-f]+\/pod/);
  assert.equal(bestEffort!.score, 1000);
  assert.ok(burstable!.score > 2 && burstable!.score < 1000, String(burstable!.score));
  assert.ok(guaranteed!.score <= 0, String(guaranteed!.score));
  assert.match(await cgroupFile(burstable!.parent, SHARES), /^(256|10)$/);
  assert.match(await cgroupFile(guaranteed!.parent, QUOTA), /^25000/);
  assert.equal(whole!.qos, "Guaranteed");
  assert.match(await cgroupFile(whole!.parent, QUOTA), /^50000/);
  assert.equal(await cgroupFile(whole!.parent, MEMORY), String(96 * 1024 * 1024));
  await cluster.delete("pod", "tier-besteffort", "tier-burstable", "tier-guaranteed", "tier-whole");
}

async function resizes(cluster: PodmanCluster): Promise<void> {
  const resources = {
    requests: { cpu: "100m", memory: "32Mi" },
    limits: { cpu: "200m", memory: "64Mi" },
  };
  const resizePolicy = [{ resourceName: "cpu", restartPolicy: "RestartContainer" }];
  await cluster.apply(
    podOf("resized", { script: "sleep 600", container: { resources } }),
    podOf("resized-anew", { script: "sleep 600", container: { resources, resizePolicy } }),
  );
  const resize = async (name: string, amounts: object) => {
    const patch = { spec: { containers: [{ name: "main", resources: amounts }] } };
    const args = ["--subresource", "resize", "--patch", JSON.stringify(patch)];
    await cluster.kubectl("patch", "pod", name, ...args);
  };
  const first = mainStatus(await cluster.readyPod("resized"));
  assert.deepEqual(first.resources, resources);
  await resize("resized", {
    requests: { cpu: "200m", memory: "48Mi" },
    limits: { cpu: "400m", memory: "96Mi" },
  });
  const larger = await cluster.podWhen(
    "resized",
    (pod) => mainStatus(pod).resources?.limits?.["memory"] === "96Mi",
  );
  const { containerID, restartCount } = mainStatus(larger);
  assert.deepEqual([containerID, restartCount], [first.containerID, 0]);
  const pid = await cluster.pidOf(containerID!);
  const path = (await Deno.readTextFile(`/proc/${pid}/cgroup`)).split("\n")
    .find((line) => line.includes("libpod-"))!.split(":")[2]!.slice(1);
  const parent = path.slice(0, path.lastIndexOf("/"));
  for (const folder of [path, parent]) {
    assert.match(await cgroupFile(folder, QUOTA), /^40000/, folder);
    assert.equal(await cgroupFile(folder, MEMORY), String(96 * 1024 * 1024), folder);
  }
  await resize("resized", resources);
  await cluster.podWhen(
    "resized",
    (pod) => mainStatus(pod).resources?.limits?.["memory"] === "64Mi",
  );
  for (const folder of [path, parent]) {
    assert.match(await cgroupFile(folder, QUOTA), /^20000/, folder);
    assert.equal(await cgroupFile(folder, MEMORY), String(64 * 1024 * 1024), folder);
  }
  await resize("resized", {
    ...resources,
    requests: { cpu: "100m", memory: "32Mi" },
    limits: { cpu: "9000", memory: "64Mi" },
  });
  await resize("resized", {
    requests: { cpu: "8000", memory: "32Mi" },
    limits: { cpu: "9000", memory: "64Mi" },
  });
  const refused = await cluster.podWhen(
    "resized",
    ({ status: { conditions } }) => conditions?.some(({ type }) => type === "PodResizePending"),
  );
  const condition = refused.status.conditions!.find(({ type }) => type === "PodResizePending")!;
  assert.equal(condition.reason, "Infeasible");
  assert.match(
    condition.message!,
    /^Node didn't have enough capacity: cpu, requested: 8000000, capacity: /,
  );
  await cluster.readyPod("resized-anew");
  await resize("resized-anew", { ...resources, limits: { cpu: "300m", memory: "64Mi" } });
  const anew = await cluster.podWhen("resized-anew", (pod) => mainStatus(pod).restartCount === 1);
  assert.equal(mainStatus(anew).resources?.limits?.["cpu"], "300m");
  await cluster.delete("pod", "resized", "resized-anew");
}

/** The node has one device `log`, `/dev/kmsg`, and `tun` for two. */
async function devices(cluster: PodmanCluster): Promise<void> {
  const resource = "coracle.dev/log";
  const requests = { limits: { [resource]: "1" } };
  const pod = (name: string, resources: object, spec: object = {}) =>
    podOf(name, {
      script: "ls -l /dev/kmsg /dev/net/tun 2>&1; sleep 600",
      container: { resources },
      spec,
    });
  const node = await cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
  const capacity = await cluster.kubectl(
    "get",
    "nodes",
    "-o",
    "jsonpath={.items[0].status.allocatable}",
  );
  assert.match(capacity, /"coracle\.dev\/log":"1","coracle\.dev\/tun":"2"/);
  await cluster.apply(pod("device-none", {}), pod("device-one", requests));
  await cluster.readyPod("device-one");
  await cluster.readyPod("device-none");
  assert.match(await cluster.logs("device-one"), /^crw.* \/dev\/kmsg$/m);
  assert.match(await cluster.logs("device-one"), /tun: No such file/);
  assert.match(await cluster.logs("device-none"), /kmsg: No such file/);
  await cluster.apply(
    pod("device-later", requests),
    pod("device-forced", requests, { nodeName: node }),
  );
  await cluster.podWhen(
    "device-later",
    ({ status: { conditions } }) =>
      conditions?.some(({ type, message }) =>
        type === "PodScheduled" && message?.includes("Insufficient coracle.dev/log")
      ),
  );
  const { status } = await cluster.podWhen("device-forced", isOver);
  assert.match(status.reason ?? "", /^(OutOfcoracle\.dev\/log|UnexpectedAdmissionError)$/);
  await cluster.delete("pod", "device-one");
  await cluster.readyPod("device-later");
  assert.match(await cluster.logs("device-later"), /^crw.* \/dev\/kmsg$/m);
  await cluster.delete("pod", "device-later", "device-forced", "device-none");
}

async function sharedProcesses(cluster: PodmanCluster): Promise<void> {
  const look = "sleep 1; cat /proc/1/comm; ps | grep -c 'sleep [4]567'; exec sleep 4568";
  const pod = (name: string, shareProcessNamespace: boolean) => {
    const sleeps = { image: IMAGE, imagePullPolicy: "Never", command: ["sleep", "4567"] };
    const looks = { ...sleeps, name: "looks", command: ["sh", "-c", look] };
    const containers = [{ ...sleeps, name: "main" }, looks];
    return podOf(name, { script: "", spec: { shareProcessNamespace, containers } });
  };
  const names = ["sharing", "not-sharing"];
  assert.equal(await cluster.apply(pod("sharing", true), pod("not-sharing", false)), "");
  const seen = async (name: string) => {
    return await eventually(`"${name}" has looked`, async () => {
      const text = (await cluster.logs(name, "-c", "looks")).trim();
      return text.includes("\n") && text;
    });
  };
  assert.deepEqual(await Promise.all(names.map(seen)), ["pause\n1", "sh\n0"]);
  const sharing = await cluster.podWhen("sharing", isReady);
  const path = `/containers/k8s_POD_${sharing.metadata.uid}/json`;
  const pid = async () =>
    (await cluster.podman.json<{ State: { Pid: number } }>("GET", path)).State.Pid;
  const first = await pid();
  assert.ok(signal(first, "SIGKILL"));
  const { status } = await cluster.podWhen(
    "sharing",
    (pod) => isReady(pod) && pod.status.containerStatuses?.every((each) => each.restartCount === 1),
  );
  const codes = status.containerStatuses!.map(({ lastState }) => lastState.terminated?.exitCode);
  assert.deepEqual(codes, [137, 137]);
  assert.notEqual(await pid(), first);
  await cluster.delete("pod", ...names);
  await assert.rejects(pid(), /no such container/);
}

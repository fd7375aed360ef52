import assert from "node:assert/strict";
import {
  type FieldCase,
  isOver,
  isReady,
  secret,
  under,
  waitingOf,
} from "../conformance/pod_fields/field_case.ts";
import { IMAGE, type PodmanCluster, podOf } from "./podman_cluster.ts";

/** Fields of the PodSpec about what plain processes do not have: images, limits, isolation, terminals. */
export const POD_FIELD_CASES: readonly FieldCase<PodmanCluster>[] = [
  {
    name: "an image is pulled always, when it is not there, or never",
    fields: ["containers[].imagePullPolicy"],
    run: pullPolicy,
  },
  {
    name: "limits are the kernel's",
    fields: ["containers[].resources.limits"],
    run: limits,
  },
  {
    name: "capabilities are added and dropped; privileged has them all",
    fields: under(
      "containers[].securityContext",
      ...["capabilities.add", "capabilities.drop", "privileged"],
    ),
    run: capabilities,
  },
  {
    name: "the container's own files cannot be written",
    fields: under("containers[].securityContext", "readOnlyRootFilesystem"),
    run: readOnlyRoot,
  },
  {
    name: "an image that would run as root is refused when it must not",
    fields: under("containers[].securityContext", "runAsNonRoot"),
    run: imageUser,
  },
  {
    name: "system calls are filtered, unless the pod says that they are not",
    fields: ["", "containers[]."].flatMap((of) =>
      under(`${of}securityContext`, "seccompProfile.type", "appArmorProfile.type")
    ),
    run: profiles,
  },
  {
    name: "the first process has further groups, and the kernel settings of the pod",
    fields: under(
      "securityContext",
      ...["supplementalGroups", "supplementalGroupsPolicy"],
      ...["sysctls[].name", "sysctls[].value"],
    ),
    run: groupsAndSettings,
  },
  {
    name: "the volumes of a pod are its group's",
    fields: under("securityContext", "fsGroup", "fsGroupChangePolicy"),
    run: volumesOfGroup,
  },
  {
    name: "a pod sees its own processes and shares its own memory, or the node's",
    fields: [
      ...["hostPID", "hostIPC", "hostUsers"],
      "containers[].securityContext.procMount",
    ],
    run: hostNamespaces,
  },
  {
    name: "a container is added to look into a pod, and sees the processes of another",
    fields: ["ephemeralContainers", "ephemeralContainers[].targetContainerName"],
    run: ephemeralContainer,
  },
  {
    name: "standard input stays open, and there is a terminal",
    fields: under("containers[]", "stdin", "tty"),
    run: terminal,
  },
  {
    name: "standard input may end with the first client that attaches",
    fields: ["containers[].stdinOnce"],
    run: oneClient,
  },
  {
    name: "the machine has the name that the pod gives it",
    fields: ["hostname", "hostnameOverride"],
    run: hostname,
  },
];

const NEVER = { restartPolicy: "Never" };

async function pullPolicy(cluster: PodmanCluster): Promise<void> {
  const present = (name: string, imagePullPolicy: string) =>
    podOf(name, { script: "true", container: { imagePullPolicy }, spec: NEVER });
  const absent = (name: string, imagePullPolicy: string) => {
    const container = { image: "127.0.0.1:9/absent:1", imagePullPolicy };
    return podOf(name, { script: "true", container, spec: NEVER });
  };
  await cluster.apply(
    ...[present("present-never", "Never"), present("present-missing", "IfNotPresent")],
    ...[absent("absent-never", "Never"), absent("absent-missing", "IfNotPresent")],
    present("present-always", "Always"), // localhost has no registry
  );
  for (const name of ["present-never", "present-missing"]) await cluster.podWhen(name, isOver);
  await cluster.podWhen("absent-never", (pod) => waitingOf(pod).reason === "ErrImageNeverPull");
  for (const name of ["absent-missing", "present-always"]) {
    await cluster.podWhen(name, (pod) => /^ErrImagePull|ImagePullBackOff$/.test(reasonOf(pod)));
  }
}

function reasonOf(pod: Parameters<typeof waitingOf>[0]): string {
  return waitingOf(pod).reason ?? "";
}

async function limits(cluster: PodmanCluster): Promise<void> {
  const script = "cd /sys/fs/cgroup; cat memory.max cpu.max 2>/dev/null || " +
    "cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us";
  const resources = { limits: { memory: "48Mi", cpu: "300m" } };
  await cluster.apply(podOf("field-limits", { script, container: { resources }, spec: NEVER }));
  await cluster.podWhen("field-limits", isOver);
  const numbers = (await cluster.logs("field-limits")).trim().split(/\s+/);
  assert.deepEqual(numbers, [String(48 * 1024 * 1024), "30000", "100000"]);
}

/** Bits of `CapEff`: https://man7.org/linux/man-pages/man7/capabilities.7.html */
const NET_ADMIN = 1n << 12n;
const CHOWN = 1n << 0n;
const SYS_MODULE = 1n << 16n;

async function capabilities(cluster: PodmanCluster): Promise<void> {
  const script = "grep CapEff /proc/self/status";
  const pod = (name: string, securityContext: object) =>
    podOf(name, { script, container: { securityContext }, spec: NEVER });
  await cluster.apply(
    pod("caps", {}),
    pod("caps-changed", { capabilities: { add: ["NET_ADMIN"], drop: ["CHOWN"] } }),
    pod("caps-privileged", { privileged: true }),
  );
  const effective = async (name: string) => {
    await cluster.podWhen(name, isOver);
    return BigInt(`0x${(await cluster.logs(name)).split(/\s+/)[1]}`);
  };
  const has = (all: bigint) => [NET_ADMIN, CHOWN, SYS_MODULE].map((each) => (all & each) !== 0n);
  assert.deepEqual(has(await effective("caps")), [false, true, false]);
  assert.deepEqual(has(await effective("caps-changed")), [true, false, false]);
  const own = (await Deno.readTextFile("/proc/self/status")).match(/CapEff:\s+(\w+)/)![1];
  assert.deepEqual(has(await effective("caps-privileged")), has(BigInt(`0x${own}`)));
}

async function profiles(cluster: PodmanCluster): Promise<void> {
  const script = "grep ^Seccomp: /proc/self/status";
  const pod = (name: string, whole: object, own: object) =>
    podOf(name, {
      script,
      container: { securityContext: own },
      spec: { ...NEVER, securityContext: whole },
    });
  const [none, filtered] = ["Unconfined", "RuntimeDefault"].map((type) => ({
    seccompProfile: { type },
  }));
  const noProfile = { appArmorProfile: { type: "Unconfined" } };
  await cluster.apply(
    pod("filter-unsaid", {}, {}),
    pod("filter-whole", filtered!, {}),
    pod("filter-none", { ...none!, ...noProfile }, {}),
    pod("filter-own", none!, { ...filtered!, ...noProfile }),
    pod("filter-none-own", filtered!, none!),
  );
  /** 2: a filter, 0: none. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
  const wanted = {
    "filter-unsaid": "2",
    "filter-whole": "2",
    "filter-none": "0",
    "filter-own": "2",
    "filter-none-own": "0",
  };
  for (const [name, mode] of Object.entries(wanted)) {
    await cluster.podWhen(name, isOver);
    assert.equal(await cluster.logs(name), `Seccomp:\t${mode}\n`, name);
  }
}

async function groupsAndSettings(cluster: PodmanCluster): Promise<void> {
  const script =
    "id -G; cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start kernel/shm_rmid_forced";
  const securityContext = {
    runAsUser: 1234,
    runAsGroup: 5,
    supplementalGroups: [77, 88],
    supplementalGroupsPolicy: "Merge",
    sysctls: [
      { name: "net.ipv4.ip_unprivileged_port_start", value: "81" },
      { name: "kernel.shm_rmid_forced", value: "1" },
    ],
  };
  await cluster.apply(podOf("groups", { script, spec: { ...NEVER, securityContext } }));
  await cluster.podWhen("groups", isOver);
  const [groups, ...settings] = (await cluster.logs("groups")).trim().split("\n");
  assert.deepEqual(groups!.split(" ").filter((id) => id !== "1234"), ["5", "77", "88"]);
  assert.deepEqual(settings, ["81", "1"]);
}

async function volumesOfGroup(cluster: PodmanCluster): Promise<void> {
  const script = "cd /v; id -G; stat -c '%a %g' disk memory; stat -L -c '%a %g' secret/key; " +
    "cat secret/key; touch disk/made memory/made; stat -c %g disk/made memory/made";
  const names = ["disk", "memory", "secret"];
  await cluster.apply(
    secret("of-group", { key: "readable\n" }),
    podOf("of-group", {
      script,
      container: { volumeMounts: names.map((name) => ({ name, mountPath: `/v/${name}` })) },
      spec: {
        ...NEVER,
        volumes: [
          { name: "disk", emptyDir: {} },
          { name: "memory", emptyDir: { medium: "Memory" } },
          { name: "secret", secret: { secretName: "of-group", defaultMode: 0o400 } },
        ],
        securityContext: {
          runAsUser: 1234,
          runAsGroup: 5,
          fsGroup: 5678,
          fsGroupChangePolicy: "OnRootMismatch",
        },
      },
    }),
  );
  await cluster.podWhen("of-group", isOver);
  const [groups, ...lines] = (await cluster.logs("of-group")).trim().split("\n");
  assert.ok(groups!.split(" ").includes("5678"), groups!);
  assert.deepEqual(lines, ["2777 5678", "2777 5678", "440 5678", "readable", "5678", "5678"]);
}

async function hostNamespaces(cluster: PodmanCluster): Promise<void> {
  const script = "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc";
  const own = { hostUsers: true };
  const container = { securityContext: { procMount: "Default" } };
  await cluster.apply(
    podOf("namespaces-own", { script, container, spec: { ...NEVER, ...own } }),
    podOf("namespaces-host", { script, spec: { ...NEVER, hostPID: true, hostIPC: true } }),
  );
  const kinds = ["pid", "ipc"] as const;
  const node = kinds.map((kind) => Deno.readLinkSync(`/proc/self/ns/${kind}`));
  for (const name of ["namespaces-own", "namespaces-host"]) {
    await cluster.podWhen(name, isOver);
    const seen = (await cluster.logs(name)).trim().split("\n");
    assert.deepEqual(seen.map((each, i) => each === node[i]), Array(2).fill(name.endsWith("host")));
  }
}

async function readOnlyRoot(cluster: PodmanCluster): Promise<void> {
  const script = "touch /x 2>/dev/null && echo written || echo read-only";
  const pod = (name: string, readOnlyRootFilesystem: boolean) =>
    podOf(name, {
      script,
      container: { securityContext: { readOnlyRootFilesystem } },
      spec: NEVER,
    });
  await cluster.apply(pod("root-read-only", true), pod("root-written", false));
  for (const [name, text] of [["root-read-only", "read-only\n"], ["root-written", "written\n"]]) {
    await cluster.podWhen(name!, isOver);
    assert.equal(await cluster.logs(name!), text);
  }
}

async function imageUser(cluster: PodmanCluster): Promise<void> {
  const container = { securityContext: { runAsNonRoot: true } };
  await cluster.apply(podOf("image-user", { script: "id -u", container, spec: NEVER }));
  const pod = await cluster.podWhen(
    "image-user",
    (pod) => waitingOf(pod).reason === "CreateContainerConfigError",
  );
  assert.match(waitingOf(pod).message ?? "", /runAsNonRoot and image will run as root/);
}

async function ephemeralContainer(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("looked-into", { script: "exec sleep 4321" }));
  await cluster.podWhen("looked-into", isReady);
  const added = {
    ...{ name: "look", image: IMAGE, imagePullPolicy: "Never", targetContainerName: "main" },
    command: ["sh", "-c", "ps"],
  };
  const patch = JSON.stringify({ spec: { ephemeralContainers: [added] } });
  await cluster.kubectl(
    ...["patch", "pod", "looked-into", "--subresource=ephemeralcontainers", "-p", patch],
  );
  await cluster.podWhen(
    "looked-into",
    ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.terminated,
  );
  assert.match(await cluster.logs("looked-into", "-c", "look"), /sleep 4321/);
}

async function terminal(cluster: PodmanCluster): Promise<void> {
  const tells = "test -t 1 && echo terminal || echo none";
  await cluster.apply(
    podOf("tty", { script: tells, container: { tty: true, stdin: true }, spec: NEVER }),
    podOf("no-tty", { script: tells, spec: NEVER }),
    podOf("no-stdin", { script: "cat", spec: NEVER }),
    podOf("stdin", { script: "cat", container: { stdin: true }, spec: NEVER }),
  );
  for (const [name, text] of [["tty", "terminal"], ["no-tty", "none"]]) {
    await cluster.podWhen(name!, isOver);
    assert.equal((await cluster.logs(name!)).trim(), text);
  }
  await cluster.podWhen("no-stdin", isOver);
  const { status } = await cluster.podWhen("stdin", isReady);
  assert.equal(status.phase, "Running");
}

async function oneClient(cluster: PodmanCluster): Promise<void> {
  const container = { stdin: true, stdinOnce: true };
  await cluster.apply(
    podOf("stdin-once", { script: "cat", container, spec: NEVER }),
    podOf("stdin-often", { script: "cat", container: { stdin: true }, spec: NEVER }),
  );
  for (const name of ["stdin-once", "stdin-often"]) {
    await cluster.podWhen(name, isReady);
    const attached = cluster.kubectlWith("hello\n", "attach", "-i", name);
    if (name === "stdin-once") await attached;
    else attached.catch(() => {}); // goes on until its pod is gone
  }
  await cluster.podWhen("stdin-once", isOver);
  assert.equal(await cluster.logs("stdin-once"), "hello\n");
  assert.equal((await cluster.podWhen("stdin-often", isReady)).status.phase, "Running");
}

async function hostname(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    podOf("named-by-spec", { script: "hostname", spec: { ...NEVER, hostname: "captain" } }),
    podOf("named-over-it", {
      script: "hostname",
      spec: { ...NEVER, hostname: "mate", hostnameOverride: "admiral" },
    }),
    podOf("named-by-itself", { script: "hostname", spec: NEVER }),
  );
  const wanted = {
    "named-by-spec": "captain\n",
    "named-over-it": "admiral\n",
    "named-by-itself": "named-by-itself\n",
  };
  for (const [name, text] of Object.entries(wanted)) {
    await cluster.podWhen(name, isOver);
    assert.equal(await cluster.logs(name), text);
  }
}

import assert from "node:assert/strict";
import {
  type FieldCase,
  isOver,
  isReady,
  under,
  waitingOf,
} from "../conformance/pod_fields/field_case.ts";
import { type PodmanCluster, podOf } from "./podman_cluster.ts";

/** The fields of the PodSpec that act on what plain processes do not have: images, limits, isolation, terminals. */
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
    name: "standard input stays open, and there is a terminal",
    fields: under("containers[]", "stdin", "tty"),
    run: terminal,
  },
  {
    name: "the machine has the name that the pod gives it",
    fields: ["hostname"],
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

async function hostname(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    podOf("named-by-spec", { script: "hostname", spec: { ...NEVER, hostname: "captain" } }),
    podOf("named-by-itself", { script: "hostname", spec: NEVER }),
  );
  const wanted = { "named-by-spec": "captain\n", "named-by-itself": "named-by-itself\n" };
  for (const [name, text] of Object.entries(wanted)) {
    await cluster.podWhen(name, isOver);
    assert.equal(await cluster.logs(name), text);
  }
}

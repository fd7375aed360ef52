import { CPU_PERIOD_US, cpuQuotaUsOf, cpuSharesOf } from "../../cgroups/pod_limits.ts";
import { STOP_SIGNALS } from "../../../core/resources/core/pods/spec/stop_signals.ts";
import { capabilitiesOf } from "../container_capabilities.ts";
import type { ContainerSpec, Mount } from "../container_runtime.ts";

/**
 * Capabilities that Podman gives to each container by default, or did in older versions, and we do not
 * (containers.conf(5)).
 */
const PODMAN_SURPLUS = ["AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SYS_CHROOT"];
const SHARED_MEMORY = "/dev/shm";
/** All may ping, since nobody has NET_RAW (icmp(7)): as containerd's `enable_unprivileged_icmp`. */
const SYSCTLS = { "net.ipv4.ping_group_range": "0 2147483647" };

/**
 * The labels of a container. Pod and container have the names that the kubelet gives them
 * (`k8s.io/kubelet/pkg/types/labels.go`); the owner distinguishes two agents at one Podman.
 */
export const LABEL = {
  owner: "coracle.dev/owner",
  image: "coracle.dev/image",
  restartCount: "coracle.dev/restart-count",
  devices: "coracle.dev/devices",
  podUid: "io.kubernetes.pod.uid",
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  name: "io.kubernetes.container.name",
} as const;

/** A name that a repeated create collides with. */
export function containerName(
  { podUid, name, restartCount }: Pick<ContainerSpec, "podUid" | "name" | "restartCount">,
): string {
  return `k8s_${name}_${podUid}_${restartCount}`;
}

/** What the containers of a pod join. */
export interface PodNamespaces {
  /** Of the first process of the pod. */
  pid: number;
  /** The folder of what they share as `/dev/shm`. */
  sharedMemory: string;
}

export interface CreateInput {
  owner: string;
  /** Full name of the image. */
  image: string;
  logBytesMax: number;
  /** First process of the container that {@linkcode ContainerSpec.processesOf} names. */
  processesOfPid?: number | undefined;
  /** What all containers of its pod join. */
  shared?: PodNamespaces | undefined;
}

/** The body of `POST /containers/create`. Unknown fields are ignored by Podman in silence: check the spelling. */
export function createBody(
  spec: ContainerSpec,
  { owner, image, logBytesMax, processesOfPid, shared }: CreateInput,
): Record<string, unknown> {
  const { network, hostname, podIP } = spec;
  return withoutAbsent({
    name: containerName(spec),
    image,
    // As in Kubernetes, an entrypoint of the pod drops the image's command.
    entrypoint: notEmpty(spec.command),
    command: notEmpty(spec.args),
    env: spec.env,
    work_dir: spec.workingDir,
    create_working_dir: spec.workingDir === undefined ? undefined : true, // as other runtimes do
    labels: labelsOf(spec, owner),
    mounts: [...spec.mounts, ...sharedMounts(spec, shared)].map(mountOf),
    image_volumes: spec.imageMounts?.map(({ image, containerPath }) => ({
      Source: image,
      Destination: containerPath,
      ReadWrite: false,
    })),
    resource_limits: limitsOf(spec),
    ...(network === "host"
      ? { netns: { nsmode: "host" } }
      : { netns: { nsmode: "path", value: network.namespacePath }, hostname }),
    ...(network === "host" ? {} : { hostadd: [`${hostname}:${podIP}`] }),
    sysctl: network === "host" ? spec.security.sysctls : { ...SYSCTLS, ...spec.security.sysctls },
    ...securityOf(spec.security),
    ...(shared && namespacesOf(spec, shared)),
    // By path: a namespace that is joined by the container's id would keep that container from being removed.
    ...(processesOfPid && { pidns: { nsmode: "path", value: `/proc/${processesOfPid}/ns/pid` } }),
    terminal: spec.tty,
    stdin: spec.stdin,
    stop_signal: spec.stopSignal === undefined ? undefined : STOP_SIGNALS.get(spec.stopSignal),
    restart_policy: "no",
    systemd: "false",
    // A log that would get longer is started again by conmon: an empty file is renamed over it.
    log_configuration: { driver: "k8s-file", path: spec.logPath, size: logBytesMax },
    cgroup_parent: spec.cgroupParent,
    oom_score_adj: spec.oomScoreAdj,
    devices: notEmpty(devicesOf(spec).map((path) => ({ path }))),
  });
}

function labelsOf(spec: ContainerSpec, owner: string): Record<string, string> {
  return {
    [LABEL.owner]: owner,
    [LABEL.image]: spec.image,
    [LABEL.restartCount]: String(spec.restartCount),
    [LABEL.podUid]: spec.podUid,
    [LABEL.podName]: spec.podName,
    [LABEL.podNamespace]: spec.podNamespace,
    [LABEL.name]: spec.name,
    ...(spec.devices && { [LABEL.devices]: spec.devices.map(({ id }) => id).join(",") }),
  };
}

/** The node's own IPC is not replaced. */
function namespacesOf({ security }: ContainerSpec, { pid }: PodNamespaces) {
  const join = (kind: string) => ({ nsmode: "path", value: `/proc/${pid}/ns/${kind}` });
  return { pidns: join("pid"), ...(!security.hostIpc && { ipcns: join("ipc") }) };
}

/** POSIX shared memory is files. A volume of the pod that is mounted in their place stays. */
function sharedMounts({ security, mounts }: ContainerSpec, shared?: PodNamespaces): Mount[] {
  const isOwn = mounts.some(({ containerPath }) => containerPath === SHARED_MEMORY);
  if (shared === undefined || security.hostIpc || isOwn) return [];
  return [{ hostPath: shared.sharedMemory, containerPath: SHARED_MEMORY, readOnly: false }];
}

function mountOf(
  { hostPath, containerPath, readOnly, propagation }: Mount,
): Record<string, unknown> {
  return {
    type: "bind",
    source: hostPath,
    destination: containerPath,
    options: ["rbind", readOnly ? "ro" : "rw", `r${propagation ?? "private"}`],
  };
}

/** Shares from the request, quota from the limit, as the kubelet does. The body of `POST /containers/ID/update` too. */
export function limitsOf(
  { limits, requests, pidsMax }: Pick<ContainerSpec, "limits" | "requests" | "pidsMax">,
): Record<string, unknown> {
  const { cpuMillis, memoryBytes } = limits;
  const shares = cpuSharesOf(requests.cpuMillis ?? cpuMillis ?? 0);
  const quota = cpuQuotaUsOf(cpuMillis);
  return {
    cpu: { shares, ...(quota !== undefined && { quota, period: CPU_PERIOD_US }) },
    ...(memoryBytes ? { memory: { limit: memoryBytes } } : {}),
    ...(pidsMax !== undefined && { pids: { limit: pidsMax } }),
  };
}

function securityOf(security: ContainerSpec["security"]): Record<string, unknown> {
  const { runAsUser, runAsGroup } = security;
  const user = runAsUser === undefined
    ? runAsGroup === undefined ? undefined : `:${runAsGroup}`
    : runAsGroup === undefined
    ? `${runAsUser}`
    : `${runAsUser}:${runAsGroup}`;
  return {
    user,
    privileged: security.privileged,
    read_only_filesystem: security.readOnlyRootFilesystem,
    no_new_privileges: security.allowPrivilegeEscalation === false ? true : undefined,
    ...(security.privileged ? {} : capabilityFields(security)),
    groups: notEmpty(security.supplementalGroups?.map(String)),
    // By itself Podman takes its default profile, which is Kubernetes' `RuntimeDefault`.
    seccomp_profile_path: seccompOf(security.seccomp),
    apparmor_profile: appArmorOf(security.appArmor),
    selinux_opts: seLinuxOf(security.seLinux),
    pidns: security.hostPid ? { nsmode: "host" } : undefined,
    ipcns: security.hostIpc ? { nsmode: "host" } : undefined,
  };
}

function seccompOf(profile: ContainerSpec["security"]["seccomp"]): string | undefined {
  if (typeof profile === "object") return profile.file;
  return profile === "Unconfined" ? "unconfined" : undefined;
}

/** Those of the node that it was given, and volumes that are devices; as Podman's flag `--device` has them. */
function devicesOf({ devices = [], volumeDevices = [] }: ContainerSpec): string[] {
  return [
    ...devices.map(({ device }) => device),
    ...volumeDevices.map(({ hostPath, containerPath, readOnly }) =>
      `${hostPath}:${containerPath}:${readOnly ? "r" : "rwm"}`
    ),
  ];
}

/** In the order of a label. */
function seLinuxOf(
  label: ContainerSpec["security"]["seLinux"] = {},
): readonly string[] | undefined {
  const parts = ["user", "role", "type", "level"] as const;
  return notEmpty(parts.flatMap((part) => label[part] ? [`${part}:${label[part]}`] : []));
}

/** By itself Podman takes its own profile, where the kernel has AppArmor. */
function appArmorOf(profile: ContainerSpec["security"]["appArmor"]): string | undefined {
  if (typeof profile === "object") return profile.profile;
  return profile === "Unconfined" ? "unconfined" : undefined;
}

/**
 * Podman gives what is added to users other than root too: its own defaults are cut down, ours are not added. What
 * the owner of a Podman that is not ours has added to its defaults stays.
 */
function capabilityFields(security: ContainerSpec["security"]): Record<string, unknown> {
  const { of: base, added, dropped } = capabilitiesOf(security);
  const surplus = PODMAN_SURPLUS.filter((name) => !added.includes(name));
  const add = base === "all" ? ["ALL"] : added.map(capability);
  const drop = base === "none"
    ? ["ALL"]
    : [...new Set([...(base === "default" ? surplus : []), ...dropped])].map(capability);
  return { cap_add: notEmpty(add), cap_drop: notEmpty(drop) };
}

/** Kubernetes leaves the `CAP_` out, Podman's API wants it. */
function capability(name: string): string {
  return `CAP_${name}`;
}

function notEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

function withoutAbsent(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([_, value]) => value !== undefined));
}

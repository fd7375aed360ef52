import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { milliValueOf, unitsOf } from "../../core/schema/quantities.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { nonRootError } from "../runtimes/image_user.ts";
import type { ContainerSpec, Mount } from "../runtimes/container_runtime.ts";
import { machineNameOf } from "../dns/host_names.ts";
import { normalSysctl } from "../runtimes/sysctls.ts";
import type { Device } from "../devices/node_devices.ts";
import { expand } from "../volumes/expansion.ts";

/** What a run of a container needs besides the pod; all of it is there already. */
export interface ContainerSpecInput {
  restartCount: number;
  /** The container's environment, from `environmentOf`. */
  env: Readonly<Record<string, string>>;
  mounts: readonly Mount[];
  logPath: string;
  podIP: string;
  /** Path of the pod's network namespace; `undefined`: it shares the node's. */
  namespacePath: string | undefined;
  cgroupParent: string | undefined;
  oomScoreAdj: number | undefined;
  devices: readonly Device[];
  /** Processes that the pod may have; -1: all; `undefined`: what the runtime gives. */
  pidsMax: number | undefined;
  nodeName: string;
  clusterDomain: string;
  /** Where the node's own seccomp profiles are. */
  seccompFolder: string;
  /** Id of the container whose processes an ephemeral container sees. */
  processesOf?: string | undefined;
}

/** All that a runtime needs to make one run of a container. Throws {@linkcode ConfigError}. Pure. */
export function containerSpecOf(
  pod: Pod,
  container: Container,
  input: ContainerSpecInput,
): ContainerSpec {
  const { metadata } = pod;
  const { env, namespacePath, cgroupParent } = input;
  const { image = "", command, args, workingDir } = container;
  if (image === "") throw new ConfigError(`container "${container.name}" has no image`);
  return {
    podUid: metadata.uid,
    podName: metadata.name,
    podNamespace: metadata.namespace,
    name: container.name,
    restartCount: input.restartCount,
    image,
    ...(command?.length && { command: command.map((word) => expand(word, env)) }),
    ...(args?.length && { args: args.map((word) => expand(word, env)) }),
    env,
    ...(workingDir && { workingDir }),
    mounts: input.mounts,
    hostname: machineNameOf(pod, input),
    logPath: input.logPath,
    network: namespacePath === undefined ? "host" : { namespacePath },
    podIP: input.podIP,
    ...(cgroupParent !== undefined && { cgroupParent }),
    ...amountsOf(pod, container),
    ...(input.devices.length > 0 && { devices: input.devices }),
    ...(input.pidsMax !== undefined && { pidsMax: input.pidsMax }),
    ...(input.oomScoreAdj !== undefined && { oomScoreAdj: input.oomScoreAdj }),
    security: securityOf(pod, container, input.seccompFolder),
    ...(container.lifecycle?.stopSignal && { stopSignal: container.lifecycle.stopSignal }),
    ...(input.processesOf !== undefined && { processesOf: input.processesOf }),
    ...(pod.spec.shareProcessNamespace && { sharesProcesses: true as const }),
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
  };
}

/** What is limited for the whole pod limits each container that has no limit of its own. */
export function amountsOf(
  { spec }: Pod,
  { resources }: Container,
): Pick<ContainerSpec, "limits" | "requests"> {
  const { requests } = resources;
  const limits = { ...spec.resources?.limits, ...resources.limits };
  const cpu = requests?.["cpu"] ?? limits?.["cpu"];
  return {
    limits: {
      ...(limits?.["cpu"] && { cpuMillis: milliValueOf(limits["cpu"]) }),
      ...(limits?.["memory"] && { memoryBytes: unitsOf(limits["memory"]) }),
    },
    requests: { ...(cpu && { cpuMillis: milliValueOf(cpu) }) },
  };
}

function securityOf(
  pod: Pod,
  container: Container,
  seccompFolder: string,
): ContainerSpec["security"] {
  return {
    ...userOf(pod, container),
    ...rightsOf(container),
    ...confinementOf(pod, container, seccompFolder),
  };
}

/** As whom it runs. */
function userOf(pod: Pod, container: Container): ContainerSpec["security"] {
  const own = container.securityContext ?? {};
  const whole = pod.spec.securityContext;
  const { supplementalGroups = [], fsGroup } = whole;
  const groups = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  const runAsUser = own.runAsUser ?? whole.runAsUser;
  const runAsGroup = own.runAsGroup ?? whole.runAsGroup;
  const seLinux = own.seLinuxOptions ?? whole.seLinuxOptions;
  const runAsNonRoot = own.runAsNonRoot ?? whole.runAsNonRoot ?? false;
  if (runAsNonRoot && runAsUser === 0) {
    const { uid: podUid, name: podName, namespace: podNamespace } = pod.metadata;
    const named = { podUid, podName, podNamespace, name: container.name };
    throw nonRootError("container's runAsUser breaks non-root policy", named);
  }
  return {
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    ...(runAsNonRoot && { runAsNonRoot }),
    ...(groups.length > 0 && { supplementalGroups: [...new Set(groups)] }),
    ...(seLinux && { seLinux }),
  };
}

/** What it may do. */
function rightsOf({ securityContext = {} }: Container): ContainerSpec["security"] {
  const { privileged, readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } =
    securityContext;
  return {
    ...(privileged !== undefined && { privileged }),
    ...(readOnlyRootFilesystem !== undefined && { readOnlyRootFilesystem }),
    ...(allowPrivilegeEscalation !== undefined && { allowPrivilegeEscalation }),
    ...(capabilities?.add?.length && { capabilitiesAdd: capabilities.add }),
    ...(capabilities?.drop?.length && { capabilitiesDrop: capabilities.drop }),
  };
}

/** How it is confined. */
function confinementOf(
  { spec }: Pod,
  container: Container,
  seccompFolder: string,
): ContainerSpec["security"] {
  const own = container.securityContext ?? {};
  const { seccompProfile, appArmorProfile, sysctls } = spec.securityContext;
  const seccomp = seccompOf(own.seccompProfile ?? seccompProfile, seccompFolder);
  const appArmor = appArmorOf(own.appArmorProfile ?? appArmorProfile);
  return {
    ...(seccomp && { seccomp }),
    ...(appArmor && { appArmor }),
    ...(sysctls?.length && {
      sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [normalSysctl(name), value])),
    }),
    ...(spec.hostPID && { hostPid: true }),
    ...(spec.hostIPC && { hostIpc: true }),
  };
}

type Profile = NonNullable<Pod["spec"]["securityContext"]["seccompProfile"]>;

/** A profile of the node is a file below its folder of profiles, and of no other one. */
function seccompOf(
  profile: Profile | undefined,
  folder: string,
): ContainerSpec["security"]["seccomp"] {
  if (profile?.type !== "Localhost") return profile?.type;
  const { localhostProfile: path = "" } = profile;
  if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
    throw new ConfigError(`seccomp profile "${path}" is not a path below the node's profiles`);
  }
  return { file: `${folder}/${path}` };
}

function appArmorOf(profile: Profile | undefined): ContainerSpec["security"]["appArmor"] {
  if (profile?.type !== "Localhost") return profile?.type;
  return { profile: profile.localhostProfile ?? "" };
}

import { capabilitiesOf, DEFAULT_CAPABILITIES } from "../container_capabilities.ts";
import type { ContainerSpec, Mount } from "../container_runtime.ts";
import { programPath } from "../../../core/lib/linux/program.ts";
import { RuntimeError } from "../container_runtime.ts";
import { LAST_SHELL, quoted } from "./environment_script.ts";
import { PLACED } from "./supervisor.ts";

/** What this machine lets the runtime do to a process, with the programs of util-linux that do it. */
export interface PlacementTools {
  setsid: string;
  /** Present when this process is root: namespaces may be entered and made, users changed. */
  privileged?: { nsenter: string; unshare: string; setpriv: string; mount: string };
}

/** What is installed here. Throws a {@linkcode RuntimeError} without util-linux. */
export function placementTools(): PlacementTools {
  const [setsid, nsenter, unshare, setpriv, mount] = [
    "setsid",
    "nsenter",
    "unshare",
    "setpriv",
    "mount",
  ].map((name) => programPath(name));
  if (setsid === undefined) {
    throw new RuntimeError(
      "RuntimeUnavailable",
      'Cannot run processes: "setsid" is not installed; install util-linux',
    );
  }
  if (Deno.uid() !== 0 || !nsenter || !unshare || !setpriv || !mount) return { setsid };
  return { setsid, privileged: { nsenter, unshare, setpriv, mount } };
}

/** The mounts that a pod always has and a process does without, when it has no mounts of its own. */
const OPTIONAL_MOUNTS = new Set([
  "/etc/hosts",
  "/etc/resolv.conf",
  "/etc/hostname",
  "/dev/termination-log",
  "/var/run/secrets/kubernetes.io/serviceaccount",
]);

/** The mounts that have to be made visible without a mount namespace. */
export function requiredMounts(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter(({ containerPath }) => !OPTIONAL_MOUNTS.has(containerPath));
}

/** The last step finds the container's environment here; what is before it does not, and must not, see it. */
const FROM_ENVIRONMENT = 'exec "$@" <&4 4<&-';

/**
 * The command line that puts a container's command into its place: network namespace, a mount namespace with
 * the mounts bound into it, working directory, user and capabilities, and last the environment, which it reads from
 * descriptor 4. Each step executes the next, so the process stays one. Who enters a container before it is in its
 * place would be outside of it: it says when it is there.
 */
export function placedCommand(
  { network, mounts, security }: Pick<ContainerSpec, "network" | "mounts" | "security">,
  command: readonly string[],
  workingDir: string,
  { privileged }: PlacementTools,
): readonly string[] {
  const unprivileged = withUser(security, command, privileged);
  const inFolder = ["/bin/sh", "-e", "-c"];
  if (privileged === undefined) {
    const script = `cd ${quoted(workingDir)}; ${PLACED}; ${FROM_ENVIRONMENT}`;
    return [...inFolder, script, "container", ...unprivileged];
  }
  const script = [
    ...mounts.flatMap((each) => mountCommands(each, privileged)),
    `cd ${quoted(workingDir)}`,
    PLACED,
    FROM_ENVIRONMENT,
  ];
  return [
    ...(network === "host" ? [] : [privileged.nsenter, `--net=${network.namespacePath}`]),
    ...(mounts.length === 0 ? [] : [privileged.unshare, "--mount", "--propagation", "private"]),
    ...inFolder,
    script.join("\n"),
    "container",
    ...unprivileged,
  ];
}

/** The command line that runs a command in the place of a running container; its environment comes the same way. */
export function joinedCommand(
  { network, mounts, security }: Pick<ContainerSpec, "network" | "mounts" | "security">,
  pid: number,
  command: readonly string[],
  workingDir: string,
  { privileged }: PlacementTools,
): readonly string[] {
  const script = `cd ${quoted(workingDir)}; ${FROM_ENVIRONMENT}`;
  const inFolder = ["/bin/sh", "-e", "-c", script, "exec"];
  const rest = [...inFolder, ...withUser(security, command, privileged)];
  const namespaces = [
    ...(network === "host" ? [] : ["--net"]),
    ...(mounts.length === 0 ? [] : ["--mount"]),
  ];
  if (privileged === undefined || namespaces.length === 0) return rest;
  return [privileged.nsenter, "--target", String(pid), ...namespaces, "--", ...rest];
}

function withUser(
  security: ContainerSpec["security"],
  command: readonly string[],
  privileged: PlacementTools["privileged"],
): readonly string[] {
  const { runAsUser, runAsGroup, supplementalGroups, allowPrivilegeEscalation } = security;
  const isOwnUser = runAsUser === undefined || runAsUser === Deno.uid();
  if (privileged === undefined) {
    if (isOwnUser) return [...LAST_SHELL, ...command];
    throw new RuntimeError(
      "CreateContainerError",
      `Cannot run as user ${runAsUser}: the process runtime is not root and keeps its own user ${Deno.uid()}`,
    );
  }
  const isOther = runAsUser !== undefined || runAsGroup !== undefined;
  const groups = supplementalGroups?.length
    ? [`--groups=${supplementalGroups.join(",")}`]
    : isOther
    ? ["--clear-groups"]
    : [];
  const options = [
    ...(runAsUser === undefined ? [] : [`--reuid=${runAsUser}`]),
    ...groups,
    ...(isOther ? [`--regid=${runAsGroup ?? 0}`] : []),
    ...(allowPrivilegeEscalation === false ? ["--no-new-privs"] : []),
    ...capabilityOptions(security),
  ];
  const last = [...LAST_SHELL, ...command];
  return options.length === 0 ? last : [privileged.setpriv, ...options, ...last];
}

/** What is not in the bounding set, root does not get either (capabilities(7)). */
function capabilityOptions(security: ContainerSpec["security"]): readonly string[] {
  const { of: base, added, dropped } = capabilitiesOf(security);
  if (base === "all" && dropped.length === 0) return [];
  const kept = base === "default" ? DEFAULT_CAPABILITIES : [];
  const words = base === "all"
    ? dropped.map((name) => `-${name}`)
    : ["-all", ...new Set([...kept, ...added].filter((name) => !dropped.includes(name)))]
      .map((name, i) => i === 0 ? name : `+${name}`);
  return [`--bounding-set=${words.join(",").toLowerCase()}`, "--inh-caps=-all"];
}

function mountCommands(
  { hostPath, containerPath, readOnly }: Mount,
  { mount }: NonNullable<PlacementTools["privileged"]>,
): readonly string[] {
  const target = quoted(containerPath);
  return [
    `${mount} --rbind ${quoted(hostPath)} ${target}`,
    ...(readOnly ? [`${mount} -o remount,bind,ro ${target}`] : []),
  ];
}

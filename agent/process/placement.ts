import type { ContainerSpec, Mount } from "../container_runtime.ts";
import { RuntimeError } from "../container_runtime.ts";
import { PLACED } from "./supervisor.ts";

/** What this machine lets the runtime do to a process, with the programs of util-linux that do it. */
export interface PlacementTools {
  setsid: string;
  /** Present when this process is root: namespaces may be entered and made, users changed. */
  privileged?: { nsenter: string; unshare: string; setpriv: string };
}

/** The mounts that a pod always has and a process does without, when it has no mounts of its own. */
const OPTIONAL_MOUNTS = new Set([
  "/etc/hosts",
  "/etc/resolv.conf",
  "/etc/hostname",
  "/dev/termination-log",
]);

/** The mounts that have to be made visible without a mount namespace. */
export function requiredMounts(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter(({ containerPath }) => !OPTIONAL_MOUNTS.has(containerPath));
}

/**
 * The command line that puts a container's command into its place: network namespace, a mount namespace with
 * the mounts bound into it, working directory, user. Each step executes the next, so the process stays one. Who
 * enters a container before it is in its place would be outside of it: it says when it is there.
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
    const script = `cd ${quoted(workingDir)}; ${PLACED}; exec "$@"`;
    return [...inFolder, script, "container", ...unprivileged];
  }
  const script = [
    ...mounts.flatMap(mountCommands),
    ...[`cd ${quoted(workingDir)}`, PLACED, `exec "$@"`],
  ];
  return [
    ...(network === "host" ? [] : [privileged.nsenter, `--net=${network.namespacePath}`]),
    ...(mounts.length === 0 ? [] : [privileged.unshare, "--mount", "--propagation", "private"]),
    ...[...inFolder, script.join("\n"), "container"],
    ...unprivileged,
  ];
}

/** The command line that runs a command in the place of a running container. */
export function joinedCommand(
  { network, mounts, security }: Pick<ContainerSpec, "network" | "mounts" | "security">,
  pid: number,
  command: readonly string[],
  workingDir: string,
  { privileged }: PlacementTools,
): readonly string[] {
  const inFolder = ["/bin/sh", "-e", "-c", `cd ${quoted(workingDir)}; exec "$@"`, "exec"];
  const rest = [...inFolder, ...withUser(security, command, privileged)];
  const namespaces = [
    ...(network === "host" ? [] : ["--net"]),
    ...(mounts.length === 0 ? [] : ["--mount"]),
  ];
  if (privileged === undefined || namespaces.length === 0) return rest;
  return [privileged.nsenter, "--target", String(pid), ...namespaces, "--", ...rest];
}

function withUser(
  { runAsUser, runAsGroup, supplementalGroups, allowPrivilegeEscalation }:
    ContainerSpec["security"],
  command: readonly string[],
  privileged: PlacementTools["privileged"],
): readonly string[] {
  const isOwnUser = runAsUser === undefined || runAsUser === Deno.uid();
  if (privileged === undefined) {
    if (isOwnUser) return command;
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
  ];
  return options.length === 0 ? command : [privileged.setpriv, ...options, ...command];
}

function mountCommands({ hostPath, containerPath, readOnly }: Mount): readonly string[] {
  const target = quoted(containerPath);
  return [
    `mount --rbind ${quoted(hostPath)} ${target}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${target}`] : []),
  ];
}

/** A word that a POSIX shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

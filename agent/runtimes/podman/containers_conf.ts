/** The containers.conf(5) of a Podman service of our own. */
export interface PodmanSettings {
  /** The most files and processes that this process may allow to others. */
  limits: ResourceLimits;
  /** `crun` or `runc`. */
  runtime: string;
  /** Path of the wrapper that repairs `OOMKilled`. */
  conmonPath: string;
  /** Folder for definitions of networks, kept apart from those of others. */
  networksFolder: string;
}

export interface ResourceLimits {
  openFilesMax: number;
  processesMax: number;
}

/** No program needs more, and some allocate in proportion to it. */
const OPEN_FILES_MAX = 1_048_576;

/**
 * The configuration of our service. Each line is there for a reason:
 * - `default_ulimits`: Podman asks for more than a process without CAP_SYS_RESOURCE may give, and each start
 *   fails with `error setting rlimit type 7: operation not permitted`.
 * - `base_hosts_file`: else the names in the node's /etc/hosts are seen in containers.
 * - `runtime`: crun refuses machines with both versions of cgroups.
 * - `exit_command_delay`: for 300 seconds, its default, each exec leaves two processes behind.
 * - `cgroup_manager`: containers are put below cgroups that the agent has made, which systemd would not know.
 * - `conmon_path`: see {@linkcode CONMON_WRAPPER}.
 */
export function containersConf(settings: PodmanSettings): string {
  const { limits, runtime, conmonPath, networksFolder } = settings;
  const limit = (name: string, max: number) => `"${name}=${max}:${max}"`;
  return `[containers]
default_ulimits = [${limit("nofile", limits.openFilesMax)}, ${limit("nproc", limits.processesMax)}]
base_hosts_file = "none"
[engine]
runtime = ${JSON.stringify(runtime)}
cgroup_manager = "cgroupfs"
exit_command_delay = 3
conmon_path = [${JSON.stringify(conmonPath)}]
[network]
network_config_dir = ${JSON.stringify(networksFolder)}
`;
}

/**
 * Podman looks for the mark of an out-of-memory kill in the container's bundle (`-b`), conmon before 2.1.8
 * leaves it in the folder it was started in (containers/conmon#504): start it in the bundle.
 */
export function conmonWrapper(conmonPath: string): string {
  return `#!/bin/sh
previous=
for argument in "$@"; do
  [ "$previous" = -b ] && { cd "$argument" 2>/dev/null; break; }
  previous=$argument
done
exec '${conmonPath}' "$@"
`;
}

/** What may be allowed to containers, from the text of `/proc/PID/limits` and of `/proc/sys/kernel/pid_max`. */
export function parseLimits(limitsText: string, pidMaxText: string): ResourceLimits {
  const pidMax = Number(pidMaxText) || 32_768;
  return {
    openFilesMax: Math.min(hardLimit(limitsText, "Max open files"), OPEN_FILES_MAX),
    processesMax: Math.min(hardLimit(limitsText, "Max processes"), pidMax),
  };
}

function hardLimit(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(name)) ?? "";
  const [, hard] = line.slice(name.length).trim().split(/\s+/);
  return hard === undefined ? 1024 : hard === "unlimited" ? Infinity : Number(hard);
}

/** The files and folders that show the version of cgroups of this machine. */
export interface CgroupSigns {
  /** `/sys/fs/cgroup/cgroup.controllers`: version 2 only. */
  hasControllers: boolean;
  /** `/sys/fs/cgroup/unified`: version 1 with version 2 beside it. */
  hasUnified: boolean;
}

/** The runtime to use: crun, which is faster, wherever it works. `undefined`: none of those installed will do. */
export function runtimeFor(
  { hasControllers, hasUnified }: CgroupSigns,
  installed: readonly string[],
): string | undefined {
  const crunWorks = hasControllers || !hasUnified;
  return (crunWorks ? ["crun", "runc"] : ["runc"]).find((name) => installed.includes(name));
}

import type { MemoryUsage } from "../../core/usage/node_report.ts";

/** Where the kernel says what the processes of a cgroup use. */
export interface CgroupFiles {
  readonly cpu: string;
  readonly memoryFolder: string;
  readonly pids: string;
  /** Of the memory's controller. */
  readonly version: 1 | 2;
  readonly cpuVersion: 1 | 2;
}

const ROOT = "/sys/fs/cgroup";

/**
 * The files of a process's cgroup, by its `/proc/PID/cgroup`; `undefined` when it is not the cgroup of the container
 * `id`, as it is when the process has ended and its number is another's now. Pure.
 *
 * Sources: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst. In a hybrid hierarchy each controller is on one side.
 */
export function cgroupFilesOf(procCgroup: string, id: string): CgroupFiles | undefined {
  const paths = new Map<string, string>();
  for (const line of procCgroup.split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path !== "") { for (const name of controllers.split(",")) paths.set(name, path); }
  }
  const memory = placeOf("memory", paths);
  const cpu = placeOf("cpuacct", paths);
  const pids = placeOf("pids", paths);
  if (!memory || !cpu || !pids || !memory.folder.includes(id)) return undefined;
  return {
    cpu: `${cpu.folder}/${cpu.version === 1 ? "cpuacct.usage" : "cpu.stat"}`,
    memoryFolder: memory.folder,
    pids: `${pids.folder}/pids.current`,
    version: memory.version,
    cpuVersion: cpu.version,
  };
}

function placeOf(
  controller: string,
  paths: ReadonlyMap<string, string>,
): { folder: string; version: 1 | 2 } | undefined {
  const own = paths.get(controller);
  if (own !== undefined) return { folder: `${ROOT}/${controller}${own}`, version: 1 };
  const unified = paths.get("");
  return unified === undefined ? undefined : { folder: `${ROOT}${unified}`, version: 2 };
}

/** Nanoseconds of one core, from `cpuacct.usage` or `cpu.stat`. Pure. */
export function cpuNanosIn(text: string, version: 1 | 2): number {
  return version === 1 ? Number(text) : fieldIn(text, "usage_usec") * 1_000;
}

/** The names of the files of memory, by version. */
export const MEMORY_FILES = {
  1: { used: "memory.usage_in_bytes", limit: "memory.limit_in_bytes" },
  2: { used: "memory.current", limit: "memory.max" },
} as const;

/** A limit above is none: cgroup v1 writes the largest number of whole pages. */
const NO_LIMIT_BYTES = 2 ** 62;

/** What a cgroup uses of memory, from its files. As cAdvisor counts: the working set is without idle files. Pure. */
export function memoryUsageIn(
  { used, limit, stat, version }: { used: string; limit: string; stat: string; version: 1 | 2 },
): MemoryUsage {
  const [inactive, rss, faults, majorFaults] = version === 1
    ? ["total_inactive_file", "total_rss", "total_pgfault", "total_pgmajfault"]
    : ["inactive_file", "anon", "pgfault", "pgmajfault"];
  const usedBytes = Number(used);
  const workingSetBytes = Math.max(0, usedBytes - fieldIn(stat, inactive!));
  const limitBytes = limit.trim() === "max" ? Infinity : Number(limit);
  return {
    usedBytes,
    workingSetBytes,
    rssBytes: fieldIn(stat, rss!),
    pageFaults: fieldIn(stat, faults!),
    majorPageFaults: fieldIn(stat, majorFaults!),
    ...(limitBytes < NO_LIMIT_BYTES && {
      availableBytes: Math.max(0, limitBytes - workingSetBytes),
    }),
  };
}

/** `name 123` on a line of its own; 0 when it is not there. */
function fieldIn(text: string, name: string): number {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (at === 0 && !text.startsWith(`${name} `)) return 0;
  return Number.parseInt(text.slice(at + name.length + 1), 10) || 0;
}

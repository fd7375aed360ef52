import { type CgroupLimits, CPU_PERIOD_US } from "./pod_limits.ts";

/** The controllers that are set here. */
export type Controller = "cpu" | "memory" | "pids";

/** What is written into a file of a cgroup. */
export interface CgroupSetting {
  controller: Controller;
  file: string;
  value: string;
}

/** Versions of the kernel's interface: https://docs.kernel.org/admin-guide/cgroup-v1 and cgroup-v2.html. */
export type CgroupVersion = 1 | 2;

/** The files that give a cgroup its limits; what is not limited is written too, so that an old limit goes. Pure. */
export function cgroupSettings(version: CgroupVersion, limits: CgroupLimits): CgroupSetting[] {
  const { cpuShares, cpuQuotaUs, memoryBytes, pidsMax } = limits;
  const pids = { controller: "pids", file: "pids.max", value: String(pidsMax ?? "max") } as const;
  if (version === 2) {
    const quota = `${cpuQuotaUs ?? "max"} ${CPU_PERIOD_US}`;
    return [
      { controller: "cpu", file: "cpu.weight", value: String(weightOf(cpuShares)) },
      { controller: "cpu", file: "cpu.max", value: quota },
      { controller: "memory", file: "memory.max", value: String(memoryBytes ?? "max") },
      pids,
    ];
  }
  return [
    { controller: "cpu", file: "cpu.shares", value: String(cpuShares) },
    { controller: "cpu", file: "cpu.cfs_period_us", value: String(CPU_PERIOD_US) },
    { controller: "cpu", file: "cpu.cfs_quota_us", value: String(cpuQuotaUs ?? -1) },
    { controller: "memory", file: "memory.limit_in_bytes", value: String(memoryBytes ?? -1) },
    pids,
  ];
}

/** The weight of version 2 for shares of version 1, as the OCI runtimes convert them. */
function weightOf(shares: number): number {
  return 1 + Math.floor((shares - 2) * 9_999 / 262_142);
}

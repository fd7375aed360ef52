import type { ObjectOf } from "../../core/resources/resource.ts";
import type { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { quantityOfBytes } from "../../core/schema/quantities.ts";

/** What the machine is and has. */
export interface Machine {
  /** Amounts as in `node.status.capacity`. */
  capacity: Readonly<Record<string, string>>;
  /** Whether the kernel enforces profiles of AppArmor. */
  hasAppArmor?: boolean;
  /** The least `oom_score_adj` that this process may give to others; 0 when absent. */
  oomScoreAdjMin?: number;
  info: Omit<
    ObjectOf<typeof nodes>["status"]["nodeInfo"],
    "containerRuntimeVersion" | "kubeletVersion" | "kubeProxyVersion" | "swap"
  >;
}

/** The kubelet's default `maxPods`. */
const PODS_MAX = 110;
const OOM_SCORE_ADJ_MIN = -1000;
const CAP_SYS_RESOURCE = 1n << 24n;
const ARCHITECTURES = new Map([["x86_64", "amd64"], ["aarch64", "arm64"]]);

/** Reads what this machine is. What cannot be read is empty. `folder`: on the disk that pods use. */
export async function readMachine(folder: string, podsMax = PODS_MAX): Promise<Machine> {
  const [processStatus, oomScoreAdj] = await Promise.all([
    textOf("/proc/self/status"),
    textOf("/proc/self/oom_score_adj"),
  ]);
  const [memory, machineId, bootId, uuid, release, appArmor, diskBytes] = await Promise.all([
    textOf("/proc/meminfo"),
    textOf("/etc/machine-id"),
    textOf("/proc/sys/kernel/random/boot_id"),
    textOf("/sys/class/dmi/id/product_uuid"),
    textOf("/etc/os-release"),
    textOf("/sys/module/apparmor/parameters/enabled"),
    diskSize(folder),
  ]);
  const memoryKiB = /^MemTotal:\s+(\d+) kB/m.exec(memory)?.[1];
  return {
    capacity: {
      cpu: String(navigator.hardwareConcurrency),
      ...(memoryKiB && { memory: quantityOfBytes(Number(memoryKiB) * 1024) }),
      ...(diskBytes &&
        { "ephemeral-storage": quantityOfBytes(Math.floor(diskBytes / 1024) * 1024) }),
      ...await hugePages(),
      pods: String(podsMax),
    },
    oomScoreAdjMin: mayLowerOomScores(processStatus) ? OOM_SCORE_ADJ_MIN : Number(oomScoreAdj),
    hasAppArmor: appArmor.trim() === "Y",
    info: {
      machineID: machineId.trim(),
      systemUUID: uuid.trim() || machineId.trim(),
      bootID: bootId.trim(),
      kernelVersion: Deno.osRelease(),
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? "",
      operatingSystem: Deno.build.os,
      architecture: ARCHITECTURES.get(Deno.build.arch) ?? Deno.build.arch,
    },
  };
}

/** Whether it has `CAP_SYS_RESOURCE` (proc_pid_oom_score_adj(5)), from its `/proc/PID/status`. */
function mayLowerOomScores(status: string): boolean {
  const capabilities = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${capabilities}`) & CAP_SYS_RESOURCE) !== 0n;
}

/** How much memory is in large pages, by their size: `hugepages-2Mi`. */
async function hugePages(): Promise<Record<string, string>> {
  const folder = "/sys/kernel/mm/hugepages";
  try {
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    const amounts = await Promise.all(names.map(async (name) => {
      const bytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]) * 1_024;
      const pages = Number(await textOf(`${folder}/${name}/nr_hugepages`));
      return [`hugepages-${quantityOfBytes(bytes)}`, quantityOfBytes(bytes * pages)];
    }));
    return Object.fromEntries(amounts);
  } catch {
    return {}; // this kernel has none
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // not readable on this machine, or by us
  }
}

async function diskSize(folder: string): Promise<number | undefined> {
  try {
    const { statfs } = await import("node:fs/promises");
    const { blocks, bsize } = await statfs(folder);
    return blocks * bsize;
  } catch {
    return undefined; // the folder is not there yet, or this cannot be read
  }
}

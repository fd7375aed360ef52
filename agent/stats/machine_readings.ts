import { statfsSync } from "node:fs";
import type {
  ContainerReport,
  CpuUsage,
  FsUsage,
  NetworkUsage,
  NodeReport,
  UsedFiles,
} from "../../core/usage/node_report.ts";
import {
  type CgroupFiles,
  cgroupFilesOf,
  cpuNanosIn,
  MEMORY_FILES,
  memoryUsageIn,
} from "./cgroup_files.ts";
import { memoryUsageOf, networkUsageOf, processorsOf, tasksOf } from "./proc_files.ts";

/** What a container uses at one moment. */
export interface ContainerReading extends Pick<ContainerReport, "memory" | "processes"> {
  cpu: Pick<CpuUsage, "totalNanos">;
}

/** What a machine uses at one moment. */
export type NodeReading =
  & Pick<NodeReport, "startedAtMs" | "memory" | "network" | "fs" | "imageFs" | "processes">
  & { cpu: Pick<CpuUsage, "totalNanos"> };

/** What is wanted for decisions: read every ten seconds, also when nobody asks. */
export type PressureReading = Pick<NodeReport, "fs" | "imageFs" | "processes"> & {
  memory: { availableBytes: number; totalBytes: number };
};

/** How much is used on a machine. What cannot be read is left out. */
export interface MachineReadings {
  node(): NodeReading;
  pressure(): PressureReading;
  /** `undefined`: its processes have ended, or have no cgroup of their own. */
  container(id: string, pid: number): ContainerReading | undefined;
  /** Of the pod that a process is in; `undefined`: the process has ended. It costs as much as the rest of a container. */
  network(pid: number): NetworkUsage | undefined;
  /** Forgets what it knows of all other containers. */
  keepOnly(ids: ReadonlySet<string>): void;
  /** The files below some folders, each file once. */
  files(folders: readonly string[]): Promise<UsedFiles>;
}

/** A folder with more files is counted in part: it takes too long. */
const FILES_MAX = 50_000;
const BLOCK_BYTES = 512;

export interface LinuxReadingsOptions {
  /** On the file system with the files of pods. */
  dataFolder: string;
  /** On the file system with images and layers. */
  imageFolder?: string;
}

/** Readings of Linux: of cgroups of both versions, and of `/proc`. A container costs five small files. */
export class LinuxReadings implements MachineReadings {
  readonly #options: LinuxReadingsOptions;
  readonly #files = new Map<string, CgroupFiles>();

  constructor(options: LinuxReadingsOptions) {
    this.#options = options;
  }

  node(): NodeReading {
    const { totalBytes: _, ...memory } = memoryUsageOf(text("/proc/meminfo"), text("/proc/vmstat"));
    const { totalNanos, startedAtMs } = processorsOf(text("/proc/stat"));
    return {
      ...this.#shared(),
      startedAtMs,
      cpu: { totalNanos },
      memory,
      network: networkUsageOf(text("/proc/net/dev")),
    };
  }

  pressure(): PressureReading {
    const { availableBytes = 0, totalBytes } = memoryUsageOf(text("/proc/meminfo"));
    return { ...this.#shared(), memory: { availableBytes, totalBytes } };
  }

  container(id: string, pid: number): ContainerReading | undefined {
    const files = this.#files.get(id) ?? cgroupFilesOf(text(`/proc/${pid}/cgroup`), id);
    if (files === undefined) return undefined;
    this.#files.set(id, files);
    const { memoryFolder, version } = files;
    const names = MEMORY_FILES[version];
    const used = text(`${memoryFolder}/${names.used}`);
    if (used === "") return undefined;
    return {
      cpu: { totalNanos: cpuNanosIn(text(files.cpu), files.cpuVersion) },
      memory: memoryUsageIn({
        version,
        used,
        limit: text(`${memoryFolder}/${names.limit}`),
        stat: text(`${memoryFolder}/memory.stat`),
      }),
      processes: Number(text(files.pids)),
    };
  }

  network(pid: number): NetworkUsage | undefined {
    const devices = text(`/proc/${pid}/net/dev`);
    return devices === "" ? undefined : networkUsageOf(devices);
  }

  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#files.keys()) if (!ids.has(id)) this.#files.delete(id);
  }

  async files(folders: readonly string[]): Promise<UsedFiles> {
    const used = { bytes: 0, inodes: 0 };
    const seen = new Set<string>();
    for (const folder of folders) await count(folder, used, seen);
    return used;
  }

  #shared(): Pick<NodeReading, "fs" | "imageFs" | "processes"> {
    const { dataFolder, imageFolder } = this.#options;
    const fs = fsUsageOf(dataFolder);
    const imageFs = imageFolder === undefined ? undefined : fsUsageOf(imageFolder);
    const isSame = imageFs === undefined || imageFs.id === fs?.id;
    const max = Number(text("/proc/sys/kernel/pid_max"));
    return {
      ...(fs && { fs: fs.usage }),
      ...(!isSame && { imageFs: imageFs.usage }),
      ...(max > 0 && { processes: { running: tasksOf(text("/proc/loadavg")), max } }),
    };
  }
}

/** Empty for what is gone, or cannot be read. */
function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // the process has ended, or this kernel does not tell
  }
}

/** `id` tells file systems apart. */
function fsUsageOf(folder: string): { id: number; usage: FsUsage } | undefined {
  try {
    const { bsize, blocks, bavail, bfree, files, ffree } = statfsSync(folder);
    const usage = {
      capacityBytes: blocks * bsize,
      availableBytes: bavail * bsize,
      usedBytes: (blocks - bfree) * bsize,
      inodes: files,
      inodesFree: ffree,
    };
    return { id: Deno.statSync(folder).dev, usage };
  } catch {
    return undefined; // the folder is gone
  }
}

/** Adds up the files below a folder; follows no links, and stays on its file system. */
async function count(
  folder: string,
  used: { bytes: number; inodes: number },
  seen: Set<string>,
  device?: number,
): Promise<void> {
  try {
    device ??= (await Deno.lstat(folder)).dev;
    for await (const { name } of Deno.readDir(folder)) {
      if (used.inodes >= FILES_MAX) return;
      const path = `${folder}/${name}`;
      const { dev, ino, nlink, blocks, size, isDirectory } = await Deno.lstat(path);
      const key = `${dev}:${ino}`;
      if (dev !== device || seen.has(key)) continue;
      if ((nlink ?? 1) > 1 && !isDirectory) seen.add(key);
      used.inodes++;
      used.bytes += blocks === null ? size : blocks * BLOCK_BYTES;
      if (isDirectory) await count(path, used, seen, device);
    }
  } catch {
    // gone meanwhile
  }
}

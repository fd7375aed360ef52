import { timestamp } from "../lib/timestamp.ts";
import type {
  ContainerReport,
  CpuUsage,
  FsUsage,
  MemoryUsage,
  NetworkUsage,
  NodeReport,
  PodReport,
  UsedFiles,
} from "./node_report.ts";

/**
 * A report as `/stats/summary` of a kubelet shows it (`k8s.io/kubelet/pkg/apis/stats/v1alpha1`). Pure.
 * `isShort`: CPU and memory alone.
 */
export function summaryOf(report: NodeReport, { isShort }: { isShort: boolean }): object {
  const time = timestamp(report.atMs);
  const fs = report.fs && fsOf(time, report.fs);
  const imageFs = report.imageFs ? fsOf(time, report.imageFs) : fs;
  const { processes } = report;
  return {
    node: {
      nodeName: report.node,
      startTime: timestamp(report.startedAtMs),
      cpu: cpuOf(time, report.cpu),
      memory: memoryOf(time, report.memory),
      ...(!isShort && {
        ...(report.network && { network: networkOf(time, report.network) }),
        fs,
        runtime: { imageFs, containerFs: imageFs },
        ...(processes && {
          rlimit: { time, maxpid: processes.max, curproc: processes.running },
        }),
      }),
    },
    pods: report.pods.map((pod) => podOf(pod, report, { time, isShort })),
  };
}

interface Shown {
  time: string;
  isShort: boolean;
}

function podOf(pod: PodReport, node: NodeReport, shown: Shown): object {
  const { time, isShort } = shown;
  const { name, namespace, uid, containers } = pod;
  const processes = containers.reduce((sum, each) => sum + (each.processes ?? 0), 0);
  return {
    podRef: { name, namespace, uid },
    startTime: timestamp(pod.startedAtMs),
    containers: containers.map((container) => containerOf(container, node, shown)),
    cpu: cpuOf(time, sumOfCpu(containers)),
    memory: memoryOf(time, sumOfMemory(containers)),
    ...(!isShort && {
      ...(pod.network && { network: networkOf(time, pod.network) }),
      ...(pod.files && { "ephemeral-storage": filesOf(time, pod.files, node.fs) }),
      process_stats: { process_count: processes },
    }),
  };
}

function containerOf(container: ContainerReport, node: NodeReport, shown: Shown): object {
  const { time, isShort } = shown;
  const { name, startedAtMs, cpu, memory, layer, logs } = container;
  return {
    name,
    startTime: timestamp(startedAtMs),
    cpu: cpuOf(time, cpu),
    memory: memoryOf(time, memory),
    ...(!isShort && {
      ...(layer && { rootfs: filesOf(time, layer, node.imageFs ?? node.fs) }),
      ...(logs && { logs: filesOf(time, logs, node.fs) }),
    }),
  };
}

/** What the containers of a pod use together. The rate is known when that of each is. */
export function sumOfCpu(containers: readonly ContainerReport[]): CpuUsage {
  const rates = containers.flatMap(({ cpu: { rate } }) => rate ?? []);
  const totalNanos = containers.reduce((sum, { cpu }) => sum + cpu.totalNanos, 0);
  if (rates.length === 0 || rates.length < containers.length) return { totalNanos };
  const perSecond = rates.reduce((sum, rate) => sum + rate.perSecond, 0);
  return { totalNanos, rate: { perSecond, windowMs: rates[0]!.windowMs } };
}

export function sumOfMemory(containers: readonly ContainerReport[]): MemoryUsage {
  const sum = (of: (memory: MemoryUsage) => number) =>
    containers.reduce((all, { memory }) => all + of(memory), 0);
  return {
    usedBytes: sum((memory) => memory.usedBytes),
    workingSetBytes: sum((memory) => memory.workingSetBytes),
    rssBytes: sum((memory) => memory.rssBytes),
    pageFaults: sum((memory) => memory.pageFaults),
    majorPageFaults: sum((memory) => memory.majorPageFaults),
  };
}

function cpuOf(time: string, { totalNanos, rate }: CpuUsage): object {
  return {
    time,
    ...(rate && { usageNanoCores: Math.round(rate.perSecond) }),
    usageCoreNanoSeconds: totalNanos,
  };
}

function memoryOf(time: string, memory: MemoryUsage): object {
  const { availableBytes, usedBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults } =
    memory;
  return {
    time,
    ...(availableBytes !== undefined && { availableBytes }),
    usageBytes: usedBytes,
    workingSetBytes,
    rssBytes,
    pageFaults,
    majorPageFaults,
  };
}

function networkOf(time: string, { interfaces }: NetworkUsage): object {
  const shown = interfaces.map((each) => ({
    name: each.name,
    rxBytes: each.receivedBytes,
    rxErrors: each.receivedErrors,
    txBytes: each.sentBytes,
    txErrors: each.sentErrors,
  }));
  return { time, ...(shown[0] ?? { name: "" }), interfaces: shown };
}

function fsOf(time: string, fs: FsUsage): object {
  return {
    time,
    availableBytes: fs.availableBytes,
    capacityBytes: fs.capacityBytes,
    usedBytes: fs.usedBytes,
    inodesFree: fs.inodesFree,
    inodes: fs.inodes,
    inodesUsed: fs.inodes - fs.inodesFree,
  };
}

/** Some files on a file system. */
function filesOf(time: string, { bytes, inodes }: UsedFiles, fs: FsUsage | undefined): object {
  return {
    ...(fs ? fsOf(time, fs) : { time }),
    usedBytes: bytes,
    inodesUsed: inodes,
  };
}

import type { MemoryUsage, NetworkUsage } from "../../core/usage/node_report.ts";

/** Ticks of the clock in `/proc/stat`: 10 ms on every Linux that Deno runs on. */
const TICK_NANOS = 10_000_000;
/** Devices of networks inside the machine. */
const INNER_DEVICES = /^(lo|veth|cv[0-9a-f]|cora|cni|docker|podman|br-|dummy|ifb|tunl|sit)/;

/** What a machine uses of memory, from `/proc/meminfo`, as the kubelet counts it: without idle files. Pure. */
export function memoryUsageOf(meminfo: string, faults = ""): MemoryUsage & { totalBytes: number } {
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0) * 1_024;
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)`, "m").exec(faults)?.[1] ?? 0);
  const totalBytes = bytes("MemTotal");
  const usedBytes = totalBytes - bytes("MemFree");
  const workingSetBytes = Math.max(0, usedBytes - bytes("Inactive\\(file\\)"));
  return {
    totalBytes,
    usedBytes,
    workingSetBytes,
    availableBytes: Math.max(0, totalBytes - workingSetBytes),
    rssBytes: bytes("AnonPages"),
    pageFaults: count("pgfault"),
    majorPageFaults: count("pgmajfault"),
  };
}

/** What the processors have done since the start, and when that was, from `/proc/stat`. Pure. */
export function processorsOf(stat: string): { totalNanos: number; startedAtMs: number } {
  const [, fields = ""] = /^cpu\s+(.*)$/m.exec(stat) ?? [];
  // user nice system idle iowait irq softirq steal; guests are in user already
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields.split(" ").map(Number);
  const startedAtMs = Number(/^btime (\d+)/m.exec(stat)?.[1] ?? 0) * 1_000;
  return { totalNanos: (user + nice + system + irq + softirq) * TICK_NANOS, startedAtMs };
}

/** Traffic, from `/proc/net/dev`; of devices that lead outside. Pure. */
export function networkUsageOf(netDev: string): NetworkUsage {
  const lines = netDev.split("\n").flatMap((line) => {
    const [, name = "", rest = ""] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    return name === "" || INNER_DEVICES.test(name)
      ? []
      : [{ name, fields: rest.split(/\s+/).map(Number) }];
  });
  return {
    interfaces: lines.map(({ name, fields }) => ({
      name,
      receivedBytes: fields[0] ?? 0,
      receivedErrors: fields[2] ?? 0,
      sentBytes: fields[8] ?? 0,
      sentErrors: fields[10] ?? 0,
    })),
  };
}

/** Tasks of a machine, from `/proc/loadavg`: `0.10 0.11 0.12 1/222 333`. Pure. */
export function tasksOf(loadavg: string): number {
  return Number(/\/(\d+)/.exec(loadavg)?.[1] ?? 0);
}

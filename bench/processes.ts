/** What processes use, read from `/proc` (Linux): https://man7.org/linux/man-pages/man5/proc.5.html */
import { textOf } from "../tests/process_family.ts";

const CLOCK_TICKS_PER_SECOND = 100;
const KIB = 1024;
const INIT_PID = 1;
const KERNEL_PID = 2;

export interface Usage {
  cpuSeconds: number;
  /** Private memory, and its share of shared memory. */
  pssBytes: number;
  rssBytes: number;
  /** Bytes that it caused to be written to disks. */
  writtenBytes: number;
}

/** Processes whose command line contains `text`: detached processes of a server have its folder in it. */
export function processesNaming(text: string): number[] {
  return allProcesses().filter((pid) => commandOf(pid).includes(text));
}

/** The words of the command line, separated by blanks. */
export function commandOf(pid: number): string {
  return (textOf(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim();
}

/** CPU seconds that living processes have used. */
export function cpuSecondsOf(pids: Iterable<number>): number {
  let ticks = 0;
  for (const pid of new Set(pids)) {
    const fields = statOf(pid);
    if (fields) ticks += ticksOf(fields, false);
  }
  return ticks / CLOCK_TICKS_PER_SECOND;
}

/** What living processes use together. */
export function usageOf(pids: Iterable<number>): Usage {
  const all = [...new Set(pids)];
  const sum = (read: (pid: number) => number) => all.reduce((total, pid) => total + read(pid), 0);
  return {
    cpuSeconds: cpuSecondsOf(all),
    pssBytes: sum((pid) => numberIn(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+)/m) * KIB),
    rssBytes: sum((pid) => numberIn(`/proc/${pid}/status`, /^VmRSS:\s+(\d+)/m) * KIB),
    writtenBytes: sum((pid) => numberIn(`/proc/${pid}/io`, /^write_bytes: (\d+)/m)),
  };
}

/** CPU time of every process of this machine, with that of its children that have ended. */
export type Census = ReadonlyMap<number, { parent: number; cpuSeconds: number }>;

/**
 * Kernel threads are left out: they work for everybody. So are the first process and the ancestors of this one, which
 * adopt our detached processes and reap them.
 */
export function census(): Census {
  const seen = new Map<number, { parent: number; cpuSeconds: number }>();
  const heirs = ancestorsOf(Deno.pid).add(INIT_PID);
  for (const pid of allProcesses()) {
    const fields = statOf(pid);
    if (fields === undefined) continue; // it has ended
    const [state, parent] = [fields[0], Number(fields[1])];
    const isKernel = pid === KERNEL_PID || parent === KERNEL_PID;
    if (isKernel || heirs.has(pid) || (state === "Z" && heirs.has(parent))) continue;
    seen.set(pid, { parent, cpuSeconds: ticksOf(fields, true) / CLOCK_TICKS_PER_SECOND });
  }
  return seen;
}

/**
 * CPU seconds that all processes but those of `own` have used between two counts. A process that ends is counted with its
 * parent; when the parent is left out, its last share is missed.
 */
export function cpuSecondsBetween(before: Census, after: Census, own: ReadonlySet<number>): number {
  let seconds = 0;
  for (const [pid, { cpuSeconds }] of after) if (!own.has(pid)) seconds += cpuSeconds;
  for (const [pid, { cpuSeconds, parent }] of before) {
    const isOrphan = !before.has(parent) && !after.has(pid);
    if (!own.has(pid) && !isOrphan) seconds -= cpuSeconds;
  }
  return Math.max(0, seconds);
}

/** E.g. `2 cores (AMD EPYC), 23 GiB, Linux 6.1`. Names neither the machine nor its owner. */
export function machineClass(): string {
  const cpu = /^model name\s*: (.*)$/m.exec(textOf("/proc/cpuinfo") ?? "")?.[1] ?? "unknown";
  const memoryGib = Deno.systemMemoryInfo().total / KIB ** 3;
  const kernel = Deno.osRelease().split(".").slice(0, 2).join(".");
  return `${navigator.hardwareConcurrency} cores (${cpu}), ${
    memoryGib.toFixed(0)
  } GiB, Linux ${kernel}`;
}

function ancestorsOf(pid: number): Set<number> {
  const ancestors = new Set<number>();
  for (let at = Number(statOf(pid)?.[1]); at > 0; at = Number(statOf(at)?.[1])) ancestors.add(at);
  return ancestors;
}

function allProcesses(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
}

/** What follows the name in `/proc/PID/stat`; `undefined` when the process has ended. */
function statOf(pid: number): string[] | undefined {
  return textOf(`/proc/${pid}/stat`)?.replace(/^.*\) /s, "").split(" ");
}

function ticksOf(stat: readonly string[], withReaped: boolean): number {
  const [user, system, reapedUser, reapedSystem] = stat.slice(11, 15).map(Number);
  return user! + system! + (withReaped ? reapedUser! + reapedSystem! : 0);
}

function numberIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(textOf(path) ?? "")?.[1] ?? 0);
}

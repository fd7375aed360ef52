import {
  fallback,
  integer,
  list,
  long,
  object,
  oneOf,
  required,
  type Schema,
  string,
  type TypeOf,
} from "../schema/schema.ts";

/** More than any machine runs. */
const PODS_MAX = 2_000;
const CONTAINERS_MAX = 500;
const INTERFACES_MAX = 100;
const PROBES_MAX = 10_000;

function amount(description: string): Schema<number> {
  return long(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
}

const measured = (description: string) => required(amount(description));
const text = (description: string) => required(string(description, { maxLength: 300 }));

const cpuUsage = object("Use of processors.", {
  totalNanos: measured("Nanoseconds of one core, since the start."),
  rate: object("Use at present; absent: not known yet.", {
    perSecond: measured("Nanoseconds of one core in a second."),
    windowMs: measured("Over what time."),
  }),
});
export type CpuUsage = TypeOf<typeof cpuUsage>;

const memoryUsage = object("Use of memory.", {
  usedBytes: measured("All of it."),
  workingSetBytes: measured("Without what files of it nobody has used for a while."),
  rssBytes: measured("Anonymous memory."),
  pageFaults: measured("Page faults since the start."),
  majorPageFaults: measured("Those that waited for a disk."),
  availableBytes: amount("What is left, of a node and of a container with a limit."),
});
export type MemoryUsage = TypeOf<typeof memoryUsage>;

const networkUsage = object("Traffic since the start.", {
  interfaces: fallback(
    [],
    list(
      "The main one first.",
      object("An interface.", {
        name: text("Its name."),
        receivedBytes: measured("Bytes received."),
        receivedErrors: measured("Errors while receiving."),
        sentBytes: measured("Bytes sent."),
        sentErrors: measured("Errors while sending."),
      }),
      { maxItems: INTERFACES_MAX },
    ),
  ),
});
export type NetworkUsage = TypeOf<typeof networkUsage>;

const fsUsage = object("A file system.", {
  capacityBytes: measured("Its size."),
  availableBytes: measured("What is free."),
  usedBytes: measured("What is used."),
  inodes: measured("How many files it can have."),
  inodesFree: measured("How many more."),
});
export type FsUsage = TypeOf<typeof fsUsage>;

const usedFiles = object("Some files. Measured only when asked for.", {
  bytes: measured("What they occupy."),
  inodes: measured("How many they are."),
});
export type UsedFiles = TypeOf<typeof usedFiles>;

const containerReport = object("What a container uses.", {
  name: text("Its name in the pod."),
  startedAtMs: measured("When it was started, since 1970."),
  cpu: required(cpuUsage),
  memory: required(memoryUsage),
  processes: amount("Its processes."),
  layer: usedFiles,
  logs: usedFiles,
});
export type ContainerReport = TypeOf<typeof containerReport>;

const podReport = object("What a pod uses.", {
  name: text("Its name."),
  namespace: text("Its namespace."),
  uid: text("Its uid."),
  startedAtMs: measured("When it was started, since 1970."),
  containers: fallback([], list("Those that run.", containerReport, { maxItems: CONTAINERS_MAX })),
  network: networkUsage,
  /** Logs, volumes that are its own, layers of containers. */
  files: usedFiles,
});
export type PodReport = TypeOf<typeof podReport>;

const probeCount = object("How often a probe has ended so since the agent started.", {
  pod: text("Name of the pod."),
  namespace: text("Its namespace."),
  podUid: text("Its uid."),
  container: text("Name of the container."),
  kind: required(oneOf("Which probe.", ["liveness", "readiness", "startup"])),
  result: required(oneOf("How it ended.", ["successful", "failed", "unknown"])),
  count: required(integer("How often.", { minimum: 0 })),
});
export type ProbeCount = TypeOf<typeof probeCount>;

/** What a node and its pods use, as its agent has measured it. Agents elsewhere send it as JSON. */
export const nodeReport = object("What a node and its pods use.", {
  node: text("Name of the node."),
  atMs: measured("When it was measured, by the machine's clock."),
  startedAtMs: measured("When the machine was started."),
  cpu: required(cpuUsage),
  memory: required(memoryUsage),
  network: networkUsage,
  /** Where the files of pods are. */
  fs: fsUsage,
  /** Where images and layers of containers are; absent: on the same file system. */
  imageFs: fsUsage,
  processes: object("Processes of the machine.", {
    running: measured("How many there are."),
    max: measured("How many there can be."),
  }),
  pods: fallback([], list("Its pods.", podReport, { maxItems: PODS_MAX })),
  probes: fallback([], list("Its probes.", probeCount, { maxItems: PROBES_MAX })),
});
export type NodeReport = TypeOf<typeof nodeReport>;

import type { NodeReport } from "./node_report.ts";

const MEMORY = {
  usedBytes: 3 * 1024 * 1024,
  workingSetBytes: 2 * 1024 * 1024,
  rssBytes: 1024,
  pageFaults: 5,
  majorPageFaults: 1,
};

/** A report of a node with one pod of two containers. */
export const REPORT: NodeReport = {
  node: "node-a",
  atMs: Date.parse("2026-01-01T00:00:30Z"),
  startedAtMs: Date.parse("2026-01-01T00:00:00Z"),
  cpu: { totalNanos: 5e9, rate: { perSecond: 1_500_000_000, windowMs: 15_000 } },
  memory: { ...MEMORY, availableBytes: 7 },
  fs: { capacityBytes: 100, availableBytes: 40, usedBytes: 60, inodes: 10, inodesFree: 4 },
  processes: { running: 5, max: 100 },
  pods: [{
    name: "web",
    namespace: "shop",
    uid: "uid-1",
    startedAtMs: Date.parse("2026-01-01T00:00:10Z"),
    containers: [
      {
        name: "a",
        startedAtMs: Date.parse("2026-01-01T00:00:11.5Z"),
        cpu: { totalNanos: 1e9, rate: { perSecond: 2_283_410, windowMs: 15_063 } },
        memory: MEMORY,
        processes: 2,
        logs: { bytes: 8, inodes: 1 },
      },
      {
        name: "b",
        startedAtMs: Date.parse("2026-01-01T00:00:12Z"),
        cpu: { totalNanos: 2e9, rate: { perSecond: 2_000_000, windowMs: 9_000 } },
        memory: { ...MEMORY, workingSetBytes: 1_001 },
        processes: 1,
      },
    ],
    network: {
      interfaces: [{
        ...{ name: "eth0", receivedBytes: 11, receivedErrors: 0 },
        ...{ sentBytes: 12, sentErrors: 0 },
      }],
    },
  }],
  probes: [{
    ...{ pod: 'we"b', namespace: "shop", podUid: "uid-1", container: "a" },
    ...{ kind: "liveness", result: "failed", count: 3 },
  }],
};

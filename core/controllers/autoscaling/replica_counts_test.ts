import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { TestCluster } from "../test_cluster.ts";
import type { PodMetrics } from "./metrics_api.ts";
import { countByAverage, countByUtilization, countByValue } from "./replica_counts.ts";

const cluster = new TestCluster();
const nowMs = cluster.nowMs + 3_600_000;

type Word = "ready" | "pending" | "failed" | "deleted" | "starting" | "unready" | "never ready";

function pod(i: number, word: Word): Pod {
  const at = (agoMs: number) => timestamp(nowMs - agoMs);
  const isYoung = word === "starting" || word === "unready";
  const startMs = isYoung ? 60_000 : 3_000_000;
  const status = word === "ready" || word === "starting" ? "True" : "False";
  const changeMs = word === "starting" ? 5_000 : startMs - 1_000;
  return cluster.put(pods, {
    metadata: {
      name: `p${i}`,
      ...(word === "deleted" && { deletionTimestamp: at(0) }),
    },
    spec: { containers: [{ name: "a", image: "b", resources: { requests: { cpu: "100m" } } }] },
    status: {
      phase: word === "pending" ? "Pending" : word === "failed" ? "Failed" : "Running",
      startTime: at(startMs),
      conditions: [{ type: "Ready", status, lastTransitionTime: at(changeMs) }],
    },
  });
}

function metricsOf(values: readonly (number | undefined)[]): PodMetrics {
  return new Map(
    values.flatMap((value, i) =>
      value === undefined
        ? []
        : [[`p${i}`, { value, timestampMs: nowMs - 1_000, windowMs: 15_000 }] as const]
    ),
  );
}

// Pods, what each uses of the 100m that it requests, and the replicas that a target of 50 % asks for. Kubernetes:
// `replica_calculator_test.go`.
const ROWS: [string, Word[], (number | undefined)[], number][] = [
  ["as wanted", ["ready", "ready"], [50, 50], 2],
  ["twice as much", ["ready", "ready"], [100, 100], 4],
  ["half as much", ["ready", "ready", "ready", "ready"], [25, 25, 25, 25], 2],
  ["nobody knows of one, and there are too many: it is busy", ["ready", "ready", "ready"], [
    10,
    10,
    undefined,
  ], 3],
  ["nobody knows of one, and there are far too many", ["ready", "ready", "ready", "ready"], [
    1,
    1,
    1,
    undefined,
  ], 2],
  [
    "nobody knows of one, and there are too few: it is idle",
    ["ready", "ready"],
    [90, undefined],
    2,
  ],
  [
    "one waits to start, and there are too few: it is idle",
    ["ready", "pending"],
    [190, undefined],
    4,
  ],
  ["one starts: its use says nothing", ["ready", "starting"], [50, 900], 2],
  ["one is young and not ready", ["ready", "unready"], [50, 900], 2],
  ["one has never been ready", ["ready", "never ready"], [50, 900], 2],
  [
    "what has failed, or is deleted, does not count",
    ["ready", "failed", "deleted"],
    [100, 1, 1],
    2,
  ],
];
for (const [title, words, values, expected] of ROWS) {
  Deno.test(`replicas by utilization: ${title}`, () => {
    const scaled = {
      replicas: words.length,
      pods: words.map((word, i) => pod(i, word)),
      tolerances: { up: 0.1, down: 0.1 },
      nowMs,
    };
    const wanted = { resource: "cpu", container: undefined, percent: 50 };
    const count = countByUtilization(scaled, metricsOf(values), wanted);
    assert.equal(count.replicas, expected);
  });
}

Deno.test("an average of something else counts young pods, too", () => {
  const scaled = {
    replicas: 2,
    pods: [pod(0, "ready"), pod(1, "starting")],
    tolerances: { up: 0.1, down: 0.1 },
    nowMs,
  };
  const metrics = metricsOf([100, 300]);
  const count = countByAverage(scaled, metrics, { resource: "memory", target: 100 });
  assert.deepEqual(count, { replicas: 4, usage: 200 });
});

Deno.test("from zero a value alone says how many", () => {
  const scaled = { replicas: 0, pods: [], tolerances: { up: 0.1, down: 0.1 }, nowMs };
  assert.equal(countByValue(scaled, 250, 100).replicas, 3);
  assert.equal(countByValue(scaled, 0, 100).replicas, 0);
});

import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { TestCluster } from "../test_cluster.ts";
import { HEARTBEAT_GRACE_MS, nodeController } from "./nodes.ts";

const NAME = { name: "n1" };
const HOUR = 3_600_000;
const controllers = [nodeController()];

/** A node that has been lost just now. */
function lost(autonomy?: string): TestCluster {
  const cluster = new TestCluster();
  const lastTransitionTime = timestamp(cluster.nowMs);
  cluster.put(nodes, {
    metadata: { ...NAME, ...autonomy && { annotations: { "coracle.dev/autonomy": autonomy } } },
    status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
  });
  cluster.put(pods, {
    metadata: { name: "a" },
    spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }] },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  });
  cluster.settle(controllers);
  cluster.nowMs += HEARTBEAT_GRACE_MS;
  cluster.settle(controllers);
  return cluster;
}

function stateOf(cluster: TestCluster): string {
  const { status, spec } = cluster.get(nodes, NAME)!;
  const ready = conditionOf(status.conditions, "Ready")!;
  const pod = conditionOf(cluster.list(pods)[0]!.status.conditions, "Ready")!;
  const effects = spec.taints?.map(({ effect }) => effect).join();
  return `${ready.status} ${ready.reason}, pod ${pod.status}, ${effects}`;
}

const OFFLINE = "Unknown Offline, pod True, NoSchedule";
const LOST = "Unknown NodeStatusUnknown, pod False, NoSchedule";

Deno.test("a node is offline for as long as it says, to the millisecond, and then lost", () => {
  const cluster = lost("72h");
  assert.equal(stateOf(cluster), OFFLINE);
  assert.equal(cluster.planOf(controllers[0]!, NAME).againAfterMs, 72 * HOUR);
  cluster.nowMs += 72 * HOUR - 1;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), OFFLINE);
  cluster.nowMs += 1;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), LOST);
  const events = cluster.notices.map(({ reason, message }) => `${reason}: ${message}`);
  assert.deepEqual(events, [
    "NodeOffline: Node n1 status is now: NodeOffline",
    "NodeNotReady: Node is not ready", // before its node is lost: nobody sends to it in between
    "NodeNotReady: Node n1 status is now: NodeNotReady",
  ]);
});

Deno.test("which words make a node offline", () => {
  const rows: [string | undefined, string][] = [
    [undefined, LOST],
    ["forever", OFFLINE],
    ["1s", OFFLINE],
    ["0", LOST],
    ["0s", LOST],
  ];
  for (const [autonomy, state] of rows) assert.equal(stateOf(lost(autonomy)), state, `${autonomy}`);
});

Deno.test("forever is for ever, and nothing is due", () => {
  const cluster = lost("forever");
  cluster.nowMs += 10 * 365 * 24 * HOUR;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), OFFLINE);
  assert.equal(cluster.planOf(controllers[0]!, NAME).againAfterMs, undefined);
});

Deno.test("a change of the annotation counts at once, also for a node that is away", () => {
  const cluster = lost();
  const set = (autonomy: string | undefined) => {
    const node = cluster.get(nodes, NAME)!;
    const annotations = autonomy === undefined ? {} : { "coracle.dev/autonomy": autonomy };
    cluster.put(nodes, { ...node, metadata: { ...node.metadata, annotations } });
    cluster.settle(controllers);
  };
  set("1h");
  assert.equal(stateOf(cluster), "Unknown Offline, pod False, NoSchedule");
  cluster.nowMs += HOUR;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), LOST);
  set("2h");
  assert.match(stateOf(cluster), /^Unknown Offline/);
  set(undefined);
  assert.equal(stateOf(cluster), LOST);
});

Deno.test("a restart of the server counts the time alone from when the node was lost", () => {
  const cluster = lost("2h");
  cluster.nowMs += HOUR;
  cluster.restartControllers();
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), OFFLINE);
  cluster.nowMs += HOUR - 1;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), OFFLINE);
  cluster.nowMs += 1;
  cluster.settle(controllers);
  assert.equal(stateOf(cluster), LOST);
});

Deno.test("a clock that is set ends no time alone, and makes none longer", () => {
  for (const byMs of [100 * HOUR, -100 * HOUR]) {
    const cluster = lost("2h");
    cluster.setClock(byMs);
    cluster.nowMs += 2 * HOUR - 1;
    cluster.settle(controllers);
    assert.equal(stateOf(cluster), OFFLINE);
    cluster.nowMs += 1;
    cluster.settle(controllers);
    assert.equal(stateOf(cluster), LOST);
  }
});

Deno.test("one that never said anything is not offline", () => {
  const cluster = new TestCluster();
  const annotations = { "coracle.dev/autonomy": "forever" };
  cluster.put(nodes, { metadata: { ...NAME, annotations } });
  cluster.settle(controllers);
  cluster.nowMs += 60_000;
  cluster.settle(controllers);
  const { conditions } = cluster.get(nodes, NAME)!.status;
  assert.equal(conditionOf(conditions, "Ready")!.reason, "NodeStatusNeverUpdated");
});

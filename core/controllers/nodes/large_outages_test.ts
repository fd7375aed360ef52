import assert from "node:assert/strict";
import fc from "fast-check";
import { conditionOf } from "../../resources/conditions.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";
import { evictionController as evictionControllerOf } from "./evictions.ts";
import { largeOutageLoop } from "./large_outages.ts";
import { HEARTBEAT_GRACE_MS, nodeController } from "./nodes.ts";

const ZONE = "topology.kubernetes.io/zone";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const SECOND = 1_000;
const evictionController = evictionControllerOf({ graceMs: 0 });

type Word = "True" | "False" | "Unknown";

/** Nodes whose readiness a test says, and one loop that looks at them. */
class Outage {
  readonly cluster = new TestCluster();
  readonly loop = largeOutageLoop();

  set(name: string, status: Word, { zone = "", labels = {}, reason = "" } = {}): void {
    const before = this.cluster.get(nodes, { name });
    const metadata = { name, labels: { ...labels, ...zone && { [ZONE]: zone } } };
    const lastTransitionTime = timestamp(this.cluster.nowMs);
    const conditions = [{ type: "Ready", status, reason, lastTransitionTime }];
    this.cluster.put(nodes, {
      metadata: { ...before?.metadata, ...metadata },
      spec: before?.spec ?? {},
      status: { ...before?.status, conditions },
    });
  }

  /** Several at once, `a0`, `a1` …, from a zone of the name. */
  setAll(zone: string, count: number, status: Word): void {
    for (let i = 0; i < count; i++) this.set(`${zone}${i}`, status, { zone });
  }

  /** Time passes; the loop looks once a second. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.cluster.nowMs += SECOND;
      this.look();
    }
  }

  look(): void {
    this.cluster.settle([this.loop, nodeController()]);
  }

  get evicting(): string[] {
    return this.cluster.list(nodes).filter(isEvicting).map(({ metadata }) => metadata.name);
  }
}

function isEvicting({ spec: { taints = [] } }: Node): boolean {
  return taints.some(({ key, effect }) => key === UNREACHABLE && effect === "NoExecute");
}

function outage(): Outage {
  const made = new Outage();
  made.set("well", "True", { zone: "well" });
  made.look();
  made.pass(HEARTBEAT_GRACE_MS / SECOND - 1);
  return made;
}

Deno.test("pods of lost nodes are evicted node by node, one in ten seconds in each zone", () => {
  const made = new Outage();
  made.setAll("a", 9, "True");
  made.setAll("b", 9, "True");
  const loop = [made.loop];
  made.cluster.settle(loop);
  made.cluster.nowMs += HEARTBEAT_GRACE_MS;
  for (const name of ["a0", "a1", "b0", "a2"]) made.set(name, "Unknown", { zone: name[0]! });
  made.cluster.settle(loop);
  assert.deepEqual(made.evicting, ["a0", "b0"]);
  made.cluster.nowMs += 10 * SECOND - 1;
  made.cluster.settle(loop);
  assert.deepEqual(made.evicting, ["a0", "b0"]);
  made.cluster.nowMs += 1;
  made.cluster.settle(loop);
  assert.deepEqual(made.evicting, ["a0", "a1", "b0"]);
  made.set("a2", "True", { zone: "a" });
  made.cluster.nowMs += 10 * SECOND;
  made.cluster.settle(loop);
  assert.deepEqual(made.evicting, ["a0", "a1", "b0"], "the one that is back is left alone");
});

Deno.test("with 55 % of a small zone away nothing more of it is evicted, of a large one slowly", () => {
  for (const [size, secondsBetween] of [[20, Infinity], [60, 100]] as const) {
    const made = new Outage();
    made.setAll("a", size, "True");
    made.setAll("b", 3, "True");
    made.cluster.settle([made.loop]);
    made.cluster.nowMs += HEARTBEAT_GRACE_MS;
    made.setAll("a", Math.ceil(size * 0.55), "Unknown");
    made.set("b0", "Unknown", { zone: "b" });
    const evictingAfter = (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        made.cluster.nowMs += SECOND;
        made.cluster.settle([made.loop]);
      }
      return made.evicting.filter((name) => name.startsWith("a")).length;
    };
    const first = evictingAfter(1);
    assert.equal(first, secondsBetween === Infinity ? 0 : 1);
    assert.equal(evictingAfter(98), first);
    assert.equal(evictingAfter(101), secondsBetween === Infinity ? 0 : 2);
    assert.ok(made.evicting.includes("b0"), "another zone goes on");
  }
});

Deno.test("when all are lost the server is cut off: taints go, and all begins anew with the first one back", () => {
  const made = new Outage();
  const settle = () => made.cluster.settle([made.loop]);
  made.setAll("a", 2, "True");
  made.setAll("b", 2, "True");
  settle();
  made.cluster.nowMs += HEARTBEAT_GRACE_MS;
  made.set("a0", "Unknown", { zone: "a" });
  settle();
  assert.deepEqual(made.evicting, ["a0"]);
  made.set("a1", "Unknown", { zone: "a" });
  made.setAll("b", 2, "Unknown");
  settle();
  assert.deepEqual(made.evicting, []);
  made.cluster.nowMs += 24 * 3_600 * SECOND;
  settle();
  assert.deepEqual(made.evicting, []);
  made.set("b1", "True", { zone: "b" });
  settle();
  assert.deepEqual(made.evicting, [], "the others have time to come back");
  made.cluster.nowMs += HEARTBEAT_GRACE_MS - 1;
  settle();
  assert.deepEqual(made.evicting, []);
  made.cluster.nowMs += 1 + 10 * SECOND;
  settle();
  assert.deepEqual(made.evicting, ["a1", "b0"]);
  const { timeAdded } = made.cluster.get(nodes, { name: "a1" })!.spec.taints!.at(-1)!;
  assert.equal(timeAdded, timestamp(made.cluster.nowMs), "what it had before does not count");
});

Deno.test("after a start of the server nodes that are lost have time to come back", () => {
  const made = outage();
  made.set("lost", "Unknown", { zone: "well" });
  made.pass(1);
  assert.deepEqual(made.evicting, ["lost"]);
  made.cluster.restartControllers();
  made.cluster.settle([made.loop]);
  assert.deepEqual(made.evicting, []);
  made.cluster.nowMs += HEARTBEAT_GRACE_MS - 1;
  made.cluster.settle([made.loop]);
  assert.deepEqual(made.evicting, []);
  made.cluster.nowMs += 1;
  made.cluster.settle([made.loop]);
  assert.deepEqual(made.evicting, ["lost"]);
});

Deno.test("a node that is not counted says nothing about its zone, but is evicted like others", () => {
  const made = new Outage();
  const labels = { "node.kubernetes.io/exclude-disruption": "" };
  made.set("server", "True", { labels });
  made.set("a", "True");
  made.set("b", "True");
  made.cluster.settle([made.loop]);
  made.cluster.nowMs += HEARTBEAT_GRACE_MS;
  made.set("a", "Unknown");
  made.set("b", "Unknown");
  made.cluster.settle([made.loop]);
  assert.deepEqual(made.evicting, [], "all that count are away");
  made.set("b", "True");
  made.set("server", "Unknown", { labels });
  made.cluster.settle([made.loop]);
  made.cluster.nowMs += HEARTBEAT_GRACE_MS + 10 * SECOND;
  made.cluster.settle([made.loop]);
  made.cluster.nowMs += 10 * SECOND;
  made.cluster.settle([made.loop]);
  assert.deepEqual(made.evicting, ["a", "server"]);
});

Deno.test("a node that is offline is told off only when a pod on it says for how long it would stay", () => {
  const made = outage();
  made.set("away", "Unknown", { zone: "well", reason: "Offline" });
  made.pass(1);
  assert.deepEqual(made.evicting, []);
  pod(made.cluster, "patient");
  pod(made.cluster, "loyal", [{ key: UNREACHABLE, operator: "Exists", effect: "NoExecute" }]);
  made.pass(1);
  assert.deepEqual(made.evicting, []);
  pod(made.cluster, "hasty", [stay(20)]);
  made.pass(1);
  assert.deepEqual(made.evicting, ["away"]);
  const left = () =>
    made.cluster.list(pods).filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name);
  made.cluster.settle([evictionController]);
  made.cluster.nowMs += 20 * SECOND - 1;
  made.cluster.settle([evictionController]);
  assert.equal(left().length, 3);
  made.cluster.nowMs += 1;
  made.cluster.settle([evictionController]);
  assert.deepEqual(left(), ["loyal", "patient"]);
  made.cluster.nowMs += 24 * 3_600 * SECOND;
  made.cluster.settle([evictionController]);
  assert.deepEqual(left(), ["loyal", "patient"]);
});

Deno.test("the end of the time alone begins ordinary eviction, with its whole time", () => {
  const made = outage();
  made.set("away", "Unknown", { zone: "well", reason: "Offline" });
  pod(made.cluster, "hasty", [stay(0)]);
  pod(made.cluster, "patient");
  made.pass(1);
  made.cluster.nowMs += 3_600 * SECOND;
  made.set("away", "Unknown", { zone: "well", reason: "NodeStatusUnknown" });
  made.look();
  const taint = made.cluster.get(nodes, { name: "away" })!.spec.taints!.find(({ effect }) =>
    effect === "NoExecute"
  );
  assert.deepEqual(taint, {
    key: UNREACHABLE,
    effect: "NoExecute",
    timeAdded: timestamp(made.cluster.nowMs),
  });
  made.cluster.settle([evictionController]);
  made.cluster.nowMs += 300 * SECOND - 1;
  made.cluster.settle([evictionController]);
  const isGoing = () =>
    made.cluster.get(pods, { namespace: "default", name: "patient" })!.metadata.deletionTimestamp;
  assert.equal(isGoing(), undefined);
  made.cluster.nowMs += 1;
  made.cluster.settle([evictionController]);
  assert.notEqual(isGoing(), undefined);
});

function stay(tolerationSeconds: number): object {
  return { key: UNREACHABLE, operator: "Exists", effect: "NoExecute", tolerationSeconds };
}

/** As admission makes it. */
function pod(cluster: TestCluster, name: string, tolerations: object[] = []): Pod {
  return cluster.put(pods, {
    metadata: { name },
    spec: {
      nodeName: "away",
      containers: [{ name: "a", image: "a" }],
      tolerations: withDefaultTolerations(tolerations as Pod["spec"]["tolerations"]),
    },
  });
}

Deno.test("whatever comes and goes: never faster than the rate, never when all are away", () => {
  const step = fc.record({
    node: fc.nat(5),
    status: fc.constantFrom<Word>("True", "False", "Unknown"),
    seconds: fc.nat(40),
    isGone: fc.nat(9).map((die) => die === 0),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const made = new Outage();
    for (let i = 0; i < 6; i++) made.set(`n${i}`, "True", { zone: i < 3 ? "a" : "b" });
    const added = new Map<string, number[]>();
    made.cluster.subscribe(nodes, ({ type, object }) => {
      const zone = object.metadata.labels![ZONE]!;
      const taint = object.spec.taints?.find(({ effect }) => effect === "NoExecute");
      if (type === "DELETED" || taint?.timeAdded !== timestamp(made.cluster.nowMs)) return;
      const times = added.get(zone) ?? [];
      if (times.at(-1) !== made.cluster.nowMs) added.set(zone, [...times, made.cluster.nowMs]);
    });
    for (const { node, status, seconds, isGone } of steps) {
      const name = `n${node}`;
      if (isGone) made.cluster.take(nodes, { name });
      else made.set(name, status, { zone: node < 3 ? "a" : "b" });
      made.cluster.nowMs += seconds * SECOND;
      made.cluster.settle([made.loop]);
      const all = made.cluster.list(nodes);
      const isAnyBack = all.some(({ status: { conditions } }) =>
        conditionOf(conditions, "Ready")?.status === "True"
      );
      const evicting = all.filter(({ spec }) =>
        spec.taints?.some(({ effect }) => effect === "NoExecute")
      );
      if (!isAnyBack) assert.equal(evicting.length, 0, "evicted although all are away");
    }
    for (const times of added.values()) {
      const gaps = times.slice(1).map((ms, i) => ms - times[i]!);
      assert.ok(gaps.every((ms) => ms >= 10 * SECOND), `${times}`);
    }
  }));
});

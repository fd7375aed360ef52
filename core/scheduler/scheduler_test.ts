import assert from "node:assert/strict";
import fc from "fast-check";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { milliValueOf, unitsOf } from "../schema/quantities.ts";
import type { Plan } from "../controllers/runtime/controller.ts";
import { conditionOf } from "../resources/conditions.ts";
import { timestamp } from "../lib/timestamp.ts";
import { TestCluster } from "../controllers/test_cluster.ts";
import { feasibleMax } from "./place.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { scheduler } from "./scheduler.ts";

/** A scheduler on a test cluster: keys are queued until `decide` is called. */
class Run {
  readonly cluster = new TestCluster();
  readonly #keys = new Set<string>();
  readonly #run = scheduler(PLUGINS).start(this.cluster, (key) => this.#keys.add(key));

  node(name: string, { amounts = {}, spec = {}, labels = {} } = {}): Node {
    const before = this.cluster.get(nodes, { name });
    const allocatable = { cpu: "4", memory: "8Gi", pods: "110", ...amounts };
    return this.cluster.put(nodes, {
      ...before,
      metadata: { ...before?.metadata, name, labels },
      spec,
      status: { allocatable },
    });
  }

  pod(name: string, { cpu = "100m", memory = "64Mi", spec = {}, owner = "" } = {}): Pod {
    const resources = { requests: { cpu, memory } };
    const reference = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: owner,
      uid: owner,
      controller: true,
    };
    return this.cluster.put(pods, {
      metadata: { name, ...(owner && { ownerReferences: [reference] }) },
      spec: { containers: [{ name: "a", image: "a", resources }], ...spec },
    });
  }

  /** The plans for all queued keys, without performing them. */
  plans(): Plan[] {
    const keys = [...this.#keys];
    this.#keys.clear();
    return keys.map((key) => this.#run.reconcile(key, this.cluster.moment));
  }

  decide(): void {
    for (let plans = this.plans(); plans.length > 0; plans = this.plans()) {
      for (const made of plans) this.cluster.perform(made);
    }
  }

  get waiting(): number {
    return this.#keys.size;
  }

  where(name: string): string | undefined {
    return this.cluster.get(pods, { namespace: "default", name })?.spec.nodeName;
  }

  why(name: string): string | undefined {
    const pod = this.cluster.get(pods, { namespace: "default", name })!;
    return conditionOf(pod.status.conditions, "PodScheduled")?.message;
  }
}

Deno.test("a pod is bound to a node that has room, with an event", () => {
  const run = new Run();
  run.node("n1");
  run.pod("web");
  run.decide();
  assert.equal(run.where("web"), "n1");
  assert.deepEqual(run.cluster.notices.map(({ reason, message }) => [reason, message]), [
    ["Scheduled", "Successfully assigned default/web to n1"],
  ]);
});

const NO_VICTIMS = "No preemption victims found for incoming pod";
const NOT_HELPFUL = "Preemption is not helpful for scheduling";
const taint = (key: string, value?: string) => ({
  key,
  effect: "NoSchedule",
  ...(value && { value }),
});

Deno.test("a pod that fits nowhere waits, with Kubernetes' words for it", () => {
  const rows: [string, (run: Run) => void, Parameters<Run["pod"]>[1], string][] = [
    ["no node at all", () => {}, {}, "no nodes available to schedule pods"],
    [
      "too small for the pod",
      (run) => run.node("n1"),
      { cpu: "5", memory: "9Gi" },
      `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
    ],
    [
      "full",
      (run) => {
        run.node("n1", { amounts: { pods: "1" } });
        run.pod("first", { cpu: "3" });
        run.decide();
      },
      { cpu: "2" },
      `0/1 nodes are available: 1 Insufficient cpu, 1 Too many pods. preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
    ],
    [
      "tainted, cordoned and small",
      (run) => {
        run.node("n1", { amounts: { memory: "1Gi" } });
        run.node("n2", { spec: { taints: [taint("node-role.kubernetes.io/control-plane")] } });
        run.node("n3", { spec: { taints: [taint("gpu", "yes")] } });
        run.node("n4", { spec: { unschedulable: true } });
      },
      { memory: "2Gi" },
      "0/4 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, " +
      "2 node(s) had untolerated taint(s). " +
      `preemption: 0/4 nodes are available: 4 ${NOT_HELPFUL}.`,
    ],
    [
      "other labels",
      (run) => run.node("n1", { labels: { disk: "hdd" } }),
      { spec: { nodeSelector: { disk: "ssd" } } },
      `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
    ],
    [
      "never to preempt",
      (run) => run.node("n1"),
      { cpu: "5", spec: { preemptionPolicy: "Never" } },
      "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
    ],
  ];
  for (const [title, prepare, setting, message] of rows) {
    const run = new Run();
    prepare(run);
    run.cluster.notices.length = 0;
    run.pod("web", setting);
    run.decide();
    assert.equal(run.where("web"), undefined, title);
    assert.equal(run.why("web"), message, title);
    assert.deepEqual(
      run.cluster.notices.map(({ type, reason, message }) => [type, reason, message]),
      [
        ["Warning", "FailedScheduling", message],
      ],
      title,
    );
  }
});

Deno.test("a host port is used once for each node, protocol and address", () => {
  const run = new Run();
  run.node("n1");
  const withPort = (hostPort: number, more = {}) => ({
    spec: {
      containers: [{ name: "a", image: "a", ports: [{ containerPort: 80, hostPort, ...more }] }],
    },
  });
  run.pod("a", withPort(8080));
  run.pod("b", withPort(8081));
  run.pod("c", withPort(8080, { protocol: "UDP" }));
  run.pod("d", withPort(9090, { hostIP: "127.0.0.1" }));
  run.decide();
  assert.deepEqual(["a", "b", "c", "d"].map((name) => run.where(name)), Array(4).fill("n1"));
  run.pod("e", withPort(8080));
  run.pod("f", withPort(9090));
  run.pod("g", withPort(9090, { hostIP: "127.0.0.2" }));
  run.decide();
  assert.deepEqual(["e", "f", "g"].map((name) => run.where(name)), [undefined, undefined, "n1"]);
  assert.equal(
    run.why("e"),
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. " +
      `preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
  );
  run.cluster.take(pods, { namespace: "default", name: "a" });
  run.decide();
  assert.equal(run.where("e"), "n1", "the port is free again");
});

Deno.test("node affinity, including matchFields, decides where pods go", () => {
  const required = (rule: object, list = "matchExpressions") => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ [list]: [rule] }] },
      },
    },
  });
  const rows: [object, string[]][] = [
    [required({ key: "zone", operator: "In", values: ["a"] }), ["n1"]],
    [required({ key: "zone", operator: "NotIn", values: ["a"] }), ["n2", "n3"]],
    [required({ key: "cores", operator: "Gt", values: ["4"] }), ["n2"]],
    [required({ key: "cores", operator: "DoesNotExist" }), ["n3"]],
    [required({ key: "metadata.name", operator: "In", values: ["n3"] }, "matchFields"), ["n3"]],
  ];
  for (const [spec, allowed] of rows) {
    const run = new Run();
    run.node("n1", { labels: { zone: "a", cores: "4" } });
    run.node("n2", { labels: { zone: "b", cores: "8" } });
    run.node("n3");
    for (const name of ["x", "y", "z"]) run.pod(name, { spec });
    run.decide();
    const used = ["x", "y", "z"].map((name) => run.where(name)!);
    assert.deepEqual([...new Set(used)].sort(), allowed);
  }
});

Deno.test("pods of one controller are spread over the nodes", () => {
  const run = new Run();
  for (const name of ["n1", "n2", "n3"]) run.node(name);
  for (let number = 0; number < 6; number++) run.pod(`web-${number}`, { owner: "web" });
  run.decide();
  const counts = new Map<string, number>();
  for (const { spec } of run.cluster.list(pods)) {
    counts.set(spec.nodeName!, (counts.get(spec.nodeName!) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [2, 2, 2]);
});

Deno.test("the profile that a pod names decides whether nodes are filled evenly or one after the other", () => {
  for (
    const [schedulerName, nodesUsed] of [["default-scheduler", 3], ["most-allocated-scheduler", 1]]
  ) {
    const run = new Run();
    for (const name of ["n1", "n2", "n3"]) run.node(name);
    for (const name of ["a", "b", "c"]) {
      run.pod(name, { cpu: "1", memory: "2Gi", spec: { schedulerName } });
    }
    run.decide();
    const used = new Set(["a", "b", "c"].map((name) => run.where(name)));
    assert.ok(!used.has(undefined));
    assert.equal(used.size, nodesUsed);
  }
});

Deno.test("a waiting pod is tried again when a node is added or a pod leaves, and only then", () => {
  const run = new Run();
  run.node("n1", { amounts: { cpu: "1" } });
  run.pod("big", { cpu: "900m" });
  run.decide();
  run.pod("web", { cpu: "500m" });
  run.decide();
  assert.equal(run.where("web"), undefined);
  run.cluster.patchStatus(pods, { namespace: "default", name: "big" }, { phase: "Running" });
  run.node("n1", { amounts: { cpu: "1" } });
  assert.equal(run.waiting, 0, "nothing relevant has changed");
  run.cluster.patchStatus(pods, { namespace: "default", name: "big" }, { phase: "Succeeded" });
  assert.equal(run.waiting, 1);
  run.decide();
  assert.equal(run.where("web"), "n1");
  run.pod("more", { cpu: "800m" });
  run.decide();
  assert.equal(run.where("more"), undefined);
  run.node("n2");
  run.decide();
  assert.equal(run.where("more"), "n2");
});

Deno.test("a waiting pod is tried again when a node is uncordoned, and when a taint is removed", () => {
  const taint = { key: "only", value: "others", effect: "NoSchedule" as const };
  for (const spec of [{ unschedulable: true }, { taints: [taint] }]) {
    const run = new Run();
    run.node("n1", { spec });
    run.pod("web");
    run.decide();
    assert.equal(run.where("web"), undefined);
    run.node("n1");
    run.decide();
    assert.equal(run.where("web"), "n1");
  }
});

Deno.test("pods count on their node before their bindings are visible, and no longer once these have failed", () => {
  const run = new Run();
  run.node("n1", { amounts: { cpu: "1" } });
  run.pod("a", { cpu: "600m" });
  run.pod("b", { cpu: "600m" });
  const plans = run.plans();
  const bound = plans.filter(({ writes }) => writes[0]?.verb === "act");
  assert.equal(bound.length, 1);
  run.cluster.perform(plans.find((made) => !bound.includes(made))!);
  run.cluster.take(pods, { namespace: "default", name: "a" });
  run.decide();
  assert.equal(run.where("b"), "n1");
});

Deno.test("a pod whose binding failed does not take its own room", () => {
  const run = new Run();
  run.node("n1", { amounts: { cpu: "1" } });
  run.pod("a", { cpu: "600m" });
  run.plans();
  run.cluster.patchStatus(pods, { namespace: "default", name: "a" }, { message: "changed" });
  run.decide();
  assert.equal(run.where("a"), "n1");
});

Deno.test("pods of other schedulers, gated pods and terminating pods are left alone", () => {
  const run = new Run();
  run.node("n1");
  run.pod("other", { spec: { schedulerName: "mine" } });
  run.pod("gated", { spec: { schedulingGates: [{ name: "wait" }] } });
  const ending = run.pod("ending", { spec: { schedulerName: "mine" } });
  run.cluster.put(pods, {
    ...ending,
    metadata: { ...ending.metadata, deletionTimestamp: timestamp(0) },
    spec: { ...ending.spec, schedulerName: "default-scheduler" },
  });
  run.decide();
  assert.deepEqual(
    ["other", "gated", "ending"].map((name) => run.where(name)),
    Array(3).fill(undefined),
  );
  assert.equal(run.why("gated"), "Scheduling is blocked due to non-empty scheduling gates");
  assert.equal(run.cluster.notices.length, 0);
});

Deno.test("init containers, sidecars and overhead count as in Kubernetes", () => {
  const run = new Run();
  run.node("n1", { amounts: { cpu: "1" } });
  const container = (name: string, cpu: string, more = {}) => ({
    name,
    image: "a",
    resources: { requests: { cpu } },
    ...more,
  });
  run.pod("tight", {
    spec: {
      overhead: { cpu: "100m" },
      initContainers: [
        container("side", "200m", { restartPolicy: "Always" }),
        container("init", "700m"),
      ],
      containers: [container("main", "300m")],
    },
  });
  run.decide();
  assert.equal(run.where("tight"), "n1", "max(200 + 300, 200 + 700) + 100 = 1000");
  run.cluster.take(pods, { namespace: "default", name: "tight" });
  run.pod("over", {
    spec: {
      overhead: { cpu: "101m" },
      initContainers: [
        container("side", "200m", { restartPolicy: "Always" }),
        container("init", "700m"),
      ],
      containers: [container("main", "300m")],
    },
  });
  run.decide();
  assert.equal(run.where("over"), undefined);
});

const step = fc.oneof(
  fc.record({
    do: fc.constant("pod" as const),
    cpu: fc.integer({ min: 0, max: 2000 }),
    memory: fc.nat(3000),
  }),
  fc.record({ do: fc.constant("end" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("fail" as const), which: fc.nat() }),
  fc.record({
    do: fc.constant("node" as const),
    which: fc.nat(4),
    cpu: fc.integer({ min: 500, max: 4000 }),
  }),
  fc.record({ do: fc.constant("drop" as const), which: fc.nat(4) }),
);

Deno.test("no node is ever overcommitted, whatever is created, deleted and fails in between", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const run = new Run();
      const { cluster } = run;
      const capacity = new Map<string, number>();
      steps.forEach((made, turn) => {
        const all = cluster.list(pods);
        const chosen = "which" in made ? all[made.which % (all.length || 1)] : undefined;
        if (made.do === "pod") {
          run.pod(`p${turn}`, { cpu: `${made.cpu}m`, memory: `${made.memory}Mi` });
        }
        if (made.do === "end" && chosen) cluster.take(pods, chosen.metadata);
        if (made.do === "fail" && chosen) {
          cluster.patchStatus(pods, chosen.metadata, { phase: "Failed" });
        }
        if (made.do === "drop") cluster.take(nodes, { name: `n${made.which}` });
        if (made.do === "node" && !cluster.get(nodes, { name: `n${made.which}` })) {
          capacity.set(`n${made.which}`, made.cpu);
          run.node(`n${made.which}`, {
            amounts: { cpu: `${made.cpu}m`, memory: "4Gi", pods: "5" },
          });
        }
        const before = placed(cluster);
        for (const plan of run.plans()) {
          if (turn % 3 !== 0 || plan.writes.length < 2) cluster.perform(plan);
        }
        assertFits(cluster, before, capacity);
      });
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

function placed(cluster: TestCluster): Set<string> {
  return new Set(
    cluster.list(pods).filter(({ spec }) => spec.nodeName).map(({ metadata }) => metadata.uid),
  );
}

/** A node that came back smaller may be overcommitted by the pods it had; no new pod may have been placed there. */
function assertFits(
  cluster: TestCluster,
  before: ReadonlySet<string>,
  capacity: ReadonlyMap<string, number>,
): void {
  for (const { metadata: { name } } of cluster.list(nodes)) {
    const there = cluster.list(pods).filter(({ spec, status }) =>
      spec.nodeName === name && status.phase !== "Failed"
    );
    if (there.every(({ metadata }) => before.has(metadata.uid))) continue;
    const requests = there.map(({ spec }) => spec.containers[0]!.resources.requests!);
    const cpu = requests.reduce((sum, amounts) => sum + milliValueOf(amounts["cpu"]!), 0);
    const memory = requests.reduce((sum, amounts) => sum + unitsOf(amounts["memory"]!), 0);
    assert.ok(cpu <= capacity.get(name)!, `${cpu}m of ${capacity.get(name)}m on ${name}`);
    assert.ok(memory <= 4 * 2 ** 30 && there.length <= 5, name);
  }
}

Deno.test("in a large cluster as many nodes are compared as kube-scheduler would", () => {
  const rows = [[1, 1], [100, 100], [101, 100], [300, 144], [1000, 420], [5000, 500], [6000, 300]];
  for (const [count, most] of rows) assert.equal(feasibleMax(count!), most, String(count));
});

Deno.test("amounts that a number cannot hold exactly are added and removed without a rest", () => {
  const run = new Run();
  run.node("n1");
  const pod = (name: string, memory: string) => run.pod(name, { memory, spec: { nodeName: "n1" } });
  const take = (name: string) => run.cluster.take(pods, { namespace: "default", name });
  pod("small", "1");
  pod("huge", "8Pi");
  take("huge");
  take("small");
  run.pod("web", { memory: "8Gi" });
  run.decide();
  assert.equal(run.where("web"), "n1");
});

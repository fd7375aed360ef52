import assert from "node:assert/strict";
import fc from "fast-check";
import type { Loop } from "../controllers/runtime/controller.ts";
import { TestCluster } from "../controllers/test_cluster.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { type HintedChange, type Plugin, refusal, tallyingPlugin } from "./plugin.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { scheduler } from "./scheduler.ts";
import type { Snapshot } from "./snapshot.ts";

/** A scheduler on a test cluster that decides when the test says so. */
class Run {
  readonly #keys = new Set<string>();
  readonly #run: ReturnType<Loop["start"]>;

  constructor(readonly cluster: TestCluster, plugins: readonly Plugin[]) {
    this.#run = scheduler(plugins).start(cluster, (key) => this.#keys.add(key));
  }

  /** Names of the pods that are queued to be tried. */
  get awake(): string[] {
    return [...this.#keys].map((key) => key.replace("default/", "")).sort();
  }

  /** Tries pods until none is queued. Returns how many were bound. */
  decide(): number {
    let bound = 0;
    for (const key of this.#keys) {
      this.#keys.delete(key);
      const made = this.#run.reconcile(key, this.cluster.moment);
      if (made.writes[0]?.verb === "act") bound++;
      this.cluster.perform(made);
    }
    return bound;
  }

  node(name: string, { amounts = {}, spec = {}, labels = {} } = {}): void {
    const before = this.cluster.get(nodes, { name });
    const allocatable = { cpu: "4", memory: "8Gi", pods: "110", ...amounts };
    const metadata = { ...before?.metadata, name, labels };
    this.cluster.put(nodes, { ...before, metadata, spec, status: { allocatable } });
  }

  pod(name: string, { cpu = "1", spec = {}, labels = {}, hostPort = 0 } = {}): void {
    const ports = hostPort ? [{ containerPort: 80, hostPort }] : [];
    const container = { name: "a", image: "a", resources: { requests: { cpu } }, ports };
    const before = this.cluster.get(pods, { namespace: "default", name });
    const metadata = { ...before?.metadata, name, labels };
    this.cluster.put(pods, { metadata, spec: { containers: [container], ...spec } });
  }

  take(name: string): void {
    this.cluster.take(pods, { namespace: "default", name });
  }

  where(name: string): string | undefined {
    return this.cluster.get(pods, { namespace: "default", name })?.spec.nodeName;
  }
}

function freshRun(plugins: readonly Plugin[] = PLUGINS): Run {
  return new Run(new TestCluster(), plugins);
}

Deno.test("a pod is woken by the changes that may help, and by no others", () => {
  const taints = [{ key: "only", value: "others", effect: "NoSchedule" }];
  const zone = (name: string) => ({ labels: { zone: name } });
  const rows: [
    title: string,
    pod: Parameters<Run["pod"]>[1],
    change: (run: Run) => void,
    woken: boolean,
  ][] = [
    ["room: a pod goes", { cpu: "2" }, (run) => run.take("large"), true],
    ["room: a pod goes that leaves too little", { cpu: "2" }, (run) => run.take("small"), false],
    ["room: the node grows", { cpu: "2" }, (run) => run.node("n", { amounts: { cpu: "6" } }), true],
    [
      "room: the node grows too little",
      { cpu: "2" },
      (run) => run.node("n", { amounts: { cpu: "4500m" } }),
      false,
    ],
    ["room: the node gets a label", { cpu: "2" }, (run) => run.node("n", zone("a")), false],
    ["room: a large node comes", { cpu: "2" }, (run) => run.node("m"), true],
    [
      "room: a small node comes",
      { cpu: "2" },
      (run) => run.node("m", { amounts: { cpu: "1" } }),
      false,
    ],
    ["port: its pod goes", { hostPort: 80 }, (run) => run.take("large"), true],
    ["port: another pod goes", { hostPort: 80 }, (run) => run.take("small"), false],
    [
      "port: the node grows",
      { hostPort: 80 },
      (run) => run.node("n", { amounts: { cpu: "9" } }),
      false,
    ],
    ["port: a node comes", { hostPort: 80 }, (run) => run.node("m"), true],
    [
      "label: the node gets it",
      { spec: { nodeSelector: { zone: "a" } } },
      (run) => run.node("n", zone("a")),
      true,
    ],
    [
      "label: the node gets another",
      { spec: { nodeSelector: { zone: "a" } } },
      (run) => run.node("n", zone("b")),
      false,
    ],
    [
      "label: a node comes with it",
      { spec: { nodeSelector: { zone: "a" } } },
      (run) => run.node("m", zone("a")),
      true,
    ],
    [
      "label: a node comes without it",
      { spec: { nodeSelector: { zone: "a" } } },
      (run) => run.node("m"),
      false,
    ],
    [
      "label: a pod goes",
      { spec: { nodeSelector: { zone: "a" } } },
      (run) => run.take("large"),
      false,
    ],
  ];
  for (const [title, wanted, change, woken] of rows) {
    const run = freshRun();
    run.node("n");
    run.pod("large", { cpu: "2500m", hostPort: 80 });
    run.pod("small", { cpu: "500m" });
    assert.equal(run.decide(), 2);
    run.pod("waiting", wanted);
    assert.equal(run.decide(), 0, title);
    change(run);
    assert.deepEqual(run.awake, woken ? ["waiting"] : [], title);
  }
  for (const spec of [{ unschedulable: true }, { taints }]) {
    const run = freshRun();
    run.node("n", { spec });
    run.pod("waiting");
    run.decide();
    run.node("n", { spec, labels: { zone: "a" } });
    assert.deepEqual(run.awake, []);
    run.node("n");
    assert.deepEqual(run.awake, ["waiting"]);
  }
});

Deno.test("a pod is woken when another pod shrinks, and when one turns out to be on another node", () => {
  const run = freshRun();
  run.node("n");
  run.node("m", { amounts: { cpu: "1" } });
  run.pod("large", { cpu: "3", spec: { nodeName: "n" } });
  run.pod("waiting", { cpu: "2" });
  run.decide();
  run.pod("large", { cpu: "2500m", spec: { nodeName: "n" } });
  assert.deepEqual(run.awake, []);
  run.pod("large", { cpu: "2", spec: { nodeName: "n" } });
  assert.deepEqual(run.awake, ["waiting"]);
  run.pod("large", { cpu: "3", spec: { nodeName: "n" } });
  run.decide();
  assert.deepEqual([run.where("waiting"), run.awake], [undefined, []]);
  run.pod("large", { cpu: "3", spec: { nodeName: "m" } });
  assert.deepEqual(run.awake, ["waiting"]);
});

Deno.test("a pod is woken when another pod, whose binding failed, is placed elsewhere", () => {
  const run = freshRun();
  const [zone, taint] = [{ zone: "a" }, { key: "only", effect: "NoSchedule" }];
  run.node("n", { amounts: { cpu: "2" }, labels: zone });
  run.pod("first", { cpu: "2" });
  const tolerations = [{ key: "only", operator: "Exists" }];
  run.pod("waiting", { cpu: "2", spec: { nodeSelector: zone, tolerations } });
  run.decide();
  assert.equal(run.where("first"), "n");
  run.node("m");
  run.node("n", { amounts: { cpu: "2" }, labels: zone, spec: { taints: [taint] } });
  run.decide();
  assert.equal(run.where("waiting"), undefined);
  run.pod("first", { cpu: "2" }); // its binding was lost
  run.decide();
  assert.deepEqual([run.where("first"), run.where("waiting")], ["m", "n"]);
});

Deno.test("a pod that waits in a cluster without nodes is woken by the first node", () => {
  const run = freshRun([]);
  run.pod("waiting");
  run.decide();
  run.node("n");
  assert.deepEqual(run.awake, ["waiting"]);
});

Deno.test("waiting pods are tried again when a node is deleted, because their messages count the nodes", () => {
  const run = freshRun();
  for (const name of ["m", "n"]) run.node(name, { spec: { unschedulable: true } });
  run.pod("waiting");
  run.decide();
  run.cluster.take(nodes, { name: "m" });
  assert.deepEqual(run.awake, ["waiting"]);
});

interface Leaders {
  leaders: string[];
}

function isLed(
  { metadata }: Pod,
  _snapshot: Snapshot,
  { tally }: HintedChange<Leaders>,
): boolean {
  return tally.leaders.includes(metadata.labels?.["follows"] ?? "");
}

/** Keeps a pod with the label `follows` to nodes that have a pod whose label `leads` has the same value. */
const following = tallyingPlugin<Leaders>({
  name: "Following",
  tally: {
    begin: () => ({ leaders: [] }),
    add: (tally, { metadata }) => void tally.leaders.push(metadata.labels?.["leads"] ?? ""),
    remove: (tally, { metadata }) =>
      void tally.leaders.splice(tally.leaders.indexOf(metadata.labels?.["leads"] ?? ""), 1),
  },
  filter: ({ metadata }) => (_node, { leaders }) =>
    leaders.includes(metadata.labels?.["follows"] ?? "") || !metadata.labels?.["follows"]
      ? undefined
      : refusal("no leader"),
  wakes: { podAdded: isLed, podChanged: isLed },
});

Deno.test("a placed pod wakes the pods that it may help according to a plugin", () => {
  const run = freshRun([...PLUGINS, following]);
  run.node("n");
  run.pod("follower", { labels: { follows: "a" } });
  run.pod("other", { labels: { follows: "b" } });
  assert.equal(run.decide(), 0);
  run.pod("leader", { labels: { leads: "a" } });
  assert.equal(run.decide(), 2);
  assert.deepEqual([run.where("follower"), run.where("other")], ["n", undefined]);
});

Deno.test("a plugin gets the changes of the kinds that it reads", () => {
  const asked: unknown[] = [];
  const openHours: Plugin = {
    name: "OpenHours",
    reads: [configMaps],
    filter: (_pod, { view }) => () =>
      view.get(configMaps, { namespace: "default", name: "open" }) ? undefined : refusal("closed"),
    wakes: {
      objectChanged: (_pod, _snapshot, { metadata: { name } }) => {
        asked.push(name);
        return name === "open";
      },
    },
  };
  const run = freshRun([openHours]);
  run.node("n");
  run.pod("waiting");
  run.decide();
  run.cluster.put(configMaps, { metadata: { name: "other" } });
  assert.deepEqual(run.awake, []);
  run.cluster.put(configMaps, { metadata: { name: "open" } });
  assert.deepEqual([run.awake, asked], [["waiting"], ["other", "open"]]);
  assert.equal(run.decide(), 1);
});

Deno.test("a plugin without a hint for the kinds that it reads wakes nobody when they change", () => {
  const never: Plugin = {
    name: "Never",
    reads: [configMaps],
    filter: () => () => refusal("never"),
    wakes: {},
  };
  const run = freshRun([never]);
  run.node("n");
  run.pod("waiting");
  run.decide();
  run.cluster.put(configMaps, { metadata: { name: "any" } });
  assert.deepEqual(run.awake, []);
});

Deno.test("a pod that no longer waits is not woken", () => {
  const run = freshRun();
  run.node("n");
  run.pod("large", { cpu: "4" });
  run.decide();
  for (const name of ["bound elsewhere", "deleted"]) run.pod(name);
  run.decide();
  run.pod("bound elsewhere", { spec: { nodeName: "unknown" } });
  run.take("deleted");
  run.take("large");
  assert.deepEqual(run.awake, []);
});

Deno.test("every change wakes a pod that was refused by a plugin without hints", () => {
  const never: Plugin = {
    name: "Never",
    reads: [configMaps],
    filter: () => () => refusal("never"),
  };
  const run = freshRun([never]);
  run.node("n");
  run.pod("waiting");
  run.decide();
  const changes = [
    () => run.node("m"),
    () => run.node("m", { labels: { zone: "a" } }),
    () => run.pod("bound", { spec: { nodeName: "m" } }),
    () => run.pod("bound", { spec: { nodeName: "m" }, labels: { a: "b" } }),
    () => run.take("bound"),
    () => run.cluster.put(configMaps, { metadata: { name: "any" } }),
  ];
  for (const change of changes) {
    change();
    assert.deepEqual(run.awake, ["waiting"], String(change));
    run.decide();
  }
});

Deno.test("the victims of a preemption are evicted, and the pod is placed once they are gone", () => {
  const preempting: Plugin = {
    name: "Preempting",
    preempt: (_pod, { nodes: [node] }) =>
      node === undefined
        ? { none: "no node", keepsNomination: false }
        : { node: node.name, victims: [...node.pods.values()] },
  };
  const run = freshRun([...PLUGINS.filter(({ preempt }) => !preempt), preempting]);
  run.node("n");
  run.pod("low", { cpu: "3" });
  run.decide();
  run.cluster.notices.length = 0;
  run.pod("high", { cpu: "2" });
  run.decide();
  const low = run.cluster.get(pods, { namespace: "default", name: "low" })!;
  const high = run.cluster.get(pods, { namespace: "default", name: "high" })!;
  assert.ok(low.metadata.deletionTimestamp);
  assert.equal(high.spec.nodeName, undefined);
  const [preempted] = run.cluster.notices;
  assert.deepEqual([preempted?.reason, preempted?.message], [
    "Preempted",
    `Preempted by pod ${high.metadata.uid} on node n`,
  ]);
  run.take("low");
  run.decide();
  assert.equal(run.where("high"), "n");
});

const TERM = { labelSelector: { matchLabels: { leads: "a" } }, topologyKey: "zone" };
const SPREAD = { ...TERM, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" };
/** What pods say about other pods, whose labels may change. */
const WISHES: Readonly<Record<string, object>> = {
  near: {
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [TERM] } },
  },
  apart: {
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [TERM] } },
  },
  spread: { topologySpreadConstraints: [SPREAD] },
  "spread over many": { topologySpreadConstraints: [{ ...SPREAD, minDomains: 2 }] },
};
const nodeName = fc.constantFrom("l", "m", "n");
const podName = fc.nat(7).map((number) => `p${number}`);
const label = fc.constantFrom("a", "b", undefined);
const step = fc.oneof(
  fc.record({
    do: fc.constant("node" as const),
    name: nodeName,
    cpu: fc.nat(4),
    count: fc.integer({ min: 1, max: 4 }),
    zone: label,
    taint: label,
    unschedulable: fc.boolean(),
  }),
  fc.record({ do: fc.constant("node gone" as const), name: nodeName }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pod" as const),
      name: podName,
      cpu: fc.integer({ min: 1, max: 5 }),
      zone: label,
      tolerates: label,
      hostPort: fc.constantFrom(0, 0, 80),
      leads: label,
      follows: label,
      wish: fc.constantFrom(undefined, undefined, ...Object.keys(WISHES)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pod gone" as const), name: podName }) },
  fc.record({ do: fc.constant("pod ends" as const), name: podName }),
  fc.record({ do: fc.constant("binding lost" as const), name: podName }),
  fc.record({ do: fc.constant("new label" as const), name: podName, leads: label }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function perform(run: Run, made: Step): void {
  const { cluster } = run;
  const pod = cluster.get<Pod>(pods, { namespace: "default", name: made.name });
  switch (made.do) {
    case "node": {
      const taints = made.taint ? [{ key: made.taint, effect: "NoSchedule" }] : [];
      return run.node(made.name, {
        amounts: { cpu: `${made.cpu}`, pods: `${made.count}` },
        labels: made.zone ? { zone: made.zone } : {},
        spec: { taints, unschedulable: made.unschedulable },
      });
    }
    case "node gone":
      return cluster.take(nodes, { name: made.name });
    case "pod": {
      if (pod !== undefined) return;
      const { zone, tolerates, leads, follows, wish } = made;
      const tolerations = tolerates ? [{ key: tolerates, operator: "Exists" }] : [];
      return run.pod(made.name, {
        cpu: `${made.cpu}`,
        hostPort: made.hostPort,
        labels: { ...leads && { leads }, ...!leads && follows && { follows } },
        spec: {
          tolerations,
          ...zone && { nodeSelector: { zone } },
          ...wish && WISHES[wish],
        },
      });
    }
    case "pod gone":
      return run.take(made.name);
    case "pod ends":
      if (pod) cluster.patchStatus(pods, pod.metadata, { phase: "Failed" });
      return;
    case "new label":
      if (pod) {
        const labels = made.leads ? { leads: made.leads } : {};
        cluster.put(pods, { ...pod, metadata: { ...pod.metadata, labels } });
      }
      return;
    case "binding lost":
      if (pod?.spec.nodeName) {
        const { nodeName: _, ...spec } = pod.spec;
        cluster.put(pods, { ...pod, spec });
      }
  }
}

Deno.test("whatever happens, no pod keeps waiting that a scheduler which tries all pods would place", () => {
  const plugins = [...PLUGINS, following];
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      const run = freshRun(plugins);
      for (const made of steps) {
        perform(run, made);
        run.decide();
        const afresh = new Run(run.cluster, plugins);
        assert.equal(afresh.decide(), 0, JSON.stringify(made));
      }
    }),
    { numRuns: 300, endOnFailure: true },
  );
});

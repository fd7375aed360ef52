import assert from "node:assert/strict";
import fc from "fast-check";
import { TestCluster } from "../../controllers/test_cluster.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import { NodeStates } from "../node_states.ts";
import type { Plugin } from "../plugin.ts";
import { interPodAffinity } from "./inter_pod_affinity.ts";
import { snapshotOf } from "./plugin_fixture.ts";
import { topologySpread } from "./topology_spread.ts";

/*
 * What the two plugins say, which sum up the cluster change by change, against models that look at every pod on every
 * node each time, written after Kubernetes' documentation.
 */

const NAMESPACES = { default: { team: "red" }, other: { team: "blue" }, third: {} };
const PLUGINS = [interPodAffinity, topologySpread];

type Term = NonNullable<
  NonNullable<NonNullable<Pod["spec"]["affinity"]>["podAffinity"]>[
    "requiredDuringSchedulingIgnoredDuringExecution"
  ]
>[number];
type Placed = { pod: Pod; node: Node };

const selector = fc.constantFrom<object | undefined>(
  undefined,
  {},
  { matchLabels: { app: "x" } },
  { matchLabels: { app: "y" } },
  { matchExpressions: [{ key: "app", operator: "NotIn", values: ["x"] }] },
  { matchExpressions: [{ key: "app", operator: "Exists" }] },
);
const topologyKey = fc.constantFrom("zone", "host", "rack");
const term = fc.record({
  topologyKey,
  labelSelector: selector,
  namespaces: fc.constantFrom(undefined, [], ["other"], ["default", "third"]),
  namespaceSelector: fc.constantFrom<object | undefined>(
    undefined,
    undefined,
    {},
    { matchLabels: { team: "blue" } },
    { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] },
  ),
});
const terms = fc.oneof(fc.constant([]), fc.array(term, { minLength: 1, maxLength: 2 }));
const weighted = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: term }),
  { maxLength: 1 },
);
const constraint = fc.record({
  topologyKey,
  maxSkew: fc.integer({ min: 1, max: 2 }),
  whenUnsatisfiable: fc.constantFrom("DoNotSchedule", "ScheduleAnyway"),
  labelSelector: selector,
  minDomains: fc.constantFrom(undefined, 1, 2, 4),
  nodeAffinityPolicy: fc.constantFrom(undefined, "Honor", "Ignore"),
  nodeTaintsPolicy: fc.constantFrom(undefined, "Honor", "Ignore"),
  matchLabelKeys: fc.constantFrom(undefined, ["tier"]),
});
const wishes = fc.record({
  namespace: fc.constantFrom(...Object.keys(NAMESPACES)),
  labels: fc.constantFrom({}, { app: "x" }, { app: "y" }, { app: "x", tier: "1" }, { tier: "1" }),
  near: terms,
  far: terms,
  nearPreferred: weighted,
  farPreferred: weighted,
  constraints: fc.oneof(fc.constant([]), fc.array(constraint, { maxLength: 2 })),
  nodeSelector: fc.constantFrom(undefined, undefined, { disk: "ssd" }),
  tolerates: fc.boolean(),
});
type Wishes = typeof wishes extends fc.Arbitrary<infer W> ? W : never;

const nodeName = fc.constantFrom("n0", "n1", "n2", "n3");
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("place" as const), nodeName, wishes }) },
  fc.record({ do: fc.constant("release" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("end" as const), which: fc.nat() }),
  fc.record({
    do: fc.constant("node" as const),
    nodeName,
    zone: fc.constantFrom(undefined, "a", "b"),
    rack: fc.constantFrom(undefined, "1", "2", "3"),
    disk: fc.constantFrom(undefined, "ssd"),
    isTainted: fc.boolean(),
  }),
  fc.record({ do: fc.constant("node gone" as const), nodeName }),
);

function podOf(uid: string, made: Wishes): Pod {
  const { namespace, labels, constraints, nodeSelector, tolerates } = made;
  const parts = (required: unknown, preferred: unknown) => ({
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
  });
  return {
    metadata: { name: uid, uid, namespace, labels },
    spec: {
      containers: [],
      affinity: {
        podAffinity: parts(made.near, made.nearPreferred),
        podAntiAffinity: parts(made.far, made.farPreferred),
      },
      topologySpreadConstraints: constraints,
      nodeSelector,
      tolerations: tolerates ? [{ operator: "Exists" }] : [],
    },
    status: {},
  } as unknown as Pod;
}

function clusterOf(): TestCluster {
  const cluster = new TestCluster();
  for (const [name, labels] of Object.entries(NAMESPACES)) {
    cluster.put(namespaces, { metadata: { name, labels } });
  }
  return cluster;
}

/** Nodes and pods, and the states that the scheduler keeps of them. */
class History {
  readonly states = new NodeStates(PLUGINS);
  readonly view = clusterOf();
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, { pod: Pod; nodeName: string }>();
  #count = 0;

  perform(made: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
    const chosen = "which" in made && [...this.pods.values()][made.which % (this.pods.size || 1)];
    switch (made.do) {
      case "place":
        return this.#place(podOf(`p${this.#count++}`, made.wishes), made.nodeName);
      case "release":
        if (!chosen) return;
        this.pods.delete(chosen.pod.metadata.uid);
        this.states.release(chosen.pod.metadata.uid);
        return;
      case "end": {
        if (!chosen) return;
        const { pod } = chosen;
        const metadata = { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
        return this.#place({ ...pod, metadata } as Pod, chosen.nodeName);
      }
      case "node": {
        const { nodeName: name, zone, rack, disk, isTainted } = made;
        const labels = {
          host: name,
          ...zone && { zone },
          ...rack && { rack },
          ...disk && { disk },
        };
        const taints = isTainted ? [{ key: "t", effect: "NoSchedule" }] : [];
        const node = { metadata: { name, labels }, spec: { taints }, status: {} };
        this.nodes.set(name, node as unknown as Node);
        this.states.setNode(node as unknown as Node);
        return;
      }
      case "node gone":
        this.nodes.delete(made.nodeName);
        this.states.removeNode(made.nodeName);
    }
  }

  #place(pod: Pod, on: string): void {
    this.pods.set(pod.metadata.uid, { pod, nodeName: on });
    this.states.place(pod, on);
  }

  /** Pods on nodes that exist. */
  get placed(): Placed[] {
    return [...this.pods.values()].flatMap(({ pod, nodeName }) => {
      const node = this.nodes.get(nodeName);
      return node ? [{ pod, node }] : [];
    });
  }

  /** What a plugin says of each node. */
  saidBy(plugin: Plugin, pod: Pod) {
    const snapshot = snapshotOf(this.states, { view: this.view });
    const index = PLUGINS.indexOf(plugin);
    const cluster = this.states.clusterTallies[index];
    const filter = plugin.filter!(pod, snapshot, cluster);
    const score = plugin.score!(pod, snapshot, cluster, snapshot.nodes);
    return snapshot.nodes.map((state) => ({
      node: state.name,
      refusal: filter?.(state, state.tallies[index])?.reasons[0],
      score: score?.(state, state.tallies[index]),
    }));
  }
}

function isAbout(
  { namespaces: names = [], namespaceSelector, labelSelector }: Term,
  of: Pod,
  it: Pod,
) {
  const { namespace, labels } = it.metadata;
  const isNamespace = names.length === 0 && namespaceSelector === undefined
    ? namespace === of.metadata.namespace
    : names.includes(namespace) ||
      (namespaceSelector !== undefined &&
        matches(
          selectorOf(namespaceSelector as never),
          NAMESPACES[namespace as keyof typeof NAMESPACES],
        ));
  return isNamespace && matches(selectorOf(labelSelector), labels);
}

const domainOf = (node: Node, key: string): string | undefined => node.metadata.labels?.[key];
const near = (a: Node, b: Node, key: string): boolean =>
  domainOf(a, key) !== undefined && domainOf(a, key) === domainOf(b, key);

function affinityOf({ spec: { affinity } }: Pod) {
  const { podAffinity, podAntiAffinity } = affinity!;
  return {
    near: podAffinity!.requiredDuringSchedulingIgnoredDuringExecution!,
    far: podAntiAffinity!.requiredDuringSchedulingIgnoredDuringExecution!,
    preferred: [
      ...podAffinity!.preferredDuringSchedulingIgnoredDuringExecution!.map((each) => ({
        ...each,
        sign: 1,
      })),
      ...podAntiAffinity!.preferredDuringSchedulingIgnoredDuringExecution!.map((each) => ({
        ...each,
        sign: -1,
      })),
    ],
  };
}

function refusalByAffinity(pod: Pod, node: Node, placed: readonly Placed[]): string | undefined {
  const own = affinityOf(pod);
  const wanted = placed.filter((other) => own.near.every((each) => isAbout(each, pod, other.pod)));
  const isMet = own.near.every(({ topologyKey }) =>
    wanted.some((other) => near(other.node, node, topologyKey))
  );
  const isFirst = own.near.every((each) =>
    isAbout(each, pod, pod) && domainOf(node, each.topologyKey) !== undefined &&
    !wanted.some((other) => domainOf(other.node, each.topologyKey) !== undefined)
  );
  if (!isMet && !isFirst) return "node(s) didn't match pod affinity rules";
  const isTooNear = own.far.some((each) =>
    placed.some((other) =>
      isAbout(each, pod, other.pod) && near(other.node, node, each.topologyKey)
    )
  );
  if (isTooNear) return "node(s) didn't match pod anti-affinity rules";
  const isUnwanted = placed.some((other) =>
    affinityOf(other.pod).far.some((each) =>
      isAbout(each, other.pod, pod) && near(other.node, node, each.topologyKey)
    )
  );
  return isUnwanted ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined;
}

function nearness(pod: Pod, node: Node, placed: readonly Placed[]): number {
  let sum = 0;
  for (const other of placed) {
    for (const { weight, sign, podAffinityTerm: each } of affinityOf(pod).preferred) {
      const counts = isAbout(each, pod, other.pod) && near(other.node, node, each.topologyKey);
      if (counts) sum += sign * weight;
    }
    for (const { weight, sign, podAffinityTerm: each } of affinityOf(other.pod).preferred) {
      const counts = isAbout(each, other.pod, pod) && near(other.node, node, each.topologyKey);
      if (counts) sum += sign * weight;
    }
    for (const each of affinityOf(other.pod).near) {
      if (isAbout(each, other.pod, pod) && near(other.node, node, each.topologyKey)) sum++;
    }
  }
  return sum;
}

function constraintsOf(pod: Pod, action: string) {
  return (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) =>
    whenUnsatisfiable === action
  ).map((each) => ({
    ...each,
    isAbout: ({ metadata: { namespace, labels } }: Pod) =>
      namespace === pod.metadata.namespace && matches(selectorOf(each.labelSelector), labels) &&
      (each.matchLabelKeys ?? []).every((key) =>
        pod.metadata.labels?.[key] === undefined || labels?.[key] === pod.metadata.labels[key]
      ),
    isEmpty: each.labelSelector !== undefined && Object.keys(each.labelSelector).length === 0 &&
      !(each.matchLabelKeys ?? []).some((key) => pod.metadata.labels?.[key] !== undefined),
    isCounted: (node: Node) =>
      (each.nodeAffinityPolicy === "Ignore" || pod.spec.nodeSelector === undefined ||
        node.metadata.labels?.["disk"] === "ssd") &&
      (each.nodeTaintsPolicy !== "Honor" || pod.spec.tolerations!.length > 0 ||
        node.spec.taints!.length === 0),
  }));
}

function refusalBySpread(pod: Pod, node: Node, { nodes, placed }: History): string | undefined {
  const constraints = constraintsOf(pod, "DoNotSchedule");
  for (const each of constraints) {
    const { topologyKey, maxSkew, minDomains = 1 } = each;
    const domain = domainOf(node, topologyKey);
    const words = "node(s) didn't match pod topology spread constraints";
    if (domain === undefined) return `${words} (missing required label)`;
    const eligible = [...nodes.values()].filter((other) =>
      each.isCounted(other) &&
      constraints.every(({ topologyKey }) => domainOf(other, topologyKey) !== undefined)
    );
    const counts = new Map<string, number>();
    for (const other of eligible) {
      const there = placed.filter((it) => it.node === other && isCountedPod(each, it.pod));
      const key = domainOf(other, topologyKey)!;
      counts.set(key, (counts.get(key) ?? 0) + there.length);
    }
    const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
    const self = each.isAbout(pod) ? 1 : 0;
    const count = counts.get(domain) ?? 0;
    if (count + self - (counts.size === 0 ? 0 : least) > maxSkew) return words;
  }
  return undefined;
}

function isCountedPod({ isAbout, isEmpty }: ReturnType<typeof constraintsOf>[number], pod: Pod) {
  return !isEmpty && isAbout(pod) && pod.metadata.deletionTimestamp === undefined;
}

function evenness(pod: Pod, node: Node, { nodes, placed }: History): number | undefined {
  const constraints = constraintsOf(pod, "ScheduleAnyway");
  if (constraints.length === 0) return undefined;
  const hasAll = (other: Node) =>
    constraints.every(({ topologyKey }) => domainOf(other, topologyKey) !== undefined);
  if (!hasAll(node)) return -1;
  const compared = [...nodes.values()].filter(hasAll);
  const sum = constraints.reduce((total, each) => {
    const { topologyKey, maxSkew } = each;
    const size = new Set(compared.map((other) => domainOf(other, topologyKey))).size;
    const count = placed.filter((it) =>
      isCountedPod(each, it.pod) && hasAll(it.node) && each.isCounted(it.node) &&
      near(it.node, node, topologyKey)
    ).length;
    return total + count * Math.log(size + 2) + maxSkew - 1;
  }, 0);
  return Math.round(sum);
}

Deno.test("after any history pods are kept near and apart as by a look at every pod", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.array(wishes, { minLength: 3, maxLength: 3 }),
      (steps, asked) => {
        const history = new History();
        const pods = asked.map((each, i) => podOf(`asked${i}`, each));
        for (const made of steps) {
          history.perform(made);
          for (const pod of pods) {
            for (const { node: name, refusal, score } of history.saidBy(interPodAffinity, pod)) {
              const node = history.nodes.get(name)!;
              assert.equal(refusal, refusalByAffinity(pod, node, history.placed), name);
              assert.equal(score ?? 0, nearness(pod, node, history.placed), name);
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("after any history pods are spread as by a look at every pod", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.array(wishes, { minLength: 3, maxLength: 3 }),
      (steps, asked) => {
        const history = new History();
        const pods = asked.map((each, i) => podOf(`asked${i}`, each));
        for (const made of steps) {
          history.perform(made);
          for (const pod of pods) {
            for (const { node: name, refusal, score } of history.saidBy(topologySpread, pod)) {
              const node = history.nodes.get(name)!;
              assert.equal(refusal, refusalBySpread(pod, node, history), name);
              assert.equal(score, evenness(pod, node, history), name);
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("a waiting pod is woken by pods that it, or they, say something about, and by no others", () => {
  const none = { near: [], far: [], nearPreferred: [], farPreferred: [], constraints: [] };
  const of = (labels: object, more: object = {}) =>
    podOf("p", { ...none, namespace: "default", labels, tolerates: false, ...more } as never);
  const about = (app: string) => ({ topologyKey: "zone", labelSelector: { matchLabels: { app } } });
  const spread = (app: string) => ({
    ...about(app),
    maxSkew: 1,
    whenUnsatisfiable: "DoNotSchedule",
  });
  const rows: [
    title: string,
    plugin: Plugin,
    waiting: Pod,
    pod: Pod,
    before: Pod | undefined,
    woken: boolean,
  ][] = [
    ["near", interPodAffinity, of({}, { near: [about("x")] }), of({ app: "x" }), undefined, true],
    [
      "near another",
      interPodAffinity,
      of({}, { near: [about("y")] }),
      of({ app: "x" }),
      undefined,
      false,
    ],
    [
      "one of two",
      interPodAffinity,
      of({}, { near: [about("y"), about("x")] }),
      of({ app: "x" }),
      undefined,
      true,
    ],
    ["far", interPodAffinity, of({}, { far: [about("x")] }), of({ app: "x" }), undefined, true],
    [
      "far from another",
      interPodAffinity,
      of({}, { far: [about("y")] }),
      of({ app: "x" }),
      undefined,
      false,
    ],
    [
      "unwanted",
      interPodAffinity,
      of({ app: "x" }),
      of({}, { far: [about("y"), about("x")] }),
      undefined,
      true,
    ],
    [
      "unwanted is another",
      interPodAffinity,
      of({ app: "y" }),
      of({}, { far: [about("x")] }),
      undefined,
      false,
    ],
    [
      "wanted by it",
      interPodAffinity,
      of({ app: "x" }),
      of({}, { near: [about("x")] }),
      undefined,
      false,
    ],
    ["was near", interPodAffinity, of({}, { near: [about("x")] }), of({}), of({ app: "x" }), true],
    [
      "never was",
      interPodAffinity,
      of({}, { near: [about("x")] }),
      of({}),
      of({ app: "y" }),
      false,
    ],
    [
      "spread",
      topologySpread,
      of({}, { constraints: [spread("x")] }),
      of({ app: "x" }),
      undefined,
      true,
    ],
    [
      "spread, second",
      topologySpread,
      of({}, { constraints: [spread("y"), spread("x")] }),
      of({ app: "x" }),
      undefined,
      true,
    ],
    [
      "spread of others",
      topologySpread,
      of({}, { constraints: [spread("y")] }),
      of({ app: "x" }),
      undefined,
      false,
    ],
    [
      "was spread",
      topologySpread,
      of({}, { constraints: [spread("x")] }),
      of({}),
      of({ app: "x" }),
      true,
    ],
    [
      "another namespace",
      topologySpread,
      of({}, { constraints: [spread("x")] }),
      of({ app: "x" }, { namespace: "other" }),
      undefined,
      false,
    ],
  ];
  const history = new History();
  history.perform({
    do: "node",
    nodeName: "n0",
    zone: "a",
    rack: undefined,
    disk: undefined,
    isTainted: false,
  });
  const snapshot = snapshotOf(history.states, { view: history.view });
  const node = snapshot.nodes[0]!;
  for (const [title, { wakes }, waiting, pod, podBefore, woken] of rows) {
    const change = {
      node,
      tally: undefined,
      cluster: undefined,
      pod,
      ...(podBefore && { podBefore }),
    };
    for (const type of ["podAdded", "podChanged", "podRemoved"] as const) {
      assert.equal(wakes![type]!(waiting, snapshot, change), woken, `${title} ${type}`);
    }
  }
});

Deno.test("a waiting pod is woken when labels of a node change, or of a namespace that matters to it", () => {
  const history = new History();
  history.perform({
    do: "node",
    nodeName: "n0",
    zone: "a",
    rack: undefined,
    disk: undefined,
    isTainted: false,
  });
  const snapshot = snapshotOf(history.states, { view: history.view });
  const node = snapshot.nodes[0]!;
  const before = (labels: object | undefined, taints: object[] = []) =>
    ({ metadata: { name: "n0", labels }, spec: { taints } }) as unknown as Node;
  const same = { host: "n0", zone: "a" };
  const rows: [Node, affinity: boolean, spread: boolean][] = [
    [before(same), false, false],
    [before({ zone: "a", host: "n0" }), false, false],
    [before({ ...same, zone: "b" }), true, true],
    [before({ host: "n0" }), true, true],
    [before({ ...same, more: "" }), true, true],
    [before({ host: "n0", other: "a" }), true, true],
    [before(undefined), true, true],
    [before(same, [{ key: "t", effect: "NoSchedule" }]), false, true],
  ];
  const waiting = podOf("p", {
    ...{ namespace: "default", labels: {}, near: [], far: [], nearPreferred: [], farPreferred: [] },
    ...{ constraints: [], nodeSelector: undefined, tolerates: false },
  });
  for (const [nodeBefore, affinity, spread] of rows) {
    const change = { node, tally: undefined, cluster: undefined, nodeBefore };
    const title = JSON.stringify(nodeBefore);
    assert.equal(interPodAffinity.wakes!.nodeChanged!(waiting, snapshot, change), affinity, title);
    assert.equal(topologySpread.wakes!.nodeChanged!(waiting, snapshot, change), spread, title);
  }
  const term = (more: object) => [{ topologyKey: "zone", labelSelector: {}, ...more }];
  const selecting = { namespaceSelector: { matchLabels: { team: "blue" } } };
  const pods: [Pod, string, boolean][] = [
    [waiting, "default", true],
    [waiting, "other", false],
    [podOf("p", { ...wishesOf(waiting), near: term({}) as never }), "other", false],
    [podOf("p", { ...wishesOf(waiting), near: term(selecting) as never }), "other", true],
    [
      podOf("p", { ...wishesOf(waiting), far: [...term({}), ...term(selecting)] as never }),
      "other",
      true,
    ],
  ];
  for (const [pod, name, woken] of pods) {
    const changed = { metadata: { name } } as never;
    assert.equal(interPodAffinity.wakes!.objectChanged!(pod, snapshot, changed), woken, name);
  }
});

function wishesOf({ metadata: { namespace } }: Pod): Wishes {
  return {
    ...{ namespace, labels: {}, near: [], far: [], nearPreferred: [], farPreferred: [] },
    ...{ constraints: [], nodeSelector: undefined, tolerates: false },
  } as Wishes;
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { NodeStates } from "./node_states.ts";
import type { Plugin } from "./plugin.ts";
import { capacity, type Usage } from "./plugins/capacity.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { nodePorts, type PortsInUse } from "./plugins/node_ports.ts";

function node(name: string, { amounts = {}, labels = {}, spec = {}, capacity = {} } = {}): Node {
  const allocatable = { cpu: "4", memory: "8Gi", pods: "110", ...amounts };
  return { metadata: { name, labels }, spec, status: { allocatable, capacity } } as unknown as Node;
}

function pod(uid: string, { requests = {}, owner = "", hostPort = 0 } = {}): Pod {
  const ports = hostPort ? [{ containerPort: hostPort, hostPort, protocol: "TCP" }] : [];
  const ownerReferences = owner ? [{ uid: owner, controller: true }] : [];
  return {
    metadata: { uid, ownerReferences },
    spec: { containers: [{ name: "c", resources: { requests }, ports }] },
  } as unknown as Pod;
}

function freshStates(): NodeStates {
  return new NodeStates(PLUGINS);
}

function stateOf(states: NodeStates, name: string) {
  return states.all().find((candidate) => candidate.name === name);
}

/** The tallies of a node. */
function seen(states: NodeStates, name: string) {
  const state = stateOf(states, name);
  if (state === undefined) return undefined;
  const tallyOf = (plugin: Plugin) => state.tallies[PLUGINS.indexOf(plugin)];
  const usage = tallyOf(capacity) as Usage;
  assert.equal(usage.podCount, state.pods.size);
  return {
    free: Object.fromEntries(usage.free),
    podCount: usage.podCount,
    assumed: [usage.cpuMillisOrDefault, usage.memoryBytesOrDefault],
    hostPorts: (tallyOf(nodePorts) as PortsInUse).ports.map(({ port }) => port),
  };
}

Deno.test("nodes are ordered by name, and deleted ones are absent", () => {
  const states = freshStates();
  const names = () => states.all().map(({ name }) => name);
  assert.deepEqual(names(), []);
  for (const name of ["b", "c", "a"]) states.setNode(node(name));
  assert.deepEqual(names(), ["a", "b", "c"]);
  const known = states.all();
  states.setNode(node("b", { labels: { zone: "x" } }));
  assert.equal(states.all(), known, "a changed node makes no new list");
  states.removeNode("b");
  states.removeNode("never there");
  assert.deepEqual(names(), ["a", "c"]);
});

Deno.test("a node that is new, or has other labels, taints or amounts, is a change that can matter", () => {
  const states = freshStates();
  assert.equal(states.setNode(node("n"))?.type, "nodeAdded");
  assert.equal(states.setNode(node("n")), undefined);
  assert.equal(states.setNode(node("n", { labels: { a: "b" } }))?.type, "nodeChanged");
  assert.equal(
    states.setNode(node("n", { labels: { a: "b" }, spec: { podCIDR: "x" } })),
    undefined,
  );
  assert.equal(states.setNode(node("n", { spec: { unschedulable: true } }))?.type, "nodeChanged");
  assert.equal(
    states.setNode(node("n", { spec: { taints: [{ key: "k" }] } }))?.type,
    "nodeChanged",
  );
  assert.equal(
    states.setNode(node("n", { spec: { taints: [{ key: "k" }] }, amounts: { cpu: "5" } }))?.type,
    "nodeChanged",
  );
});

Deno.test("what pods request is taken from their node, and given back when they leave it", () => {
  const states = freshStates();
  states.setNode(node("n", { amounts: { cpu: "4", memory: "1000", pods: "3" } }));
  const empty = seen(states, "n");
  assert.deepEqual(empty?.free, { cpu: 4000, memory: 1000, pods: 3 });
  states.place(
    pod("a", { requests: { cpu: "1500m", memory: "400" }, owner: "o", hostPort: 80 }),
    "n",
  );
  states.place(pod("b", { owner: "o", hostPort: 81 }), "n");
  assert.deepEqual(seen(states, "n"), {
    free: { cpu: 2500, memory: 600, pods: 3 },
    podCount: 2,
    assumed: [1500 + 100, 400 + 200 * 1024 * 1024],
    hostPorts: [80, 81],
  });
  const released = states.release("a");
  assert.deepEqual([released?.type, released?.state], ["podRemoved", stateOf(states, "n")]);
  assert.deepEqual(seen(states, "n")?.hostPorts, [81]);
  assert.equal(states.release("b")?.state.name, "n");
  assert.equal(states.release("b"), undefined);
  assert.deepEqual(seen(states, "n"), empty);
});

Deno.test("a pod counts once, on its last node, with its present requests", () => {
  const states = freshStates();
  for (const name of ["m", "n"]) states.setNode(node(name, { amounts: { cpu: "1" } }));
  states.place(pod("a", { requests: { cpu: "300m" } }), "m");
  states.place(pod("a", { requests: { cpu: "400m" } }), "m");
  assert.equal(seen(states, "m")?.free.cpu, 600);
  const moved = pod("a", { requests: { cpu: "500m" } });
  states.place(moved, "n");
  states.place(moved, "n");
  assert.equal(seen(states, "m")?.free.cpu, 1000);
  assert.equal(seen(states, "m")?.podCount, 0);
  assert.equal(seen(states, "n")?.free.cpu, 500);
  assert.equal(seen(states, "n")?.podCount, 1);
});

Deno.test("pods on a node that does not exist yet, or is away for a while, count when it is added", () => {
  const states = freshStates();
  states.place(pod("a", { requests: { cpu: "1" } }), "n");
  assert.equal(seen(states, "n"), undefined);
  states.setNode(node("n"));
  assert.equal(seen(states, "n")?.free.cpu, 3000);
  states.removeNode("n");
  assert.equal(seen(states, "n"), undefined);
  states.setNode(node("n", { amounts: { cpu: "2" } }));
  assert.equal(seen(states, "n")?.free.cpu, 1000);
  states.removeNode("n");
  states.release("a");
  states.setNode(node("n"));
  assert.deepEqual([seen(states, "n")?.free.cpu, seen(states, "n")?.podCount], [4000, 0]);
});

Deno.test("of what a node does not have nothing is free, and a negative amount once it is used", () => {
  const states = freshStates();
  states.setNode(node("n"));
  states.place(pod("a", { requests: { "example.com/gpu": "2" } }), "n");
  assert.equal(seen(states, "n")?.free["example.com/gpu"], -2);
  states.setNode(node("n", { labels: { a: "b" } }));
  assert.equal(seen(states, "n")?.free["example.com/gpu"], -2);
});

Deno.test("a node's amounts are allocatable, else capacity, else nothing", () => {
  const states = freshStates();
  const bare = (status: object) =>
    ({ metadata: { name: "n" }, spec: {}, status }) as unknown as Node;
  states.setNode(bare({ capacity: { cpu: "2", memory: "5", pods: "7" } }));
  const amounts = () => {
    const usage = states.all()[0]!.tallies[PLUGINS.indexOf(capacity)] as Usage;
    return [usage.cpuMillis, usage.memoryBytes, usage.podsMax];
  };
  assert.deepEqual(amounts(), [2000, 5, 7]);
  states.setNode(bare({}));
  assert.deepEqual(amounts(), [0, 0, 0]);
});

Deno.test("a pod that is added, changed, moved or removed is a change of each node concerned", () => {
  const states = freshStates();
  for (const name of ["m", "n"]) states.setNode(node(name));
  const changes = (made: ReturnType<NodeStates["place"]>) =>
    made.map(({ type, state }) => `${type} ${state.name}`);
  const labelled = (labels: object, nodeName?: string) => {
    const { metadata, spec } = pod("a");
    return { metadata: { ...metadata, labels }, spec: { ...spec, nodeName } } as unknown as Pod;
  };
  assert.deepEqual(changes(states.place(labelled({}), "n")), ["podAdded n"]);
  assert.deepEqual(changes(states.place(labelled({}, "n"), "n")), []);
  assert.deepEqual(changes(states.place(labelled({ a: "b" }, "n"), "n")), ["podChanged n"]);
  assert.deepEqual(changes(states.place(labelled({ a: "b" }), "m")), [
    "podRemoved n",
    "podAdded m",
  ]);
  assert.deepEqual(changes(states.place(labelled({}), "unknown")), ["podRemoved m"]);
  assert.equal(states.release("a"), undefined);
  assert.deepEqual(changes([states.setNode(node("unknown"))!]), ["nodeAdded unknown"]);
  assert.equal(stateOf(states, "unknown")?.pods.size, 0);
});

Deno.test("a node that was deleted is forgotten once it has no pods", () => {
  const states = freshStates();
  const first = states.setNode(node("n"))!.state;
  states.removeNode("n");
  const second = states.setNode(node("n"))!.state;
  assert.notEqual(second, first);
  states.place(pod("a"), "n");
  states.removeNode("n");
  assert.equal(states.setNode(node("n"))!.state, second, "it still had a pod");
  states.removeNode("n");
  states.release("a");
  assert.notEqual(states.setNode(node("n"))!.state, second);
});

Deno.test("the pods on a node are the newest versions", () => {
  const states = freshStates();
  states.setNode(node("n"));
  const newer = { ...pod("a"), status: { phase: "Running" } } as Pod;
  states.place(pod("a"), "n");
  states.place(newer, "n");
  assert.equal(stateOf(states, "n")?.pods.get("a"), newer);
});

Deno.test("a pod whose fields come in another order is found again when it goes", () => {
  const states = freshStates();
  states.setNode(node("n"));
  const labeled = (labels: object, podAffinityTerms: object[]) => ({
    ...pod("a"),
    metadata: { ...pod("a").metadata, namespace: "default", labels },
    spec: {
      ...pod("a").spec,
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: podAffinityTerms },
      },
    },
  } as unknown as Pod);
  const term = (matchLabels: object) => [{ topologyKey: "zone", labelSelector: { matchLabels } }];
  states.place(labeled({ a: "1", b: "2" }, term({ a: "1", b: "2" })), "n");
  states.place(labeled({ b: "2", a: "1" }, term({ b: "2", a: "1" })), "n");
  states.release("a");
  assert.equal(seen(states, "n")?.podCount, 0);
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      uid: fc.constantFrom("a", "b", "c", "d"),
      to: fc.constantFrom("m", "n", undefined),
      cpu: fc.integer({ min: 0, max: 900 }),
      hostPort: fc.constantFrom(0, 80, 81),
      owner: fc.constantFrom("", "o", "p"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ name: fc.constantFrom("m", "n"), cpu: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ gone: fc.constantFrom("m", "n") }) },
);

Deno.test("after any history the tallies of each node are those of its pods counted afresh", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const states = freshStates();
    const nodesThere = new Map<string, Node>();
    const podsThere = new Map<string, [pod: Pod, name: string]>();
    for (const made of steps) {
      if ("gone" in made) {
        nodesThere.delete(made.gone);
        states.removeNode(made.gone);
      } else if ("name" in made) {
        nodesThere.set(made.name, node(made.name, { amounts: { cpu: `${made.cpu}` } }));
        states.setNode(nodesThere.get(made.name)!);
      } else if (made.to === undefined) {
        podsThere.delete(made.uid);
        states.release(made.uid);
      } else {
        const { uid, to, cpu, hostPort, owner } = made;
        podsThere.set(uid, [pod(uid, { requests: { cpu: `${cpu}m` }, hostPort, owner }), to]);
        states.place(...podsThere.get(uid)!);
      }
      assertAsFresh(states, nodesThere, podsThere);
    }
  }));
});

function assertAsFresh(
  states: NodeStates,
  nodesThere: ReadonlyMap<string, Node>,
  podsThere: ReadonlyMap<string, [pod: Pod, name: string]>,
): void {
  const fresh = freshStates();
  for (const each of nodesThere.values()) fresh.setNode(each);
  for (const place of podsThere.values()) fresh.place(...place);
  const all = (of: NodeStates) =>
    of.all().map(({ name }) => {
      const state = seen(of, name)!;
      return { ...state, hostPorts: state.hostPorts.sort() };
    });
  assert.deepEqual(all(states), all(fresh));
  const names = (of: NodeStates) =>
    of.all().map(({ name, pods }) => [name, [...pods.keys()].sort()]);
  assert.deepEqual(names(states), names(fresh));
}

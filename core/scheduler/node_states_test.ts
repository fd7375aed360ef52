import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { NodeStates } from "./node_states.ts";

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

/** What plugins read of a node. */
function seen(states: NodeStates, name: string) {
  const state = states.all().find((candidate) => candidate.name === name);
  if (state === undefined) return undefined;
  return {
    free: Object.fromEntries(state.free),
    podCount: state.podCount,
    assumed: [state.cpuMillisAssumed, state.memoryBytesAssumed],
    hostPorts: state.hostPorts.map(({ port }) => port),
    owners: Object.fromEntries(state.owners),
  };
}

Deno.test("nodes come in the order of their names, and those that are gone do not come", () => {
  const states = new NodeStates();
  const names = () => states.all().map(({ name }) => name);
  assert.deepEqual(names(), []);
  for (const name of ["b", "c", "a"]) states.setNode(node(name));
  assert.deepEqual(names(), ["a", "b", "c"]);
  const known = states.all();
  states.setNode(node("b", { labels: { zone: "x" } }));
  assert.equal(states.all(), known, "a change of a node makes no new list");
  states.removeNode("b");
  states.removeNode("never there");
  assert.deepEqual(names(), ["a", "c"]);
});

Deno.test("a node that is new, or has other labels, taints or amounts, may take what was refused", () => {
  const states = new NodeStates();
  assert.equal(states.setNode(node("n")), true);
  assert.equal(states.setNode(node("n")), false);
  assert.equal(states.setNode(node("n", { labels: { a: "b" } })), true);
  assert.equal(states.setNode(node("n", { labels: { a: "b" }, spec: { podCIDR: "x" } })), false);
  assert.equal(states.setNode(node("n", { spec: { unschedulable: true } })), true);
  assert.equal(states.setNode(node("n", { spec: { taints: [{ key: "k" }] } })), true);
  assert.equal(
    states.setNode(node("n", { spec: { taints: [{ key: "k" }] }, amounts: { cpu: "5" } })),
    true,
  );
});

Deno.test("what pods ask for is taken from their node, and given back when they leave it", () => {
  const states = new NodeStates();
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
    owners: { o: 2 },
  });
  assert.equal(states.release("a"), "n");
  assert.deepEqual(seen(states, "n")?.hostPorts, [81]);
  assert.deepEqual(seen(states, "n")?.owners, { o: 1 });
  assert.equal(states.release("b"), "n");
  assert.equal(states.release("b"), undefined);
  assert.deepEqual(seen(states, "n"), empty);
});

Deno.test("a pod counts once, on the node that was said last, with what it asks for now", () => {
  const states = new NodeStates();
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

Deno.test("pods on a node that is not known yet, or is gone for a while, count when it comes", () => {
  const states = new NodeStates();
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

Deno.test("of what a node does not have, nothing is free, and less than nothing is once it is used", () => {
  const states = new NodeStates();
  states.setNode(node("n"));
  states.place(pod("a", { requests: { "example.com/gpu": "2" } }), "n");
  assert.equal(seen(states, "n")?.free["example.com/gpu"], -2);
  states.setNode(node("n", { labels: { a: "b" } }));
  assert.equal(seen(states, "n")?.free["example.com/gpu"], -2);
});

Deno.test("a node says what it may give in allocatable, else in capacity, else nothing", () => {
  const states = new NodeStates();
  const bare = (status: object) =>
    ({ metadata: { name: "n" }, spec: {}, status }) as unknown as Node;
  states.setNode(bare({ capacity: { cpu: "2", memory: "5", pods: "7" } }));
  const [state] = states.all();
  assert.deepEqual([state?.cpuMillis, state?.memoryBytes, state?.podsMax], [2000, 5, 7]);
  states.setNode(bare({}));
  assert.deepEqual([state?.cpuMillis, state?.memoryBytes, state?.podsMax], [0, 0, 0]);
});

Deno.test("after any coming and going, what is counted is what is there", () => {
  const step = fc.record({
    uid: fc.constantFrom("a", "b", "c", "d"),
    to: fc.constantFrom("m", "n", undefined),
    cpu: fc.integer({ min: 0, max: 900 }),
    hostPort: fc.constantFrom(0, 80, 81),
    owner: fc.constantFrom("", "o", "p"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const states = new NodeStates();
    const fresh = new NodeStates();
    const last = new Map<string, () => void>();
    for (const name of ["m", "n"]) for (const each of [states, fresh]) each.setNode(node(name));
    for (const { uid, to, cpu, hostPort, owner } of steps) {
      const placed = pod(uid, { requests: { cpu: `${cpu}m` }, hostPort, owner });
      if (to === undefined) states.release(uid);
      else states.place(placed, to);
      last.set(uid, () => to !== undefined && fresh.place(placed, to));
    }
    for (const place of last.values()) place();
    for (const name of ["m", "n"]) {
      const [now, then] = [seen(states, name), seen(fresh, name)];
      const sorted = (state: typeof now) => ({ ...state, hostPorts: state?.hostPorts.toSorted() });
      assert.deepEqual(sorted(now), sorted(then));
    }
  }));
});

import assert from "node:assert/strict";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { made } from "../../core/resources/resource_fixture.ts";
import type { PressureCondition } from "../eviction/thresholds.ts";
import { allocatableOf } from "./allocatable.ts";
import { admissionFault, type AdmittingNode } from "./node_admission.ts";

const GI = 1024 * 1024 * 1024;
const CAPACITY = { cpu: "2", memory: "4Gi", "ephemeral-storage": "1000", pods: "3" };

Deno.test("a node takes no more than it has, and says what is out in the kubelet's words", () => {
  const small = pod({ cpu: "500m", memory: "1Gi" });
  const cases: [asked: Record<string, string>, others: object[], fault: string | undefined][] = [
    [{}, [], undefined],
    [{ cpu: "2" }, [], undefined],
    [
      { cpu: "2001m" },
      [],
      "OutOfcpu: Node didn't have enough resource: cpu, requested: 2001, used: 0, capacity: 2000",
    ],
    [{ cpu: "1500m" }, [small], undefined],
    [
      { cpu: "1501m" },
      [small],
      "OutOfcpu: Node didn't have enough resource: cpu, requested: 1501, used: 500, capacity: 2000",
    ],
    [
      { memory: "4Gi" },
      [small],
      `OutOfmemory: Node didn't have enough resource: memory, requested: ${
        4 * GI
      }, used: ${GI}, capacity: ${4 * GI}`,
    ],
    [
      { "ephemeral-storage": "1001" },
      [],
      "OutOfephemeral-storage: Node didn't have enough resource: ephemeral-storage, requested: 1001, used: 0, capacity: 1000",
    ],
    [{}, [small, small], undefined],
    [
      {},
      [small, small, small],
      "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
    ],
    [{ "example.com/unknown": "5" }, [], undefined], // the kubelet leaves what it does not know to others
  ];
  for (const [asked, others, expected] of cases) {
    assert.equal(fault(pod(asked), { others: others as AdmittingNode["others"] }), expected);
  }
});

Deno.test("a pod that selects other nodes, or needs a port that is taken, is refused", () => {
  const node = { metadata: { name: "a", labels: { disk: "ssd" } }, spec: {} } as unknown as Node;
  assert.equal(fault(pod({}, { nodeSelector: { disk: "ssd" } }), { node }), undefined);
  assert.equal(
    fault(pod({}, { nodeSelector: { disk: "hdd" } }), { node }),
    "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  );
  const on = (hostPort: number, hostIP?: string, protocol?: string) => {
    const ports = [{
      containerPort: 80,
      hostPort,
      ...(hostIP && { hostIP }),
      ...(protocol && { protocol }),
    }];
    return pod({}, { containers: [{ name: "a", image: "x", ports }] });
  };
  const taken =
    "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
  assert.equal(fault(on(80), { node, others: [on(81)] }), undefined);
  assert.equal(fault(on(80), { node, others: [on(80)] }), taken);
  assert.equal(fault(on(80, "10.0.0.1"), { node, others: [on(80)] }), taken);
  assert.equal(fault(on(80, "10.0.0.1"), { node, others: [on(80, "10.0.0.2")] }), undefined);
  assert.equal(fault(on(80), { node, others: [on(80, undefined, "UDP")] }), undefined);
});

Deno.test("under pressure a node takes critical pods, and for want of memory also those with requests", () => {
  const tolerant = pod({}, {
    tolerations: [{ key: "node.kubernetes.io/memory-pressure", operator: "Exists" }],
  });
  const cases: [conditions: PressureCondition[], pod: ReturnType<typeof pod>, fault?: string][] = [
    [["MemoryPressure"], pod({}), "Evicted: The node had condition: [MemoryPressure]. "],
    [["MemoryPressure"], pod({ cpu: "1" })],
    [["MemoryPressure"], tolerant],
    [["DiskPressure"], pod({ cpu: "1" }), "Evicted: The node had condition: [DiskPressure]. "],
    [
      ["MemoryPressure", "DiskPressure"],
      tolerant,
      "Evicted: The node had condition: [MemoryPressure DiskPressure]. ",
    ],
    [["DiskPressure"], pod({}, { priority: 2_000_000_000 })],
  ];
  for (const [conditions, asking, expected] of cases) {
    assert.equal(fault(asking, { pressure: new Set(conditions) }), expected);
  }
});

Deno.test("what is reserved and what evictions keep free is not given to pods", () => {
  const machine = {
    capacity: {
      cpu: "4",
      memory: "4Gi",
      "ephemeral-storage": "1000",
      pods: "110",
      "hugepages-2Mi": "0",
    },
    info: {} as never, // not asked for
  };
  assert.deepEqual(allocatableOf(machine), {
    cpu: "4",
    memory: `${4 * 1024 - 100}Mi`,
    "ephemeral-storage": "900",
    pods: "110",
    "hugepages-2Mi": "0",
  });
  const reservations = [{ cpu: "250m", memory: "1Gi" }, {
    cpu: "250m",
    "ephemeral-storage": "100",
  }];
  const { cpu, memory, "ephemeral-storage": disk } = allocatableOf(machine, {
    reservations,
    thresholds: [],
  });
  assert.deepEqual([cpu, memory, disk], ["3500m", "3Gi", "900"]);
  assert.equal(allocatableOf(machine, { reservations: [{ cpu: "9" }] })["cpu"], "0");
});

function pod(requests: Record<string, string>, spec: object = {}) {
  const containers = [{ name: "a", image: "x", resources: { requests } }];
  return made(pods, {
    metadata: { name: "web", namespace: "default" },
    spec: { containers, ...spec },
  }).object;
}

function fault(asking: ReturnType<typeof pod>, known: Partial<AdmittingNode>): string | undefined {
  const found = admissionFault(asking, {
    ...{ node: undefined, allocatable: CAPACITY, others: [], pressure: new Set() },
    ...known,
  });
  return found && `${found.reason}: ${found.message}`;
}

import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import { replicaSets } from "../resources/apps/replica_sets.ts";
import { statefulSets } from "../resources/apps/stateful_sets.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { replicationControllers } from "../resources/core/replication_controllers.ts";
import { services } from "../resources/core/services/services.ts";
import { formatSelector } from "../schema/selectors.ts";
import { spreadConstraintsOf } from "./spread_constraints.ts";

const TEMPLATE = { metadata: {}, spec: { containers: [{ name: "a", image: "a" }] } };

function podOf(
  { labels = {}, owner, constraints }: {
    labels?: object;
    owner?: [string, string];
    constraints?: object[];
  },
): Pod {
  const [kind, name] = owner ?? [];
  return {
    metadata: {
      namespace: "default",
      labels,
      ...(owner && { ownerReferences: [{ kind, name, controller: true }] }),
    },
    spec: { ...(constraints && { topologySpreadConstraints: constraints }) },
  } as unknown as Pod;
}

function clusterOf(): TestCluster {
  const cluster = new TestCluster();
  const selector = { matchLabels: { app: "web" } };
  cluster.put(replicaSets, { metadata: { name: "web" }, spec: { selector, template: TEMPLATE } });
  cluster.put(statefulSets, {
    metadata: { name: "db" },
    spec: { selector: { matchLabels: { app: "db" } }, serviceName: "db", template: TEMPLATE },
  });
  cluster.put(replicationControllers, {
    metadata: { name: "old" },
    spec: { selector: { app: "old" }, template: TEMPLATE },
  });
  for (
    const [name, labels] of Object.entries({
      front: { tier: "front" },
      all: {},
      other: { tier: "x" },
    })
  ) {
    cluster.put(services, {
      metadata: { name },
      spec: { selector: labels, ports: [{ port: 80 }] },
    });
  }
  return cluster;
}

Deno.test("pods that say nothing are spread over nodes and zones with those that belong to the same Services and controller", () => {
  const cluster = clusterOf();
  const rows: [pod: Parameters<typeof podOf>[0], selector: string | undefined][] = [
    [{ labels: { a: "b" } }, undefined],
    [{ labels: { tier: "front" } }, "tier=front"],
    [{ owner: ["ReplicaSet", "web"] }, "app=web"],
    [{ owner: ["StatefulSet", "db"] }, "app=db"],
    [{ owner: ["ReplicationController", "old"] }, "app=old"],
    [{ owner: ["ReplicaSet", "gone"] }, undefined],
    [{ owner: ["StatefulSet", "gone"] }, undefined],
    [{ owner: ["ReplicationController", "gone"] }, undefined],
    [{ owner: ["Job", "web"] }, undefined],
    [{ owner: ["ReplicaSet", "web"], labels: { tier: "front" } }, "tier=front,app=web"],
  ];
  for (const [parts, selector] of rows) {
    const { constraints, isOwn } = spreadConstraintsOf(podOf(parts), "ScheduleAnyway", cluster);
    assert.equal(isOwn, false);
    assert.deepEqual(
      constraints.map((each) => [each.topologyKey, each.maxSkew, formatSelector(each.selector)]),
      selector === undefined
        ? []
        : [["kubernetes.io/hostname", 3, selector], ["topology.kubernetes.io/zone", 5, selector]],
      JSON.stringify(parts),
    );
    for (const { minDomains, honorsAffinity, honorsTaints } of constraints) {
      assert.deepEqual([minDomains, honorsAffinity, honorsTaints], [1, true, false]);
    }
    assert.deepEqual(spreadConstraintsOf(podOf(parts), "DoNotSchedule", cluster).constraints, []);
  }
});

Deno.test("a pod's own constraints take the place of the default ones, and have Kubernetes' defaults", () => {
  const cluster = clusterOf();
  const own = { topologyKey: "zone", maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" };
  const labels = { tier: "front", hash: "1" };
  const rows: [constraint: object, expected: object][] = [
    [{}, {}],
    [{ minDomains: 3 }, { minDomains: 3 }],
    [{ nodeAffinityPolicy: "Ignore" }, { honorsAffinity: false }],
    [{ nodeAffinityPolicy: "Honor" }, {}],
    [{ nodeTaintsPolicy: "Honor" }, { honorsTaints: true }],
    [{ nodeTaintsPolicy: "Ignore" }, {}],
    [{ labelSelector: { matchLabels: { a: "b" } }, matchLabelKeys: ["hash", "absent"] }, {
      selector: "a=b,hash in (1)",
    }],
  ];
  for (const [constraint, expected] of rows) {
    const labelSelector = { matchLabels: { tier: "front" } };
    const constraints = [{ ...own, labelSelector, ...constraint }];
    const found = spreadConstraintsOf(podOf({ labels, constraints }), "DoNotSchedule", cluster);
    assert.equal(found.isOwn, true);
    assert.deepEqual(
      found.constraints.map((each) => ({ ...each, selector: formatSelector(each.selector) })),
      [{
        topologyKey: "zone",
        maxSkew: 2,
        minDomains: 1,
        selector: "tier=front",
        honorsAffinity: true,
        honorsTaints: false,
        ...expected,
      }],
    );
    assert.deepEqual(
      spreadConstraintsOf(podOf({ labels, constraints }), "ScheduleAnyway", cluster),
      { constraints: [], isOwn: true },
    );
  }
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { loopOf } from "../runtime/controller.ts";
import { deploymentController } from "./deployments.ts";
import { isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { replicaSetController } from "./replica_sets.ts";
import { limitsOf, newSize, rollingStep, sizeOf } from "./rolling_update.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";

const WEB = { namespace: "default", name: "web" };

function deployment(replicas: number, maxSurge: number | string, maxUnavailable: number | string) {
  return {
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1" }] },
      },
    },
  };
}

Deno.test("percentages round the surge up and the unavailable down, and never both to nothing", () => {
  const rows: [number, number | string, number | string, number, number][] = [
    [10, "25%", "25%", 3, 2],
    [3, "25%", "25%", 1, 0],
    [1, "25%", "25%", 1, 0],
    [4, "100%", "0%", 4, 0],
    [10, 0, 0, 0, 1],
    [10, "0%", "0%", 0, 1],
    [1, 0, 0, 0, 1],
    [100, "1%", "1%", 1, 1],
    [101, "50%", "50%", 51, 50],
    [3, 2, 5, 2, 3],
    [0, "25%", "25%", 0, 0],
  ];
  for (const [replicas, surge, unavailable, maxSurge, maxUnavailable] of rows) {
    const cluster = new TestCluster();
    const made = cluster.put<Deployment>(deployments, deployment(replicas, surge, unavailable));
    assert.deepEqual(
      limitsOf(made),
      { maxSurge, maxUnavailable },
      `${replicas} ${surge} ${unavailable}`,
    );
  }
});

Deno.test("a Deployment that is recreated has neither a surge nor pods that may be missing", () => {
  const made = { ...wanted(3, 1, 1), spec: { replicas: 3, strategy: { type: "Recreate" } } };
  assert.deepEqual(limitsOf(made as Deployment), { maxSurge: 0, maxUnavailable: 0 });
  assert.equal(newSize(made as Deployment, 1, 9), 3);
});

Deno.test("the new ReplicaSet grows as far as the wanted number and the surge allow", () => {
  const rows: [replicas: number, surge: number, size: number, old: number, grown: number][] = [
    [4, 1, 0, 4, 1],
    [4, 1, 1, 4, 1],
    [4, 1, 1, 3, 2],
    [4, 0, 0, 4, 0],
    [4, 9, 0, 4, 4],
    [4, 1, 3, 0, 4],
    [4, 1, 4, 1, 4],
    [4, 1, 6, 1, 4],
    [4, 1, 2, 9, 2],
  ];
  for (const [replicas, surge, size, old, grown] of rows) {
    const sized = newSize(wanted(replicas, surge, 0), size, old);
    assert.equal(sized, grown, `${replicas} + ${surge}: ${size} and ${old}`);
  }
});

type Row = [
  name: string,
  deployment: Deployment,
  current: ReplicaSet,
  old: ReplicaSet[],
  step: Record<string, number>,
];

Deno.test("a step grows the new ReplicaSet or shrinks old ones: the unhealthy pods first, the oldest first", () => {
  const rows: Row[] = [
    ["growing comes first", wanted(4, 1, 1), set("new", 0, 0), [set("a", 4, 4)], { new: 1 }],
    ["what is spare shrinks", wanted(4, 1, 1), set("new", 1, 0), [set("a", 4, 4)], { a: 3 }],
    ["nothing is spare", wanted(4, 1, 0), set("new", 1, 0), [set("a", 4, 4)], {}],
    ["one is spare once one is ready", wanted(4, 1, 0), set("new", 1, 1), [set("a", 4, 4)], {
      a: 3,
    }],
    ["all old ones", wanted(2, 2, 0), set("new", 2, 2), [set("a", 2, 2)], { a: 0 }],
    ["the oldest first, however they are listed", wanted(4, 1, 1), set("new", 1, 1), [
      set("b", 2, 2, 20),
      set("a", 2, 2, 10),
    ], { a: 0 }],
    ["and no more of the next than is spare", wanted(4, 1, 2), set("new", 1, 1), [
      set("b", 2, 2, 20),
      set("a", 2, 2, 10),
    ], { a: 0, b: 1 }],
    ["the unhealthy ones, although none can be missed", wanted(4, 1, 0), set("new", 1, 1), [
      set("a", 2, 2, 10),
      set("b", 2, 1, 20),
    ], { b: 1 }],
    ["only as many unhealthy ones as can go", wanted(4, 2, 0), set("new", 2, 0), [
      set("a", 4, 2, 10),
    ], {}],
    ["unhealthy ones of several sets, within what can go", wanted(4, 0, 1), set("new", 0, 0), [
      set("a", 2, 0, 10),
      set("b", 2, 0, 20),
    ], { a: 1 }],
    ["unhealthy ones and then spare ones of one set", wanted(4, 1, 2), set("new", 1, 1), [
      set("a", 4, 3, 10),
    ], { a: 1 }],
    ["a set of no pods is no set to shrink", wanted(2, 1, 1), set("new", 1, 1), [
      set("gone", 0, 0, 5),
      set("a", 2, 2, 10),
    ], { a: 0 }],
    ["a set without a status has no pod that counts", wanted(2, 1, 0), set("new", 1, 1), [
      set("a", 2, undefined, 10),
    ], { a: 1 }],
    ["pods that are about to go are not spare", wanted(4, 1, 1), set("new", 1, 0), [
      set("a", 3, 4, 10),
    ], { new: 2 }],
  ];
  for (const [name, deployment, current, old, step] of rows) {
    assert.deepEqual(Object.fromEntries(rollingStep(deployment, current, old)), step, name);
  }
});

Deno.test("the size of ReplicaSets is the sum of what they are to have", () => {
  assert.equal(sizeOf([]), 0);
  assert.equal(sizeOf([set("a", 2, 0), set("b", 3, 9)]), 5);
});

function wanted(replicas: number, maxSurge: number, maxUnavailable: number): Deployment {
  return deployment(replicas, maxSurge, maxUnavailable) as unknown as Deployment;
}

/** A ReplicaSet as the decider reads it. `created`: in seconds of one minute. */
function set(name: string, replicas: number, available?: number, created = 30): ReplicaSet {
  return {
    metadata: { name, creationTimestamp: `2026-01-01T00:00:${String(created).padStart(2, "0")}Z` },
    spec: { replicas },
    status: available === undefined ? {} : { availableReplicas: available },
  } as unknown as ReplicaSet;
}

const limit = fc.oneof(fc.nat(6), fc.nat(100).map((percent) => `${percent}%`));
const setting = fc.record({
  replicas: fc.integer({ min: 1, max: 12 }),
  maxSurge: limit,
  maxUnavailable: limit,
  /** Who moves next: the deployment controller, the ReplicaSet controller, or a pod; and which pod. */
  moves: fc.array(fc.tuple(fc.constantFrom("deploy", "replicate", "ready", "end"), fc.nat()), {
    minLength: 50,
    maxLength: 200,
  }),
  updates: fc.array(fc.nat(150), { minLength: 1, maxLength: 4 }),
});

Deno.test("a rolling update never has more pods than the surge, nor fewer available than it must", () => {
  fc.assert(
    fc.property(setting, ({ replicas, maxSurge, maxUnavailable, moves, updates }) => {
      const cluster = new TestCluster();
      cluster.put(deployments, deployment(replicas, maxSurge, maxUnavailable));
      finish(cluster);
      const { maxSurge: surge, maxUnavailable: unavailable } = limitsOf(find(cluster));
      moves.forEach(([who, which], turn) => {
        if (updates.includes(turn)) setImage(cluster, `web:${turn + 2}`);
        move(cluster, who, which);
        const wanted = cluster.list(replicaSets).reduce((sum, { spec }) => sum + spec.replicas, 0);
        assert.ok(
          wanted <= replicas + surge,
          `${wanted} pods wanted, ${replicas} + ${surge} allowed`,
        );
        const available = cluster.list(pods).filter((pod) => isActive(pod) && isReady(pod)).length;
        assert.ok(
          available >= replicas - unavailable,
          `${available} available, ${replicas} - ${unavailable} needed`,
        );
      });
      finish(cluster);
      const { status } = find(cluster);
      assert.deepEqual([status.updatedReplicas, status.availableReplicas], [replicas, replicas]);
    }),
    { numRuns: 150, endOnFailure: true },
  );
});

function find(cluster: TestCluster): Deployment {
  return cluster.get(deployments, WEB)!;
}

function setImage(cluster: TestCluster, image: string): void {
  const { metadata, spec } = find(cluster);
  const generation = metadata.generation! + 1;
  const containers = [{ name: "web", image }];
  cluster.put(deployments, {
    ...find(cluster),
    metadata: { ...metadata, generation },
    spec: { ...spec, template: { ...spec.template, spec: { containers } } },
  });
}

const loops = { deploy: loopOf(deploymentController), replicate: loopOf(replicaSetController) };

function move(
  cluster: TestCluster,
  who: "deploy" | "replicate" | "ready" | "end",
  which: number,
): void {
  cluster.nowMs += 1_000;
  if (who === "ready" || who === "end") return movePod(cluster, who, which);
  const keys: string[] = [];
  const run = loops[who].start(cluster, (key) => keys.push(key));
  run.stop();
  const key = keys[which % keys.length];
  if (key !== undefined) cluster.perform(run.reconcile(key, cluster.moment));
}

function movePod(cluster: TestCluster, who: "ready" | "end", which: number): void {
  const isMeant = (pod: Pod) => who === "ready" ? isActive(pod) && !isReady(pod) : !isActive(pod);
  const all = cluster.list(pods).filter(isMeant);
  const pod = all[which % all.length];
  if (pod === undefined) return;
  if (who === "end") return cluster.take(pods, pod.metadata);
  const ready = { type: "Ready", status: "True", lastTransitionTime: timestamp(cluster.nowMs) };
  cluster.put(pods, {
    ...pod,
    spec: { ...pod.spec, nodeName: "n1" },
    status: { phase: "Running", conditions: [ready] },
  });
}

/** Lets everybody move until the update is complete. */
function finish(cluster: TestCluster): void {
  for (let turn = 0; turn < 100; turn++) {
    cluster.settle([deploymentController, replicaSetController]);
    if (!cluster.list(pods).some((pod) => !isActive(pod) || !isReady(pod))) return;
    for (const _ of cluster.list(pods)) movePod(cluster, "ready", 0);
    for (const _ of cluster.list(pods)) movePod(cluster, "end", 0);
  }
  throw new Error("The update does not end");
}

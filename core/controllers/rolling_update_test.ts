import assert from "node:assert/strict";
import fc from "fast-check";
import { type Deployment, deployments } from "../resources/deployments.ts";
import { type Pod, pods } from "../resources/pods.ts";
import { replicaSets } from "../resources/replica_sets.ts";
import { loopOf } from "./controller.ts";
import { deploymentController } from "./deployments.ts";
import { isActive, isReady } from "./pod_states.ts";
import { replicaSetController } from "./replica_sets.ts";
import { limitsOf } from "./rolling_update.ts";
import { timestamp } from "../lib/timestamp.ts";
import { TestCluster } from "./test_cluster.ts";

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
  loops[who].feed(cluster, (key) => keys.push(key))();
  const key = keys[which % keys.length];
  if (key !== undefined) cluster.perform(loops[who].reconcile(key, cluster, cluster.nowMs));
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
    cluster.settle([deploymentController as never, replicaSetController as never]);
    if (!cluster.list(pods).some((pod) => !isActive(pod) || !isReady(pod))) return;
    for (const _ of cluster.list(pods)) movePod(cluster, "ready", 0);
    for (const _ of cluster.list(pods)) movePod(cluster, "end", 0);
  }
  throw new Error("The update does not end");
}

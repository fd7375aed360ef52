import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../resources/policy/pod_disruption_budgets.ts";
import { TestCluster } from "../test_cluster.ts";
import { disruptionController } from "./disruptions.ts";

const name = { namespace: "default", name: "web" };
const labels = { app: "web" };

function budgetOf(spec: object, { ready = 3, replicas = 3, owned = true } = {}) {
  const cluster = new TestCluster();
  const template = { metadata: { labels }, spec: { containers: [{ name: "a", image: "b" }] } };
  const set = cluster.put(replicaSets, {
    metadata: { name: "web" },
    spec: { replicas, selector: { matchLabels: labels }, template },
  });
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "web",
    uid: set.metadata.uid,
    controller: true,
  };
  for (let i = 0; i < 3; i++) {
    cluster.put(pods, {
      metadata: { name: `p${i}`, labels, ...(owned && { ownerReferences: [owner] }) },
      spec: template.spec,
      status: { conditions: [{ type: "Ready", status: i < ready ? "True" : "False" }] },
    });
  }
  cluster.put(podDisruptionBudgets, {
    metadata: { name: "web", generation: 2 },
    spec: { selector: { matchLabels: labels }, ...spec },
  });
  cluster.settle([disruptionController]);
  const statusNow = () => {
    const { conditions = [], ...numbers } = cluster.get(podDisruptionBudgets, name)!.status;
    return {
      ...numbers,
      conditions: conditions.map(({ status, reason }) => `${status} ${reason}`),
    };
  };
  return { cluster, statusNow };
}

for (
  const [title, spec, world, expected] of [
    ["a number that must be there", { minAvailable: 2 }, {}, [3, 2, 1]],
    ["a share that must be there, rounded up", { minAvailable: "50%" }, {}, [3, 2, 1]],
    ["a share of what the owner asks for", { minAvailable: "50%" }, { replicas: 6 }, [6, 3, 0]],
    ["a number that may be missing", { maxUnavailable: 1 }, { ready: 2 }, [3, 2, 0]],
    ["a share that may be missing, rounded up", { maxUnavailable: "10%" }, {}, [3, 2, 1]],
    ["more missing than there are", { maxUnavailable: 9 }, {}, [3, 0, 3]],
    ["pods that nobody owns", { maxUnavailable: 1 }, { owned: false }, [0, 0, 0]],
  ] as const
) {
  Deno.test(`a budget of ${title}`, () => {
    const { expectedPods, desiredHealthy, disruptionsAllowed, conditions, observedGeneration } =
      budgetOf(spec, world).statusNow();
    assert.deepEqual([expectedPods, desiredHealthy, disruptionsAllowed], expected);
    assert.equal(observedGeneration, 2);
    assert.deepEqual(conditions, [
      disruptionsAllowed > 0 ? "True SufficientPods" : "False InsufficientPods",
    ]);
  });
}

Deno.test("pods that are being evicted are not healthy, for two minutes", () => {
  const { cluster, statusNow } = budgetOf({ minAvailable: 1 });
  const since = timestamp(cluster.nowMs);
  cluster.patchStatus(podDisruptionBudgets, name, { disruptedPods: { p0: since, gone: since } });
  cluster.settle([disruptionController]);
  assert.deepEqual(statusNow().disruptedPods, { p0: since });
  assert.equal(statusNow().currentHealthy, 2);
  cluster.nowMs += 2 * 60 * 1_000;
  cluster.patchStatus(podDisruptionBudgets, name, { expectedPods: 0 });
  cluster.settle([disruptionController]);
  assert.equal(statusNow().disruptedPods, undefined);
  assert.equal(statusNow().currentHealthy, 3);
});

Deno.test("a budget follows the labels of pods and the numbers of owners", () => {
  const { cluster, statusNow } = budgetOf({ maxUnavailable: 1 });
  const set = cluster.get(replicaSets, name)!;
  cluster.put(replicaSets, { ...set, spec: { ...set.spec, replicas: 5 } });
  cluster.settle([disruptionController]);
  assert.equal(statusNow().desiredHealthy, 4);
  const pod = cluster.get(pods, { namespace: "default", name: "p0" })!;
  cluster.put(pods, { ...pod, metadata: { ...pod.metadata, labels: {} } });
  cluster.settle([disruptionController]);
  assert.equal(statusNow().currentHealthy, 2);
});

Deno.test("nothing may be evicted when the owner of a pod is not known", () => {
  const { cluster, statusNow } = budgetOf({ maxUnavailable: 1 });
  cluster.take(replicaSets, name);
  cluster.settle([disruptionController]);
  assert.deepEqual(statusNow().conditions, ["False SyncFailed"]);
  assert.equal(statusNow().disruptionsAllowed, 0);
});

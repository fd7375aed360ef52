import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { MutableCatalog } from "../../resources/catalog.ts";
import { jobs } from "../../resources/batch/jobs.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../resources/policy/pod_disruption_budgets.ts";
import { TestCluster } from "../test_cluster.ts";
import { disruptionController as controllerOver } from "./disruptions.ts";
import { staleDisruptions } from "./stale_disruptions.ts";

const disruptionController = controllerOver(new MutableCatalog(RESOURCES));

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

Deno.test("what cannot be scaled does not say how many pods there should be", () => {
  const { cluster, statusNow } = budgetOf({ maxUnavailable: 1 });
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] } };
  const job = cluster.put(jobs, { metadata: { name: "web" }, spec: { template }, status: {} });
  for (const pod of cluster.list(pods)) {
    const owner = {
      apiVersion: "batch/v1",
      kind: "Job",
      name: "web",
      uid: job.metadata.uid,
      controller: true,
    };
    cluster.put(pods, { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } });
  }
  cluster.notices.length = 0;
  cluster.settle([disruptionController]);
  assert.deepEqual(statusNow().conditions, ["False SyncFailed"]);
  assert.deepEqual(cluster.notices.map(({ reason, message }) => `${reason}: ${message}`), [
    "CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: " +
    "jobs.batch does not implement the scale subresource",
  ]);
});

Deno.test("pods that nobody owns, and evicted ones that stay, are told of", () => {
  const { cluster } = budgetOf({ maxUnavailable: 1 }, { owned: false });
  assert.deepEqual(cluster.notices.map(({ reason }) => reason), ["UnmanagedPods"]);
  assert.match(cluster.notices[0]!.message, /\(selector: app=web\) were found to be unmanaged/);
  cluster.notices.length = 0;
  const since = timestamp(cluster.nowMs);
  cluster.patchStatus(podDisruptionBudgets, name, { disruptedPods: { p0: since } });
  cluster.nowMs += 2 * 60 * 1_000;
  cluster.settle([disruptionController]);
  const stayed = cluster.notices.find(({ reason }) => reason === "NotDeleted")!;
  assert.equal(stayed.about.metadata.name, "p0");
  assert.equal(
    stayed.message,
    "Pod was expected by PDB default/web to be deleted but it wasn't",
  );
});

Deno.test("a disruption that was announced and did not come is taken back after two minutes", () => {
  for (const [reason, isReset] of [["Eviction", true], ["TerminationByKubelet", false]] as const) {
    const { cluster } = budgetOf({ minAvailable: 1 });
    const p0 = { namespace: "default", name: "p0" };
    const lastTransitionTime = timestamp(cluster.nowMs);
    const announced = { type: "DisruptionTarget", status: "True", reason, lastTransitionTime };
    cluster.patchStatus(pods, p0, { conditions: [announced] });
    cluster.nowMs += 119_000;
    const { writes, againAfterMs } = cluster.planOf(staleDisruptions, p0);
    assert.deepEqual([writes.length, againAfterMs], [0, isReset ? 1_000 : undefined]);
    cluster.nowMs += 1_000;
    cluster.settle([staleDisruptions]);
    const { status } = cluster.get(pods, p0)!.status.conditions![0]!;
    assert.equal(status, isReset ? "False" : "True");
  }
});

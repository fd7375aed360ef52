import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  type ReplicationController,
  replicationControllers,
} from "../../resources/core/replication_controllers.ts";
import { TestCluster } from "../test_cluster.ts";
import { replicaSetController } from "./replica_sets.ts";
import { replicationController } from "./replication_controllers.ts";

const WEB = { namespace: "default", name: "web" };

function controller(cluster: TestCluster, replicas: number): ReplicationController {
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "a", image: "a" }] },
  };
  return cluster.put(replicationControllers, {
    ...cluster.get(replicationControllers, WEB),
    metadata: { ...cluster.get(replicationControllers, WEB)?.metadata, name: "web" },
    spec: { replicas, selector: { app: "web" }, template },
  });
}

function settled(cluster: TestCluster): readonly Pod[] {
  cluster.settle([replicationController, replicaSetController]);
  return cluster.list(pods);
}

const status = (cluster: TestCluster) => cluster.get(replicationControllers, WEB)!.status;

Deno.test("a ReplicationController makes and deletes pods, and counts them", () => {
  const cluster = new TestCluster();
  const { metadata: { uid } } = controller(cluster, 2);
  const made = settled(cluster);
  assert.equal(made.length, 2);
  assert.deepEqual(made[0]!.metadata.ownerReferences, [{
    apiVersion: "v1",
    kind: "ReplicationController",
    name: "web",
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }]);
  assert.deepEqual(
    { ...status(cluster), observedGeneration: undefined },
    { replicas: 2, fullyLabeledReplicas: 2, observedGeneration: undefined },
  );
  controller(cluster, 1);
  assert.equal(settled(cluster).length, 1);
  assert.equal(status(cluster).replicas, 1);
});

Deno.test("a ReplicationController adopts pods that it selects and releases those that it no longer does", () => {
  const cluster = new TestCluster();
  const spec = { containers: [{ name: "a", image: "a" }] };
  cluster.put(pods, { metadata: { name: "own", labels: { app: "web" } }, spec });
  controller(cluster, 1);
  const [own, ...others] = settled(cluster);
  assert.deepEqual(others, []);
  assert.equal(own!.metadata.ownerReferences![0]!.name, "web");
  cluster.put(pods, { ...own!, metadata: { ...own!.metadata, labels: { app: "db" } } });
  assert.equal(settled(cluster).length, 2);
  assert.equal(cluster.get(pods, { ...WEB, name: "own" })!.metadata.ownerReferences, undefined);
});

Deno.test("a ReplicationController says why its pods cannot be made", () => {
  const cluster = new TestCluster();
  controller(cluster, 1);
  const [create] = cluster.planOf(replicationController, WEB).writes;
  assert.ok(create?.verb === "create");
  cluster.perform({ writes: create.refused!(new ApiError("Forbidden", "exceeded quota")) });
  const [condition] = status(cluster).conditions!;
  assert.deepEqual([condition!.type, condition!.status, condition!.reason, condition!.message], [
    "ReplicaFailure",
    "True",
    "FailedCreate",
    "exceeded quota",
  ]);
  assert.equal(cluster.notices[0]!.message, "Error creating: exceeded quota");
  settled(cluster);
  assert.equal(status(cluster).conditions, undefined);
});

import assert from "node:assert/strict";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { loopOf } from "../runtime/controller.ts";
import { controllerReference, isControlledBy, selected } from "../runtime/ownership.ts";
import { TestCluster } from "../test_cluster.ts";
import { deploymentController } from "./deployments.ts";
import { replicaSetController } from "./replica_sets.ts";

const WEB = { namespace: "default", name: "web" };
const selector = { matchLabels: { app: "web" } };
const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};

function deploy(cluster: TestCluster, spec: object = {}): Deployment {
  const before = cluster.get(deployments, WEB);
  const generation = (before?.metadata.generation ?? 0) + 1;
  return cluster.put<Deployment>(deployments, {
    ...before,
    metadata: { name: "web", ...before?.metadata, generation },
    spec: { replicas: 1, selector, template, ...spec },
  });
}

const settle = (cluster: TestCluster) =>
  cluster.settle([deploymentController, replicaSetController]);

Deno.test("the end of a pod matters to the Deployment of its ReplicaSet when the strategy is Recreate", () => {
  const rows: [type: string, expected: string[]][] = [
    ["Recreate", ["default/web"]],
    ["RollingUpdate", []],
  ];
  for (const [type, expected] of rows) {
    const cluster = new TestCluster();
    deploy(cluster, { strategy: { type } });
    settle(cluster);
    const [pod] = cluster.list(pods);
    const keys: string[] = [];
    const run = loopOf(deploymentController).start(cluster, (key) => keys.push(key));
    keys.length = 0;
    cluster.put(pods, { metadata: { name: "stray" }, spec: pod!.spec });
    const reference = { ...pod!.metadata.ownerReferences![0]!, kind: "StatefulSet" };
    cluster.put(pods, { metadata: { name: "s-0", ownerReferences: [reference] }, spec: pod!.spec });
    const unknown = { ...reference, kind: "ReplicaSet", name: "unknown" };
    cluster.put(pods, { metadata: { name: "u", ownerReferences: [unknown] }, spec: pod!.spec });
    assert.deepEqual(keys.splice(0), [], "pods of others");
    cluster.take(pods, pod!.metadata);
    assert.deepEqual(keys, expected, type);
    run.stop();
  }
});

Deno.test("only a first pod is news: a ReplicaSet without pods is created without an event", () => {
  for (const replicas of [0, 1, 2]) {
    const cluster = new TestCluster();
    deploy(cluster, { replicas });
    cluster.settle([deploymentController]);
    const [set] = cluster.list(replicaSets);
    const expected = `Scaled up replica set ${set!.metadata.name} from 0 to ${replicas}`;
    const messages = cluster.notices.map(({ message }) => message);
    assert.deepEqual(messages, replicas === 0 ? [] : [expected]);
  }
});

Deno.test("a deployment that is scaled says so of each ReplicaSet, also of those whose size stays", () => {
  const cluster = new TestCluster();
  deploy(cluster, { replicas: 2 });
  cluster.settle([deploymentController]);
  const desired = () =>
    cluster.list(replicaSets).map(({ metadata, spec }) => [
      spec.replicas,
      metadata.annotations?.["deployment.kubernetes.io/desired-replicas"],
    ]);
  assert.deepEqual(desired(), [[2, "2"]]);
  cluster.notices.length = 0;
  deploy(cluster, { replicas: 1 });
  cluster.settle([deploymentController]);
  assert.deepEqual(desired(), [[1, "1"]]);
  assert.match(cluster.notices[0]!.message, /^Scaled down replica set web-\w+ from 2 to 1$/);
  const strategy = { rollingUpdate: { maxSurge: 3 } };
  deploy(cluster, { replicas: 1, paused: true, strategy });
  cluster.settle([deploymentController]);
  const [set] = cluster.list(replicaSets);
  assert.equal(set!.metadata.annotations?.["deployment.kubernetes.io/max-replicas"], "4");
});

Deno.test("Recreate takes the last old pod away before it makes a new one", () => {
  const cluster = new TestCluster();
  const strategy = { type: "Recreate" };
  deploy(cluster, { strategy });
  settle(cluster);
  const [old] = cluster.list(pods);
  cluster.put(pods, { ...old!, spec: { ...old!.spec, nodeName: "n1" } });
  const spec = { containers: [{ name: "web", image: "web:2" }] };
  deploy(cluster, { strategy, template: { ...template, spec } });
  settle(cluster);
  assert.deepEqual(cluster.list(replicaSets).map(({ spec }) => spec.replicas), [0]);
  cluster.take(pods, old!.metadata);
  settle(cluster);
  assert.deepEqual(cluster.list(replicaSets).map(({ spec }) => spec.replicas).sort(), [0, 1]);
});

Deno.test("who controls an object, and what a selector selects in its namespace", () => {
  const cluster = new TestCluster();
  const web = deploy(cluster);
  const reference = controllerReference(deployments, web);
  assert.deepEqual(reference, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    name: "web",
    uid: web.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  });
  const put = (name: string, metadata: object) =>
    cluster.put(pods, { metadata: { name, ...metadata }, spec: template.spec });
  const owned = put("owned", { ownerReferences: [reference], labels: { app: "web" } });
  const { controller: _, ...plain } = reference;
  const other = put("other", { ownerReferences: [plain], labels: { app: "web", tier: "x" } });
  put("elsewhere", { namespace: "shop", labels: { app: "web" } });
  put("unlike", { labels: { app: "db" } });
  assert.deepEqual([isControlledBy(owned, web), isControlledBy(other, web)], [true, false]);
  const names = (given: object) =>
    selected(cluster, pods, "default", given).map(({ metadata }) => metadata.name);
  assert.deepEqual(names(selector), ["other", "owned"]);
  assert.deepEqual(names({ matchExpressions: [{ key: "tier", operator: "Exists" }] }), ["other"]);
  assert.deepEqual(names({ matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }), [
    "owned",
    "unlike",
  ]);
});

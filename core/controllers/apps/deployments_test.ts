import assert from "node:assert/strict";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { deploymentController } from "./deployments.ts";
import { isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { nameOfCurrent } from "./replica_set_history.ts";
import { replicaSetController } from "./replica_sets.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";

const WEB = { namespace: "default", name: "web" };
const REVISION = "deployment.kubernetes.io/revision";

function deploy(
  cluster: TestCluster,
  { replicas = 3, image = "web:1", spec = {}, annotations = {} } = {},
) {
  const before = cluster.get(deployments, WEB);
  return cluster.put<Deployment>(deployments, {
    ...before,
    metadata: {
      name: "web",
      ...before?.metadata,
      generation: (before?.metadata.generation ?? 0) + 1,
      annotations: { ...before?.metadata.annotations, ...annotations },
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image }] },
      },
      ...spec,
    },
  });
}

/** Lets the controllers rest, then all pods become ready or end, again and again. */
function run(cluster: TestCluster, { rounds = 20, ready = true } = {}): Deployment {
  for (let round = 0; round < rounds; round++) {
    cluster.settle([deploymentController, replicaSetController]);
    cluster.nowMs += 1_000;
    for (const pod of cluster.list(pods)) {
      if (!isActive(pod)) cluster.take(pods, pod.metadata);
      else if (ready && !isReady(pod)) {
        const lastTransitionTime = timestamp(cluster.nowMs);
        cluster.put(pods, {
          ...pod,
          spec: { ...pod.spec, nodeName: "n1" },
          status: {
            phase: "Running",
            conditions: [{ type: "Ready", status: "True", lastTransitionTime }],
          },
        });
      }
    }
  }
  return cluster.get(deployments, WEB)!;
}

function sets(cluster: TestCluster): readonly ReplicaSet[] {
  return cluster.list(replicaSets);
}

function imageOf({ spec }: ReplicaSet): string {
  return spec.template.spec.containers[0]!.image!;
}

function sizes(cluster: TestCluster): Record<string, number> {
  return Object.fromEntries(sets(cluster).map((set) => [imageOf(set), set.spec.replicas]));
}

function words({ status }: Deployment): string[] {
  return (status.conditions ?? []).map(({ type, status, reason, message }) =>
    `${type} ${status} ${reason}: ${message}`
  ).sort();
}

Deno.test("a new deployment makes a ReplicaSet with the hash, the revision and its annotations", () => {
  const cluster = new TestCluster();
  deploy(cluster, { annotations: { "kubernetes.io/change-cause": "first" } });
  cluster.perform(
    deploymentController.reconcile(cluster.get(deployments, WEB)!, cluster, cluster.nowMs),
  );
  const [made] = sets(cluster);
  const hash = made!.metadata.labels!["pod-template-hash"]!;
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  assert.equal(made!.metadata.name, `web-${hash}`);
  assert.deepEqual(made!.spec.selector.matchLabels, { app: "web", "pod-template-hash": hash });
  assert.deepEqual(made!.spec.template.metadata?.labels, { app: "web", "pod-template-hash": hash });
  assert.deepEqual(made!.metadata.annotations, {
    "kubernetes.io/change-cause": "first",
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
  });
  assert.equal(cluster.notices[0]?.message, `Scaled up replica set web-${hash} from 0 to 3`);
  const begun = cluster.get(deployments, WEB)!;
  assert.deepEqual(words(begun), [
    `Progressing True NewReplicaSetCreated: Created new replica set "web-${hash}"`,
  ]);
  assert.equal(begun.metadata.annotations?.[REVISION], "1", "comes with the status, in one write");
});

Deno.test("a deployment that was complete and has lost a pod waits for news, not for its deadline", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  run(cluster);
  const [pod] = cluster.list(pods);
  cluster.patchStatus(pods, pod!.metadata, { conditions: [{ type: "Ready", status: "False" }] });
  cluster.nowMs += 3_600_000;
  const deployment = run(cluster, { rounds: 1, ready: false });
  assert.equal(deployment.status.unavailableReplicas, 1);
  assert.deepEqual(deploymentController.reconcile(deployment, cluster, cluster.nowMs), {
    writes: [],
  });
});

Deno.test("the hash depends on the template alone, not on the order of its fields", () => {
  const cluster = new TestCluster();
  const one = nameOfCurrent(deploy(cluster));
  const { template } = cluster.get(deployments, WEB)!.spec;
  const turned = {
    spec: Object.fromEntries(Object.entries(template.spec).reverse()),
    metadata: template.metadata,
  };
  assert.equal(nameOfCurrent(deploy(cluster, { replicas: 9, spec: { template: turned } })), one);
  assert.notEqual(nameOfCurrent(deploy(cluster, { image: "web:2" })), one);
});

Deno.test("a rollout ends with the words of Kubernetes and rests", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  const done = run(cluster);
  const name = sets(cluster)[0]!.metadata.name;
  assert.deepEqual(words(done), [
    "Available True MinimumReplicasAvailable: Deployment has minimum availability.",
    `Progressing True NewReplicaSetAvailable: ReplicaSet "${name}" has successfully progressed.`,
  ]);
  assert.equal(done.metadata.annotations?.[REVISION], "1");
  const plan = deploymentController.reconcile(done, cluster, cluster.nowMs + 10_000_000);
  assert.deepEqual(plan, { writes: [] });
});

Deno.test("a pod that fails and comes back after the rollout is no progress", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  const progressing = (deployment: Deployment) =>
    conditionOf(deployment.status.conditions, "Progressing");
  const before = progressing(run(cluster));
  const [first, second] = cluster.list(pods);
  const say = (pod: Pod, status: string) =>
    cluster.patchStatus(pods, pod.metadata, { conditions: [{ type: "Ready", status }] });
  say(first!, "False");
  say(second!, "False");
  const missing = run(cluster, { rounds: 1, ready: false });
  assert.equal(missing.status.unavailableReplicas, 2);
  assert.equal(conditionOf(missing.status.conditions, "Available")?.status, "False");
  say(first!, "True");
  assert.deepEqual(progressing(run(cluster, { rounds: 1, ready: false })), before);
  assert.deepEqual(progressing(run(cluster)), before);
});

Deno.test("a rollback makes the old ReplicaSet the newest and remembers what it was", () => {
  const cluster = new TestCluster();
  deploy(cluster, { image: "web:1" });
  run(cluster);
  deploy(cluster, { image: "web:2" });
  run(cluster);
  deploy(cluster, { image: "web:1" });
  const done = run(cluster);
  assert.equal(done.metadata.annotations?.[REVISION], "3");
  const first = sets(cluster).find((set) => imageOf(set) === "web:1")!;
  assert.equal(first.metadata.annotations?.[REVISION], "3");
  assert.equal(first.metadata.annotations?.["deployment.kubernetes.io/revision-history"], "1");
  assert.deepEqual(sizes(cluster), { "web:1": 3, "web:2": 0 });
});

Deno.test("old ReplicaSets beyond the limit of the history go, the oldest first", () => {
  const cluster = new TestCluster();
  for (let version = 1; version <= 5; version++) {
    deploy(cluster, { image: `web:${version}`, spec: { revisionHistoryLimit: 2 } });
    run(cluster);
  }
  assert.deepEqual(sizes(cluster), { "web:3": 0, "web:4": 0, "web:5": 3 });
});

Deno.test("a paused deployment scales but does not roll out, and goes on when resumed", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  run(cluster);
  deploy(cluster, { replicas: 5, image: "web:2", spec: { paused: true } });
  const paused = run(cluster);
  assert.deepEqual(sizes(cluster), { "web:1": 5 });
  assert.equal(conditionOf(paused.status.conditions, "Progressing")?.reason, "DeploymentPaused");
  deploy(cluster, { replicas: 5, image: "web:2", spec: { paused: false } });
  const done = run(cluster);
  assert.deepEqual(sizes(cluster), { "web:1": 0, "web:2": 5 });
  assert.equal(
    conditionOf(done.status.conditions, "Progressing")?.reason,
    "NewReplicaSetAvailable",
  );
});

Deno.test("Recreate ends all old pods before it makes the first new one", () => {
  const cluster = new TestCluster();
  const spec = { strategy: { type: "Recreate" } };
  deploy(cluster, { spec });
  run(cluster);
  deploy(cluster, { image: "web:2", spec });
  cluster.settle([deploymentController, replicaSetController]);
  assert.deepEqual(sizes(cluster), { "web:1": 0 });
  const [last, ...others] = cluster.list(pods);
  assert.ok(last!.metadata.deletionTimestamp);
  for (const pod of others) cluster.take(pods, pod.metadata);
  cluster.settle([deploymentController, replicaSetController]);
  assert.deepEqual(sizes(cluster), { "web:1": 0 }, "the last old pod still runs");
  cluster.take(pods, last!.metadata);
  run(cluster);
  assert.deepEqual(sizes(cluster), { "web:1": 0, "web:2": 3 });
});

Deno.test("scaling during a rollout keeps the shares of the ReplicaSets", () => {
  const cluster = new TestCluster();
  const spec = {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
  };
  deploy(cluster, { replicas: 10, spec });
  run(cluster);
  deploy(cluster, { replicas: 10, image: "web:2", spec });
  run(cluster, { ready: false });
  assert.deepEqual(sizes(cluster), { "web:1": 8, "web:2": 5 });
  deploy(cluster, { replicas: 15, image: "web:2", spec });
  cluster.settle([deploymentController]);
  assert.deepEqual(
    sizes(cluster),
    { "web:1": 11, "web:2": 7 },
    "as in the Kubernetes documentation",
  );
});

Deno.test("a rollout without progress is told after its deadline, not before, and looked at just then", () => {
  const cluster = new TestCluster();
  deploy(cluster, { spec: { progressDeadlineSeconds: 60 } });
  const waiting = run(cluster, { rounds: 1, ready: false });
  assert.equal(conditionOf(waiting.status.conditions, "Progressing")?.status, "True");
  const { againAfterMs } = deploymentController.reconcile(waiting, cluster, cluster.nowMs);
  assert.ok(againAfterMs! > 55_000 && againAfterMs! <= 61_000, String(againAfterMs));
  cluster.nowMs += againAfterMs!;
  const late = run(cluster, { rounds: 1, ready: false });
  const name = sets(cluster)[0]!.metadata.name;
  assert.ok(
    words(late).includes(
      `Progressing False ProgressDeadlineExceeded: ReplicaSet "${name}" has timed out progressing.`,
    ),
    words(late).join("\n"),
  );
});

Deno.test("a ReplicaSet of the same template without owner is taken over, not made again", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  run(cluster);
  const [stray] = sets(cluster);
  const { ownerReferences: _, ...metadata } = stray!.metadata;
  cluster.put(replicaSets, { ...stray!, metadata });
  run(cluster);
  assert.equal(sets(cluster).length, 1);
  assert.equal(sets(cluster)[0]!.metadata.ownerReferences?.[0]?.kind, "Deployment");
});

Deno.test("a name that another ReplicaSet has taken is made anew with another hash", () => {
  const cluster = new TestCluster();
  const name = nameOfCurrent(deploy(cluster));
  cluster.put(replicaSets, {
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "other" } },
      template: {
        metadata: { labels: { app: "other" } },
        spec: { containers: [{ name: "x", image: "x" }] },
      },
    },
  });
  const done = run(cluster);
  assert.equal(done.status.collisionCount, 1);
  assert.equal(done.status.availableReplicas, 3);
  assert.equal(sets(cluster).length, 2);
});

Deno.test("the change cause of a deployment reaches its current ReplicaSet only", () => {
  const cluster = new TestCluster();
  deploy(cluster, { annotations: { "kubernetes.io/change-cause": "one" } });
  run(cluster);
  deploy(cluster, { image: "web:2", annotations: { "kubernetes.io/change-cause": "two" } });
  run(cluster);
  const causes = sets(cluster).map((set) => [
    imageOf(set),
    set.metadata.annotations?.["kubernetes.io/change-cause"],
  ]);
  assert.deepEqual(Object.fromEntries(causes), { "web:1": "one", "web:2": "two" });
});

Deno.test("scaling to nothing and back works", () => {
  const cluster = new TestCluster();
  deploy(cluster);
  run(cluster);
  deploy(cluster, { replicas: 0 });
  assert.equal(run(cluster).status.replicas, undefined);
  deploy(cluster, { replicas: 2 });
  assert.equal(run(cluster).status.availableReplicas, 2);
  const told = cluster.notices.filter(({ reason }) => reason === "ScalingReplicaSet")
    .map(({ message }) => message.replace(/web-\S+/, "web"));
  assert.deepEqual(told, [
    "Scaled up replica set web from 0 to 3",
    "Scaled down replica set web from 3 to 0",
    "Scaled up replica set web from 0 to 2",
  ]);
});

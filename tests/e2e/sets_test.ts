import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { isReady, type PodmanCluster, podSpecOf, testOnPodman } from "./podman_cluster.ts";

const WAIT = "--timeout=120s";

testOnPodman({
  name: "StatefulSets and DaemonSets on Podman",
  subnet: 162,
  steps: [
    {
      name: "pods of a StatefulSet come in order, with names and claims of their own",
      run: comeUp,
    },
    { name: "a pod that is made anew finds its data", run: dataOutlivesPods },
    { name: "a rolling update goes from the last pod to the first, and back", run: updateAndUndo },
    { name: "claims go with pods that are scaled away, and with the set", run: retention },
    { name: "a DaemonSet has a pod on the node, also while it is cordoned", run: daemons },
    { name: "a DaemonSet is updated, rolled back and adopted again", run: daemonUpdate },
  ],
});

/** Keeps the name of the first pod that had the volume. */
const KEEP = "[ -e /data/first ] || hostname > /data/first; sleep 10000";

function statefulSet(more: object = {}): object {
  const labels = { app: "db" };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      serviceName: "db",
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...podSpecOf({
            script: KEEP,
            container: { volumeMounts: [{ name: "data", mountPath: "/data" }] },
          }),
          terminationGracePeriodSeconds: 1,
        },
      },
      volumeClaimTemplates: [{
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "16Mi" } },
        },
      }],
      ...more,
    },
  };
}

async function comeUp(cluster: PodmanCluster): Promise<void> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 8080 }] },
  };
  assert.equal(await cluster.apply(service, statefulSet()), "", "there is nothing to warn of");
  await rolledOut(cluster, "statefulset/db");
  const [first, second] = await cluster.pods("app=db");
  assert.deepEqual([first, second].map((pod) => pod!.metadata.name), ["db-0", "db-1"]);
  const startedMs = (pod = second) => Date.parse(pod!.metadata.creationTimestamp!);
  assert.ok(startedMs(first) <= startedMs());
  const script = "hostname; cat /data/first";
  assert.equal(await cluster.kubectl("exec", "db-1", "--", "sh", "-c", script), "db-1\ndb-1\n");
  assert.deepEqual(await claims(cluster), ["data-db-0", "data-db-1"]);
  const described = await cluster.kubectl("describe", "statefulset", "db");
  assert.match(described, /create Claim data-db-1 Pod db-1 in StatefulSet db success/);
  assert.match(described, /create Pod db-1 in StatefulSet db successful/);
}

async function dataOutlivesPods(cluster: PodmanCluster): Promise<void> {
  const before = await cluster.pod("db-1");
  await cluster.kubectl("exec", "db-1", "--", "sh", "-c", "echo kept > /data/more");
  await cluster.delete("pod", "db-1");
  const after = await cluster.podWhen(
    "db-1",
    (pod) => pod.metadata.uid !== before!.metadata.uid && isReady(pod),
  );
  assert.equal(after.metadata.labels?.["apps.kubernetes.io/pod-index"], "1");
  assert.equal(await cluster.kubectl("exec", "db-1", "--", "cat", "/data/more"), "kept\n");
}

async function updateAndUndo(cluster: PodmanCluster): Promise<void> {
  await cluster.kubectl("set", "env", "statefulset/db", "STATE=second");
  await rolledOut(cluster, "statefulset/db");
  const made = (await cluster.pods("app=db")).map(({ metadata }) => metadata.creationTimestamp!);
  assert.ok(made[1]! <= made[0]!, "the last pod is replaced first");
  const env = () => cluster.kubectl("exec", "db-0", "--", "sh", "-c", "echo $STATE");
  assert.equal(await env(), "second\n");
  await cluster.kubectl("rollout", "undo", "statefulset/db");
  await rolledOut(cluster, "statefulset/db");
  assert.equal(await env(), "\n");
  const history = await cluster.kubectl("rollout", "history", "statefulset/db");
  assert.deepEqual(history.match(/^\d+/gm), ["2", "3"]);
}

async function retention(cluster: PodmanCluster): Promise<void> {
  const policy = { whenDeleted: "Delete", whenScaled: "Delete" };
  await cluster.apply(statefulSet({ persistentVolumeClaimRetentionPolicy: policy }));
  await cluster.kubectl("scale", "statefulset/db", "--replicas=1");
  await eventually("the claim goes with its pod", async () => (await claims(cluster)).length === 1);
  assert.deepEqual(await claims(cluster), ["data-db-0"]);
  await cluster.delete("statefulset", "db");
  await eventually("the claim goes with the set", async () => (await claims(cluster)).length === 0);
}

async function claims(cluster: PodmanCluster): Promise<string[]> {
  const path = "/api/v1/namespaces/default/persistentvolumeclaims";
  const list = await cluster.get<{ items: { metadata: { name: string } }[] }>(path);
  return list!.items.map(({ metadata }) => metadata.name);
}

function daemonSet(): object {
  const labels = { app: "log" };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "log" },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { ...podSpecOf({ script: "sleep 10000" }), terminationGracePeriodSeconds: 1 },
      },
    },
  };
}

async function daemons(cluster: PodmanCluster): Promise<void> {
  assert.equal(await cluster.apply(daemonSet()), "", "there is nothing to warn of");
  await rolledOut(cluster, "daemonset/log");
  const [pod] = await cluster.pods("app=log");
  await cluster.kubectl("cordon", pod!.spec.nodeName!);
  await cluster.delete("pod", pod!.metadata.name);
  await eventually("the pod is there again", async () => {
    const [next] = await cluster.pods("app=log");
    return next !== undefined && next.metadata.uid !== pod!.metadata.uid && isReady(next);
  });
  await cluster.kubectl("uncordon", pod!.spec.nodeName!);
}

/** A kubectl before 1.34 compares bytes with `creationTimestamp: null` in them, and so rolls back to what is there. */
const SAME_REVISION =
  /daemonset.apps\/log (rolled back|skipped rollback \(current template already matches revision 3\))/;

async function daemonUpdate(cluster: PodmanCluster): Promise<void> {
  await cluster.kubectl("set", "env", "daemonset/log", "STATE=second");
  await rolledOut(cluster, "daemonset/log");
  await cluster.kubectl("rollout", "undo", "daemonset/log");
  await rolledOut(cluster, "daemonset/log");
  const [pod] = await cluster.pods("app=log");
  const again = await cluster.kubectl("rollout", "undo", "daemonset/log", "--to-revision=3");
  assert.match(again, SAME_REVISION);
  const history = await cluster.kubectl("rollout", "history", "daemonset/log");
  assert.deepEqual(history.match(/^\d+/gm), ["2", "3"]);
  await cluster.kubectl("delete", "daemonset", "log", "--cascade=orphan", WAIT);
  await cluster.apply(daemonSet());
  await rolledOut(cluster, "daemonset/log");
  const [adopted, ...more] = await cluster.pods("app=log");
  assert.deepEqual([adopted!.metadata.uid, more.length], [pod!.metadata.uid, 0]);
  await cluster.delete("daemonset", "log");
}

async function rolledOut(cluster: PodmanCluster, name: string): Promise<void> {
  await cluster.kubectl("rollout", "status", name, WAIT);
}
